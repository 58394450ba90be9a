"""GET /reports?since=: what became of the observer's own reports, in the order in which it changed.

The cursor is opaque to phones; a time will do instead. Within a full page's continuation it is exact; once everything was
told, the next question starts 60 s earlier, because a change may become visible after a later one.
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.conditional import conditional
from api.rest.authentication import device_of
from api.rest.receipts import base_of, receipt_json
from api.rest.rooms import query
from api.rest.translate import moment_read
from api.rest.wire import json_answer, moment
from reports.models import Report
from reports.problems import Rejected
from reports.services.evidence.crash_recovery import uploads_mend
from reports.services.intake.receipts import receipt_of

PAGE = 200
OVERLAP = timedelta(seconds=60)


def page(request: Request) -> HttpResponse:
    """Up to 200 of the observer's reports, with the next cursor in the Link header."""
    device = device_of(request)
    uploads_mend(now=timezone.now())
    rows = (
        Report.objects.filter(observer=device.observer_id, commission__election=device.election_id)
        .select_related("commission", "version__checklist")
        .prefetch_related("evidence")
        .defer("body", "answers", "comment")
        .order_by("changed_at", "sequence")
    )
    since = _since(query(request, "since", 200))
    if since:
        now, sequence = since
        rows = rows.filter(Q(changed_at__gt=now) | Q(changed_at=now, sequence__gt=sequence))
    found = list(rows[:PAGE])
    base = base_of(request)
    response = conditional(request, json_answer([_item(report, base) for report in found]))
    if cursor := _next(found, since):
        address = request.build_absolute_uri(request.path)
        response["Link"] = f'<{address}?since={cursor}>; rel="next"'
    return response


def _item(report: Report, base: str) -> dict[str, Any]:
    receipt = receipt_of(report, sorted(report.evidence.all(), key=lambda one: one.pk))
    return receipt_json(receipt, base) | {
        "changed_at": moment(report.changed_at),
        "read_at": moment(report.read_at) if report.read_at else None,
        "checklist": {"code": report.version.checklist.code, "version": report.version.number},
        "commission": report.commission.code,
    }


def _since(given: str) -> tuple[datetime, int] | None:
    """Where to go on: after a time and sequence. Raises Rejected `invalid_query`."""
    if not given:
        return None
    # A plus that was not encoded arrives as a space.
    time = moment_read(re.sub(r" (\d\d:\d\d)$", r"+\1", given))
    return (time - OVERLAP, 0) if time else _opened(given)


def _next(found: list[Report], since: tuple[datetime, int] | None) -> str:
    if not found:
        return _closed(*since) if since else ""
    last = found[-1]
    if len(found) == PAGE:
        return _closed(last.changed_at, last.sequence)
    return _closed(last.changed_at - OVERLAP, 0)


def _closed(now: datetime, sequence: int) -> str:
    return base64.urlsafe_b64encode(f"{now.astimezone(UTC).isoformat()} {sequence}".encode()).decode().rstrip("=")


def _opened(cursor: str) -> tuple[datetime, int]:
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        now, _space, sequence = text.partition(" ")
        read = datetime.fromisoformat(now).astimezone(UTC)
        if not 1969 <= read.year <= 9000 or not sequence.isdigit() or len(sequence) > 18:
            raise ValueError
        return read, int(sequence)
    except (ValueError, OverflowError, binascii.Error):
        raise Rejected(
            "invalid_query",
            _("Use the address from the Link header of an earlier answer, or a time with its offset."),
            "since",
        ) from None
