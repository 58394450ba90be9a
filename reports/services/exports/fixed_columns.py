"""The fixed columns of exported lists, in the order of their cells, in the language that is active. Pure.

Names are English and stay, so that an analyst's script goes on working; meanings are translated.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.words import in_language
from reports.models import Evidence, Report, Violation, ViolationType
from reports.services.exports.columns import LABEL, Column

WHOSE: Mapping[str, str | Promise] = {
    Report.Source.OBSERVER: gettext_lazy("an observer's phone"),
    Report.Source.DESK: gettext_lazy("dictated to the desk"),
    Report.Source.READER: gettext_lazy("read from a protocol's photo"),
    Report.Source.OFFICIAL: gettext_lazy("official figures"),
}
ARRIVED: Mapping[str, str | Promise] = {
    Evidence.State.AWAITED: gettext_lazy("awaited"),
    Evidence.State.PARTIAL: gettext_lazy("arrived in part"),
    Evidence.State.STORED: gettext_lazy("arrived whole"),
}
TAKEN_FROM: Mapping[str, str | Promise] = {
    Evidence.Source.CAMERA: gettext_lazy("camera"),
    Evidence.Source.GALLERY: gettext_lazy("gallery"),
    Evidence.Source.FILE: gettext_lazy("file"),
}


def _choices(pairs: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Codes with words that are translated elsewhere already."""
    return tuple((code, _(str(words))) for code, words in pairs)


def _moment(name: str, says: str) -> Column:
    return Column(name, says, "moment", "UTC")


def _flag(name: str, says: str) -> Column:
    return Column(name, says, "0/1")


def _who() -> list[Column]:
    return [Column("observer", _("code of the observer")), Column("organisation", _("code of the organisation"))]


def _when() -> list[Column]:
    return [
        _moment("observed_at", _("when it was seen, as the phone said")),
        Column("observed_local", _("the same by the clock of the place"), "moment", _("the place's time zone")),
    ]


def _counted() -> Column:
    return _flag("counted", _("whether the report is in the figures"))


def report_first() -> list[Column]:
    return [
        Column("report_id", _("id of the report")),
        Column("sequence", _("number in the order of receipt"), "integer"),
        Column("version", _("version of the checklist"), "integer"),
    ]


def report_facts() -> list[Column]:
    return [
        *_who(),
        Column("contest", _("code of the contest, where the report is about one")),
        Column("slot", _("reporting time, where the checklist has them")),
        *_when(),
        _moment("sent_at", _("when it was sent, as the phone said")),
        _moment("received_at", _("when it was received")),
        Column("channel", _("way by which it came")),
        Column("source", _("whose words it is"), choices=_choices(WHOSE.items())),
        _flag("outside", _("whether it is about the portable box")),
        _counted(),
        Column("state", _("what the desk decided"), choices=_choices(Report.State.choices)),
        _flag("rehearsal", _("whether it was a rehearsal")),
        _flag("quarantined", _("whether the observer's reports are set aside")),
        _flag("superseded", _("whether a later report stands in its place")),
        Column("supersedes", _("id of the report that it corrects")),
        Column("flags", _("what the platform found remarkable, codes with semicolons")),
    ]


def report_words() -> list[Column]:
    return [
        Column("comment", _("the observer's free words")),
        Column("state_reason", _("the desk's reason for its decision")),
        *_whereabouts(),
    ]


def _whereabouts() -> list[Column]:
    return [
        Column("lat", _("where the phone was: latitude"), "decimal", "WGS84"),
        Column("lon", _("where the phone was: longitude"), "decimal", "WGS84"),
        Column("accuracy", _("how far that may be off"), "decimal", _("metres")),
    ]


def violation_facts(
    kinds: Mapping[str, ViolationType], named: bool, places: Sequence[Column], words: bool
) -> list[Column]:
    codes = tuple((code, in_language(one.names) or code) for code, one in kinds.items())
    groups = {one.group.code: in_language(one.group.names) or one.group.code for one in kinds.values()}
    said = [Column("violation" + LABEL, _("the violation in words"))] if named else []
    return [
        Column("id", _("number of the line"), "integer"),
        Column("report_id", _("id of the report that tells of it")),
        Column("violation", _("code of the violation: a possible breach, never a finding of guilt"), choices=codes),
        *said,
        Column("group", _("code of its group"), choices=tuple(groups.items())),
        Column("severity", _("how grave it is"), choices=_choices(ViolationType.Severity.choices)),
        Column("state", _("what the desk found out"), choices=_choices(Violation.State.choices)),
        _moment("decided_at", _("when the desk decided")),
        Column("case", _("number of the case: one event, of which several reports may tell"), "integer"),
        *places,
        *_who(),
        Column("checklist", _("code of the checklist")),
        Column("version", _("version of the checklist"), "integer"),
        *_when(),
        _moment("received_at", _("when it was received")),
        _counted(),
        *([Column("note", _("the desk's note"))] if words else []),
    ]


def evidence_facts(places: Sequence[Column], words: bool) -> list[Column]:
    return [
        Column("file_id", _("id of the file")),
        Column("report_id", _("id of the report that it belongs to")),
        *places,
        *_who(),
        Column("checklist", _("code of the checklist")),
        Column("question", _("code of the question that it answers")),
        Column("violation", _("code of the violation that it shows")),
        Column("state", _("whether it has arrived"), choices=_choices(ARRIVED.items())),
        Column("sha256", _("SHA-256 of the sealed file")),
        Column("size", _("size of the file"), "integer", _("bytes")),
        Column("type", _("type of the file as the phone said")),
        Column("media_type", _("type of the file as its bytes say")),
        Column("source", _("where the phone took it from"), choices=_choices(TAKEN_FROM.items())),
        _moment("captured_at", _("when it was taken, as the phone said")),
        _moment("announced_at", _("when it was announced")),
        _moment("stored_at", _("when it had arrived whole")),
        _flag("publishable", _("whether the observer says that it may be published")),
        _moment("approved_at", _("when the desk approved it for the public")),
        Column("flags", _("what the platform found remarkable, codes with semicolons")),
        *(_whereabouts() if words else []),
    ]


def coverage_facts(places: Sequence[Column], checklists: Iterable[tuple[str, str]]) -> list[Column]:
    return [
        *places,
        _flag("station", _("whether people vote there")),
        _flag("heard", _("whether a counted report tells of it")),
        _flag("opened", _("whether a counted report tells of its opening")),
        _flag("denied", _("whether an observer was kept out")),
        *(
            _flag(f"late:{code}", _("whether a report is overdue: %(title)s") % {"title": title})
            for code, title in checklists
        ),
    ]
