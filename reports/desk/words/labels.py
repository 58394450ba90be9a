"""Labels of the verification and case pages, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.models import CaseFile, Check, Complaint, Report, Violation

Labels = dict[str, str | Promise]
CHECK_REASON_LABELS: dict[int, str | Promise] = {
    Check.Why.CRITICAL: _("Critical violations"),
    Check.Why.FLAGGED: _("Flagged"),
    Check.Why.RANDOM: _("Drawn at random"),
}
REPORT_STATE_LABELS: Labels = {
    Report.State.RECEIVED: _("received"),
    Report.State.HELD: _("held"),
    Report.State.REJECTED: _("rejected"),
    Report.State.ACCEPTED: _("accepted, not verified"),
    Report.State.VERIFIED: _("verified"),
}
VIOLATION_STATE_LABELS: Labels = {
    Violation.State.REPORTED: _("reported"),
    Violation.State.CONFIRMED: _("confirmed"),
    Violation.State.REFUTED: _("refuted"),
    Violation.State.SOLVED: _("solved on the spot"),
    Violation.State.PASSED_ON: _("passed on"),
}
FLAG_LABELS: Labels = {
    "missing_answers": _("expected answers are missing"),
    "out_of_limits": _("a number is out of its limits"),
    "not_assigned": _("the observer was not sent there"),
    "other_place": _("another kind of place"),
    "clock_off": _("the phone's clock is off"),
    "far_from_station": _("sent far from the station"),
    "outside_window": _("outside the hours of the day"),
    "held": _("waits for a coordinator"),
    "rehearsal": _("a rehearsal"),
    "supersedes_unknown": _("corrects a report that is not here"),
    "supersedes_ignored": _("corrects a report that it cannot"),
    "same_file_elsewhere": _("the same file came with another station"),
    "place_contradicts": _("the file was taken elsewhere"),
    "time_contradicts": _("the file was taken at another time"),
    "unreadable": _("the file cannot be read"),
}
CASE_FILE_KIND_LABELS: Labels = {
    CaseFile.Kind.FILED: _("as filed"),
    CaseFile.Kind.RECEIPT: _("receipt"),
    CaseFile.Kind.ANSWER: _("answer"),
    CaseFile.Kind.OTHER: _("other"),
}
COMPLAINT_OUTCOME_LABELS: Labels = {
    Complaint.Outcome.UPHELD: _("upheld"),
    Complaint.Outcome.PARTLY: _("upheld in part"),
    Complaint.Outcome.DENIED: _("denied"),
    Complaint.Outcome.UNHEARD: _("not considered"),
}
FIGURE_LABELS: Labels = {
    "reports": _("Reports counted"),
    "observed": _("Stations observed"),
    "denied": _("Stations that kept an observer out"),
    "verified": _("Reports verified"),
    "violations.reports": _("Reports that tell of a violation"),
    "violations.confirmed": _("Confirmed cases"),
}


def get_flag_labels(flags: list[str]) -> list[str | Promise]:
    """The label of each flag, or its code without a label."""
    return [FLAG_LABELS.get(flag, flag) for flag in flags]
