"""The fixed columns of exported lists, in the order of their cells, in the active language.

Names are English and never change, so that analysts' scripts keep working; meanings are translated. Uses no database.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.words import get_translation
from reports.models import Evidence, Report, Violation, ViolationType
from reports.services.exports.columns import LABEL_SUFFIX, Column

SOURCE_LABELS: Mapping[str, str | Promise] = {
    Report.Source.OBSERVER: gettext_lazy("an observer's phone"),
    Report.Source.DESK: gettext_lazy("dictated to the desk"),
    Report.Source.READER: gettext_lazy("read from a protocol's photo"),
    Report.Source.OFFICIAL: gettext_lazy("official figures"),
}
FILE_STATE_LABELS: Mapping[str, str | Promise] = {
    Evidence.State.AWAITED: gettext_lazy("awaited"),
    Evidence.State.PARTIAL: gettext_lazy("arrived in part"),
    Evidence.State.STORED: gettext_lazy("arrived whole"),
}
FILE_SOURCE_LABELS: Mapping[str, str | Promise] = {
    Evidence.Source.CAMERA: gettext_lazy("camera"),
    Evidence.Source.GALLERY: gettext_lazy("gallery"),
    Evidence.Source.FILE: gettext_lazy("file"),
}


def _translate_choices(pairs: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Translates the labels of choices; the catalogue has them already."""
    return tuple((code, _(str(text))) for code, text in pairs)


def _make_datetime_column(name: str, meaning: str) -> Column:
    return Column(name, meaning, "moment", "UTC")


def _make_flag_column(name: str, meaning: str) -> Column:
    return Column(name, meaning, "0/1")


def _make_observer_columns() -> list[Column]:
    return [Column("observer", _("code of the observer")), Column("organisation", _("code of the organisation"))]


def _make_observed_at_columns() -> list[Column]:
    return [
        _make_datetime_column("observed_at", _("when it was seen, as the phone said")),
        Column("observed_local", _("the same by the clock of the place"), "moment", _("the place's time zone")),
    ]


def _make_counted_column() -> Column:
    return _make_flag_column("counted", _("whether the report is in the figures"))


def make_report_id_columns() -> list[Column]:
    """Makes the first columns of a table of reports."""
    return [
        Column("report_id", _("id of the report")),
        Column("sequence", _("number in the order of receipt"), "integer"),
        Column("version", _("version of the checklist"), "integer"),
    ]


def make_report_columns() -> list[Column]:
    """Makes the columns of a table of reports that follow the commission's."""
    return [
        *_make_observer_columns(),
        Column("contest", _("code of the contest, where the report is about one")),
        Column("slot", _("reporting time, where the checklist has them")),
        *_make_observed_at_columns(),
        _make_datetime_column("sent_at", _("when it was sent, as the phone said")),
        _make_datetime_column("received_at", _("when it was received")),
        Column("channel", _("way by which it came")),
        Column("source", _("whose words it is"), choices=_translate_choices(SOURCE_LABELS.items())),
        _make_flag_column("outside", _("whether it is about the portable box")),
        _make_counted_column(),
        Column("state", _("what the desk decided"), choices=_translate_choices(Report.State.choices)),
        _make_flag_column("rehearsal", _("whether it was a rehearsal")),
        _make_flag_column("quarantined", _("whether the observer's reports are set aside")),
        _make_flag_column("superseded", _("whether a later report stands in its place")),
        Column("supersedes", _("id of the report that it corrects")),
        Column("flags", _("what the platform found remarkable, codes with semicolons")),
    ]


def make_report_text_columns() -> list[Column]:
    """Makes the columns with free text and locations of phones, which may identify people."""
    return [
        Column("comment", _("the observer's free words")),
        Column("state_reason", _("the desk's reason for its decision")),
        *_make_location_columns(),
    ]


def _make_location_columns() -> list[Column]:
    return [
        Column("lat", _("where the phone was: latitude"), "decimal", "WGS84"),
        Column("lon", _("where the phone was: longitude"), "decimal", "WGS84"),
        Column("accuracy", _("how far that may be off"), "decimal", _("metres")),
    ]


def make_violation_columns(
    kinds: Mapping[str, ViolationType], with_labels: bool, place_columns: Sequence[Column], include_free_text: bool
) -> list[Column]:
    choices = tuple((code, get_translation(one.names) or code) for code, one in kinds.items())
    groups = {one.group.code: get_translation(one.group.names) or one.group.code for one in kinds.values()}
    label_columns = [Column("violation" + LABEL_SUFFIX, _("the violation in words"))] if with_labels else []
    return [
        Column("id", _("number of the line"), "integer"),
        Column("report_id", _("id of the report that tells of it")),
        Column("violation", _("code of the violation: a possible breach, never a finding of guilt"), choices=choices),
        *label_columns,
        Column("group", _("code of its group"), choices=tuple(groups.items())),
        Column("severity", _("how grave it is"), choices=_translate_choices(ViolationType.Severity.choices)),
        Column("state", _("what the desk found out"), choices=_translate_choices(Violation.State.choices)),
        _make_datetime_column("decided_at", _("when the desk decided")),
        Column("case", _("number of the case: one event, of which several reports may tell"), "integer"),
        *place_columns,
        *_make_observer_columns(),
        Column("checklist", _("code of the checklist")),
        Column("version", _("version of the checklist"), "integer"),
        *_make_observed_at_columns(),
        _make_datetime_column("received_at", _("when it was received")),
        _make_counted_column(),
        *([Column("note", _("the desk's note"))] if include_free_text else []),
    ]


def make_evidence_columns(place_columns: Sequence[Column], include_free_text: bool) -> list[Column]:
    return [
        Column("file_id", _("id of the file")),
        Column("report_id", _("id of the report that it belongs to")),
        *place_columns,
        *_make_observer_columns(),
        Column("checklist", _("code of the checklist")),
        Column("question", _("code of the question that it answers")),
        Column("violation", _("code of the violation that it shows")),
        Column("state", _("whether it has arrived"), choices=_translate_choices(FILE_STATE_LABELS.items())),
        Column("sha256", _("SHA-256 of the sealed file")),
        Column("size", _("size of the file"), "integer", _("bytes")),
        Column("type", _("type of the file as the phone said")),
        Column("media_type", _("type of the file as its bytes say")),
        Column("source", _("where the phone took it from"), choices=_translate_choices(FILE_SOURCE_LABELS.items())),
        _make_datetime_column("captured_at", _("when it was taken, as the phone said")),
        _make_datetime_column("announced_at", _("when it was announced")),
        _make_datetime_column("stored_at", _("when it had arrived whole")),
        _make_flag_column("publishable", _("whether the observer says that it may be published")),
        _make_datetime_column("approved_at", _("when the desk approved it for the public")),
        Column("flags", _("what the platform found remarkable, codes with semicolons")),
        *(_make_location_columns() if include_free_text else []),
    ]


def make_coverage_columns(place_columns: Sequence[Column], checklists: Iterable[tuple[str, str]]) -> list[Column]:
    return [
        *place_columns,
        _make_flag_column("station", _("whether people vote there")),
        _make_flag_column("heard", _("whether a counted report tells of it")),
        _make_flag_column("opened", _("whether a counted report tells of its opening")),
        _make_flag_column("denied", _("whether an observer was kept out")),
        *(
            _make_flag_column(f"late:{code}", _("whether a report is overdue: %(title)s") % {"title": title})
            for code, title in checklists
        ),
    ]
