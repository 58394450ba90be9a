"""URLs of the API.

An address that is not here is answered with a problem in JSON, not with a page.
"""

from django.urls import include, path, re_path, register_converter
from django.urls.converters import StringConverter, UUIDConverter

from api.rest import (
    assignments,
    checklists,
    commissions,
    enrolment,
    evidence,
    me,
    messages,
    problems,
    public,
    relay,
    report_additions,
    reports,
    schema,
)


class CodeConverter(StringConverter):
    """A code or slug.

    So a NUL or a slash never reaches the database.
    """

    regex = r"[\w.\-]{1,60}"


class NumberConverter(StringConverter):
    """A key or version number that fits every database's integers."""

    regex = r"[0-9]{1,9}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        return int(value)


class UuidConverter(UUIDConverter):
    """A UUID in either case: some phones write capitals."""

    regex = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


register_converter(CodeConverter, "wire_code")
register_converter(UuidConverter, "wire_id")
register_converter(NumberConverter, "wire_key")

app_name = "api"
_public_path = "elections/<wire_code:election>/commissions/<wire_code:code>"
_version_1 = [
    # The busiest addresses first: Django tries them in this order.
    path("reports", reports.Reports.as_view(), name="reports"),
    path("reports/batch", reports.ReportBatch.as_view(), name="batch"),
    path("reports/<wire_id:uuid>/evidence", report_additions.ReportEvidence.as_view(), name="more-evidence"),
    path("reports/<wire_id:uuid>/notes", report_additions.ReportNotes.as_view(), name="notes"),
    path("evidence/<wire_id:uuid>", evidence.EvidenceUpload.as_view(), name="evidence"),
    path("relay", relay.RelayUpload.as_view(), name="relay"),
    path("enrol", enrolment.Enrol.as_view(), name="enrol"),
    path("me", me.Me.as_view(), name="me"),
    path("me/consent", me.Consent.as_view(), name="consent"),
    path("me/transfer", me.Transfer.as_view(), name="transfer"),
    path("assignments", assignments.Assignments.as_view(), name="assignments"),
    path("schedule", assignments.Schedule.as_view(), name="schedule"),
    path("checklists", checklists.Checklists.as_view(), name="checklists"),
    path("checklists/<wire_code:code>/<wire_key:version>", checklists.ChecklistDetail.as_view(), name="checklist"),
    path("violation-types", checklists.ViolationTypes.as_view(), name="violation-types"),
    path("commissions", commissions.Commissions.as_view(), name="commissions"),
    path("commissions/bundle", commissions.CommissionBundle.as_view(), name="bundle"),
    path("messages", messages.Messages.as_view(), name="messages"),
    path("messages/<wire_key:key>/read", messages.MessageRead.as_view(), name="message-read"),
    path("guide", messages.Guide.as_view(), name="guide"),
    path("elections", public.Elections.as_view(), name="elections"),
    path("elections/<wire_code:election>/releases", public.Releases.as_view(), name="releases"),
    path(_public_path, public.PublicCommission.as_view(), name="commission"),
    path(f"{_public_path}/summary", public.Summary.as_view(), name="summary"),
]
urlpatterns = [
    path("v1/", include(_version_1)),
    path("schema/", schema.Schema.as_view(), name="schema"),
    path("docs/", schema.Docs.as_view(), name="docs"),
    re_path(r"^", problems.unknown_url, name="unknown"),
]
