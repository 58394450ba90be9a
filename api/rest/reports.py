"""POST /reports and /reports/batch: what observers say goes through the one door."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.common.disk import room_require
from api.rest import follow, strict, translate
from api.rest.authentication import device_of
from api.rest.receipts import base_of, outcome_answer, outcome_json
from api.rest.rooms import PhoneRoom, body_of
from api.rest.wire import json_answer
from reports.problems import Rejected
from reports.services.evidence.crash_recovery import uploads_mend
from reports.services.intake.intake import accept, accept_many
from reports.services.intake.submission import Outcome, Sender, Submission


def sender_of(request: Request) -> Sender:
    device = device_of(request)
    return Sender(election=device.election, observer=device.observer, device=device)


class Reports(PhoneRoom):
    def get(self, request: Request) -> HttpResponse:
        return follow.page(request)

    def post(self, request: Request) -> HttpResponse:
        room_require()
        body = body_of(request, settings.REPORT_BYTES_MAX)
        submission = _read(body, sender_of(request))
        _mend([submission])
        return outcome_answer(accept(submission, now=timezone.now()), request)


def _mend(submissions: Iterable[Submission]) -> None:
    """So that no receipt asks for a file that is here; before the door's transaction, because it looks at disks."""
    uploads_mend(now=timezone.now(), only=[one.uuid for each in submissions for one in each.evidence])


def _read(body: bytes, sender: Sender) -> Submission:
    """The submission in `body`; one that is only kept where nothing of it can be read."""
    try:
        value = strict.parse(body)
    except Rejected as problem:
        return translate.unreadable(body, sender, problem)
    return translate.submission_of(value, body, sender)


class Batch(PhoneRoom):
    """Up to 100 reports, each judged on its own; 200 says only that each has an outcome."""

    def post(self, request: Request) -> HttpResponse:
        room_require()
        body = body_of(request, settings.BATCH_BYTES_MAX)
        sender = sender_of(request)
        try:
            elements = strict.parse_batch(body, "reports")
        except Rejected as problem:
            return self._kept(request, translate.unreadable(body, sender, problem))
        if len(elements) > settings.BATCH_REPORTS_MAX:
            raise Rejected(
                "too_large",
                _("At most %(most)d reports at once; nothing of this batch was stored.")
                % {"most": settings.BATCH_REPORTS_MAX},
                "reports",
            )
        read = [_element(one, sender) for one in elements]
        fitting = [one for one in read if isinstance(one, Submission)]
        _mend(fitting)
        accepted = iter(accept_many(fitting, now=timezone.now()) if fitting else [])
        outcomes = [one if isinstance(one, Outcome) else next(accepted) for one in read]
        base = base_of(request)
        rows = [
            outcome_json(outcome, _identifier(one.value), base) for one, outcome in zip(elements, outcomes, strict=True)
        ]
        return json_answer({"results": rows})

    def _kept(self, request: Request, submission: Submission) -> HttpResponse:
        """A wrapper that cannot be read may hold a day of reports, so it is kept whole if it fits."""
        if len(submission.body) > settings.REPORT_BYTES_MAX:
            assert submission.unread is not None
            raise submission.unread
        return outcome_answer(accept(submission, now=timezone.now()), request)


def _element(element: strict.Element, sender: Sender) -> Submission | Outcome:
    if len(element.body) > settings.REPORT_BYTES_MAX:
        detail = _("At most %(most)d bytes a report.") % {"most": settings.REPORT_BYTES_MAX}
        return Outcome("invalid", problem=Rejected("too_large", detail))
    if element.problem is not None:
        return translate.unreadable(element.body, sender, element.problem)
    if type(element.value) is not dict:
        return translate.not_an_object(element.body, sender)
    return translate.submission_of(element.value, element.body, sender)


def _identifier(value: Any) -> str | None:
    given = value.get("id") if type(value) is dict else None
    return given[:36] if type(given) is str else None
