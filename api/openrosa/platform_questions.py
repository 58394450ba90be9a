"""The platform's own questions, added before and after those of a checklist.

They ask where, when, about which contest, and for a comment and a photo. Their names begin with `_`, which the name
of no checklist question does.
"""

from collections.abc import Iterable, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, override

from observer.models import Contest
from reports.models import Checklist
from reports.services.checklists.xlsform.rows import Row, Workbook, build_column_name, build_translated_columns

STATION, STATION_CODE, CONTEST, SLOT = "_station", "_station_code", "_contest", "_slot"
OBSERVED_AT, LOCATION, OUTSIDE = "_observed_at", "_location", "_outside"
COMMENT, PHOTO, PUBLISHABLE = "_comment", "_photo", "_publishable"
OTHER_STATION = "*"  # a station that is not in the list; no commission's code is a star
STATIONS_FILE = "stations.csv"
PHOTO_PARAMETERS = "max-pixels=2000"


def add_platform_questions(
    workbook: Workbook, *, checklist: Checklist, contests: Sequence[Contest], languages: Sequence[str]
) -> Workbook:
    """Returns the checklist's workbook with the platform's questions before and after its own."""
    first_rows, last_rows = _build_first_rows(checklist, bool(contests), languages), _build_last_rows(languages)
    choices = [
        {"list_name": "_contests", "name": one.code, **build_translated_columns("label", one.names, languages)}
        for one in contests
    ]
    return {
        "survey": [*first_rows, *workbook["survey"], *last_rows],
        "choices": [*workbook["choices"], *choices],
        "settings": workbook["settings"],
    }


def _build_first_rows(checklist: Checklist, has_contests: bool, languages: Sequence[str]) -> Iterable[Row]:
    preset = f"instance('{STATIONS_FILE.partition('.')[0]}')/root/item[preset='1']/name"
    yield _build_row("begin_group", "_where", gettext_lazy("Where and when"), languages)
    yield _build_row(
        f"select_one_from_file {STATIONS_FILE}",
        STATION,
        gettext_lazy("Which commission is it?"),
        languages,
        gettext_lazy("Search by code or name."),
        required="yes",
        appearance="minimal autocomplete",
        default=preset,
    )
    yield _build_row(
        "text",
        STATION_CODE,
        gettext_lazy("Its code"),
        languages,
        gettext_lazy("Exactly as it is written on your papers."),
        required="yes",
        relevant=f"${{{STATION}}} = '{OTHER_STATION}'",
    )
    if has_contests:
        yield _build_row("select_one _contests", CONTEST, gettext_lazy("Which contest is it about?"), languages)
    yield _build_row(
        "datetime", OBSERVED_AT, gettext_lazy("When did you observe it?"), languages, required="yes", default="now()"
    )
    yield _build_row("geopoint", LOCATION, gettext_lazy("Where are you? (may be left out)"), languages)
    if checklist.place != Checklist.Place.TERRITORIAL:
        yield _build_row(
            "acknowledge",
            OUTSIDE,
            gettext_lazy("I observed this away from the station, with the portable box"),
            languages,
        )
    yield {"type": "end_group"}


def _build_last_rows(languages: Sequence[str]) -> Iterable[Row]:
    yield _build_row("begin_group", "_more", gettext_lazy("Anything else"), languages)
    yield _build_row("text", COMMENT, gettext_lazy("Is there anything else to say?"), languages, appearance="multiline")
    yield _build_row(
        "image",
        PHOTO,
        gettext_lazy("A photo that proves something"),
        languages,
        gettext_lazy("Never a voter in the booth, never a voter list."),
        parameters=PHOTO_PARAMETERS,
    )
    yield _build_row("acknowledge", PUBLISHABLE, gettext_lazy("My photos may be published"), languages)
    yield {"type": "end_group"}


def _build_row(
    kind: str, name: str, label: Promise, languages: Sequence[str], hint: Promise | None = None, **columns: str
) -> Row:
    row = {"type": kind, "name": name, **columns}
    for language in languages:
        with override(language):
            row[build_column_name("label", language)] = str(label)
            if hint is not None:
                row[build_column_name("hint", language)] = str(hint)
    return row
