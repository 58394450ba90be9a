"""POST /reports and /reports/batch: takes in reports; GET /reports lists their status."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.common.disk_space import require_disk_space
from api.rest import json_fields, report_status, strict_json
from api.rest.authentication import get_device
from api.rest.base_views import DeviceView, read_body
from api.rest.json_encoding import build_json_response
from api.rest.receipts import build_evidence_base_url, build_outcome_response, serialize_outcome
from reports.problems import Rejected
from reports.services.evidence.crash_recovery import recover_uploads
from reports.services.intake.intake import accept_submission, accept_submissions
from reports.services.intake.submission import Outcome, Sender, Submission


def make_sender(request: Request) -> Sender:
    device = get_device(request)
    return Sender(election=device.election, observer=device.observer, device=device)


class Reports(DeviceView):
    def get(self, request: Request) -> HttpResponse:
        return report_status.list_report_status(request)

    def post(self, request: Request) -> HttpResponse:
        require_disk_space()
        body = read_body(request, settings.REPORT_BYTES_MAX)
        submission = _parse_submission(body, make_sender(request))
        _recover_uploads([submission])
        return build_outcome_response(accept_submission(submission, now=timezone.now()), request)


def _recover_uploads(submissions: Iterable[Submission]) -> None:
    """Recovers uploads after a crash.

    So no receipt asks for a file that is here. This is done before the intake's transaction, because it reads
    disks.
    """
    recover_uploads(
        now=timezone.now(),
        only=[announcement.uuid for submission in submissions for announcement in submission.evidence],
    )


def _parse_submission(body: bytes, sender: Sender) -> Submission:
    """Parses the submission in `body`.

    Where that fails, one that is only kept.
    """
    try:
        value = strict_json.parse_object(body)
    except Rejected as problem:
        return json_fields.build_unreadable_submission(body, sender, problem)
    return json_fields.build_submission(value, body, sender)


class ReportBatch(DeviceView):
    """Takes in up to 100 reports, each on its own.

    200 means only that each has an outcome.
    """

    def post(self, request: Request) -> HttpResponse:
        require_disk_space()
        body = read_body(request, settings.BATCH_BYTES_MAX)
        sender = make_sender(request)
        try:
            elements = strict_json.parse_batch(body, "reports")
        except Rejected as problem:
            return self._keep_unreadable_batch(request, json_fields.build_unreadable_submission(body, sender, problem))
        if len(elements) > settings.BATCH_REPORTS_MAX:
            raise Rejected(
                "too_large",
                _("At most %(most)d reports at once; nothing of this batch was stored.")
                % {"most": settings.BATCH_REPORTS_MAX},
                "reports",
            )
        parsed = [_parse_element(one, sender) for one in elements]
        submissions = [one for one in parsed if isinstance(one, Submission)]
        _recover_uploads(submissions)
        accepted = iter(accept_submissions(submissions, now=timezone.now()) if submissions else [])
        outcomes = [one if isinstance(one, Outcome) else next(accepted) for one in parsed]
        base_url = build_evidence_base_url(request)
        rows = [
            serialize_outcome(outcome, _get_element_id(one.value), base_url)
            for one, outcome in zip(elements, outcomes, strict=True)
        ]
        return build_json_response({"results": rows})

    def _keep_unreadable_batch(self, request: Request, submission: Submission) -> HttpResponse:
        """Keeps the body of an unreadable batch, if it is small enough.

        It may hold a whole day of reports.
        """
        if len(submission.body) > settings.REPORT_BYTES_MAX:
            assert submission.problem is not None
            raise submission.problem
        return build_outcome_response(accept_submission(submission, now=timezone.now()), request)


def _parse_element(element: strict_json.Element, sender: Sender) -> Submission | Outcome:
    """Returns the submission in an element, or the outcome if it is too large."""
    if len(element.body) > settings.REPORT_BYTES_MAX:
        detail = _("At most %(most)d bytes a report.") % {"most": settings.REPORT_BYTES_MAX}
        return Outcome("invalid", problem=Rejected("too_large", detail))
    if element.problem is not None:
        return json_fields.build_unreadable_submission(element.body, sender, element.problem)
    if type(element.value) is not dict:
        return json_fields.build_non_object_submission(element.body, sender)
    return json_fields.build_submission(element.value, element.body, sender)


def _get_element_id(value: Any) -> str | None:
    """Returns the report's id as it was sent.

    None where there is none.
    """
    given = value.get("id") if type(value) is dict else None
    return given[:36] if type(given) is str else None
