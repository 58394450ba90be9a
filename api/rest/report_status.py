"""GET /reports?since=: the observer's reports, in the order of their changes.

The cursor is opaque to phones; a time is accepted too. From one full page to the next the cursor is exact. After
the last page, the next request starts 60 s earlier, because a change may become visible after a later one.
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

from api.conditional import make_conditional
from api.rest.authentication import get_device
from api.rest.base_views import get_query_value
from api.rest.json_encoding import build_json_response, format_time
from api.rest.json_fields import parse_time
from api.rest.receipts import build_evidence_base_url, serialize_receipt
from reports.models import Report
from reports.problems import Rejected
from reports.services.evidence.crash_recovery import recover_uploads
from reports.services.intake.receipts import build_receipt

PAGE_SIZE = 200
OVERLAP = timedelta(seconds=60)


def list_report_status(request: Request) -> HttpResponse:
    """Answers with up to 200 of the observer's reports.

    The Link header has the address of the next page.
    """
    device = get_device(request)
    recover_uploads(now=timezone.now())
    rows = (
        Report.objects.filter(observer=device.observer_id, commission__election=device.election_id)
        .select_related("commission", "version__checklist")
        .prefetch_related("evidence")
        .defer("body", "answers", "comment")
        .order_by("changed_at", "sequence")
    )
    since = _parse_since(get_query_value(request, "since", 200))
    if since:
        changed_at, sequence = since
        rows = rows.filter(Q(changed_at__gt=changed_at) | Q(changed_at=changed_at, sequence__gt=sequence))
    reports = list(rows[:PAGE_SIZE])
    base_url = build_evidence_base_url(request)
    response = make_conditional(
        request, build_json_response([_serialize_report(report, base_url) for report in reports])
    )
    if cursor := _make_next_cursor(reports, since):
        address = request.build_absolute_uri(request.path)
        response["Link"] = f'<{address}?since={cursor}>; rel="next"'
    return response


def _serialize_report(report: Report, base_url: str) -> dict[str, Any]:
    receipt = build_receipt(report, sorted(report.evidence.all(), key=lambda one: one.pk))
    return serialize_receipt(receipt, base_url) | {
        "changed_at": format_time(report.changed_at),
        "read_at": format_time(report.read_at) if report.read_at else None,
        "checklist": {"code": report.version.checklist.code, "version": report.version.number},
        "commission": report.commission.code,
    }


def _parse_since(given: str) -> tuple[datetime, int] | None:
    """Returns the time and sequence to continue after. Raises Rejected `invalid_query`."""
    if not given:
        return None
    # A plus that was not encoded arrives as a space.
    time = parse_time(re.sub(r" (\d\d:\d\d)$", r"+\1", given))
    return (time - OVERLAP, 0) if time else _decode_cursor(given)


def _make_next_cursor(reports: list[Report], since: tuple[datetime, int] | None) -> str:
    """Returns the cursor after `reports`.

    "" where there is nothing to continue from.
    """
    if not reports:
        return _encode_cursor(*since) if since else ""
    last = reports[-1]
    if len(reports) == PAGE_SIZE:
        return _encode_cursor(last.changed_at, last.sequence)
    return _encode_cursor(last.changed_at - OVERLAP, 0)


def _encode_cursor(changed_at: datetime, sequence: int) -> str:
    return (
        base64.urlsafe_b64encode(f"{changed_at.astimezone(UTC).isoformat()} {sequence}".encode()).decode().rstrip("=")
    )


def _decode_cursor(cursor: str) -> tuple[datetime, int]:
    """Returns the time and sequence in a cursor. Raises Rejected `invalid_query`."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        time, _space, sequence = text.partition(" ")
        changed_at = datetime.fromisoformat(time).astimezone(UTC)
        if not 1969 <= changed_at.year <= 9000 or not sequence.isdigit() or len(sequence) > 18:
            raise ValueError
        return changed_at, int(sequence)
    except (ValueError, OverflowError, binascii.Error):
        raise Rejected(
            "invalid_query",
            _("Use the address from the Link header of an earlier answer, or a time with its offset."),
            "since",
        ) from None
