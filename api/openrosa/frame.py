"""The platform's own questions around a checklist's: where, when, about which contest, and what else there is to say.

Their names begin with `_`, which no question's name does.
"""

from collections.abc import Iterable, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, override

from observer.models import Contest
from reports.models import Checklist
from reports.services.checklists.xlsform.rows import Row, Workbook, column_of, named

STATION, STATION_CODE, CONTEST, SLOT = "_station", "_station_code", "_contest", "_slot"
OBSERVED_AT, LOCATION, OUTSIDE = "_observed_at", "_location", "_outside"
COMMENT, PHOTO, PUBLISHABLE = "_comment", "_photo", "_publishable"
ANOTHER = "*"  # the station that is not in the list; no code has a star
STATIONS = "stations.csv"
PIXELS = "max-pixels=2000"


def framed(
    workbook: Workbook, *, checklist: Checklist, contests: Sequence[Contest], languages: Sequence[str]
) -> Workbook:
    """The checklist's rows with the platform's questions before and after them."""
    before, after = _before(checklist, bool(contests), languages), _after(languages)
    choices = [{"list_name": "_contests", "name": one.code, **named("label", one.names, languages)} for one in contests]
    return {
        "survey": [*before, *workbook["survey"], *after],
        "choices": [*workbook["choices"], *choices],
        "settings": workbook["settings"],
    }


def _before(checklist: Checklist, has_contests: bool, languages: Sequence[str]) -> Iterable[Row]:
    preset = f"instance('{STATIONS.partition('.')[0]}')/root/item[preset='1']/name"
    yield _row("begin_group", "_where", gettext_lazy("Where and when"), languages)
    yield _row(
        f"select_one_from_file {STATIONS}",
        STATION,
        gettext_lazy("Which commission is it?"),
        languages,
        gettext_lazy("Search by code or name."),
        required="yes",
        appearance="minimal autocomplete",
        default=preset,
    )
    yield _row(
        "text",
        STATION_CODE,
        gettext_lazy("Its code"),
        languages,
        gettext_lazy("Exactly as it is written on your papers."),
        required="yes",
        relevant=f"${{{STATION}}} = '{ANOTHER}'",
    )
    if has_contests:
        yield _row("select_one _contests", CONTEST, gettext_lazy("Which contest is it about?"), languages)
    yield _row(
        "datetime", OBSERVED_AT, gettext_lazy("When did you observe it?"), languages, required="yes", default="now()"
    )
    yield _row("geopoint", LOCATION, gettext_lazy("Where are you? (may be left out)"), languages)
    if checklist.place != Checklist.Place.TERRITORIAL:
        yield _row(
            "acknowledge",
            OUTSIDE,
            gettext_lazy("I observed this away from the station, with the portable box"),
            languages,
        )
    yield {"type": "end_group"}


def _after(languages: Sequence[str]) -> Iterable[Row]:
    yield _row("begin_group", "_more", gettext_lazy("Anything else"), languages)
    yield _row("text", COMMENT, gettext_lazy("Is there anything else to say?"), languages, appearance="multiline")
    yield _row(
        "image",
        PHOTO,
        gettext_lazy("A photo that proves something"),
        languages,
        gettext_lazy("Never a voter in the booth, never a voter list."),
        parameters=PIXELS,
    )
    yield _row("acknowledge", PUBLISHABLE, gettext_lazy("My photos may be published"), languages)
    yield {"type": "end_group"}


def _row(
    kind: str, name: str, label: Promise, languages: Sequence[str], hint: Promise | None = None, **more: str
) -> Row:
    row = {"type": kind, "name": name, **more}
    for language in languages:
        with override(language):
            row[column_of("label", language)] = str(label)
            if hint is not None:
                row[column_of("hint", language)] = str(hint)
    return row
