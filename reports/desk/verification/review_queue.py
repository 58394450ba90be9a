"""The review queue: the reports that wait for verification.

The reader takes the next one, or accepts the rest at once.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from observer.desk.pages import DeskView, register_page
from observer.models.row_scope import Permission
from reports.desk.words.formats import get_place_name, to_local_time
from reports.desk.words.labels import CHECK_REASON_LABELS, get_flag_labels
from reports.models import Check, Report
from reports.services.review.decisions import MAX_REPORTS_PER_CALL, accept_reports
from reports.services.review.review_queue import (
    MAX_COUNTED,
    claim_next_check,
    count_pending_checks,
    filter_pending_checks,
    release_claim,
)

MAX_CHECKS_LISTED = 30


@register_page("checks/", name="checks", section="reports", order=1)
class ReviewQueuePage(DeskView):
    """The waiting checks, most urgent first. A post opens the next one, or accepts the rest with `do=accept`."""

    permission = Permission.VERIFY
    title = gettext_lazy("To be verified")
    template_name = "desk/checks.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        checks = self.get_permitted_rows(Check).filter(
            election=self.election
        )  # repeats a condition of `reachable`, because the index starts with it
        pending = filter_pending_checks(checks).select_related(
            "report__commission__election", "report__observer", "report__version__checklist", "user"
        )
        pending = pending.defer("report__body", "report__answers", "report__comment")
        counts = count_pending_checks(checks)
        return super().get_context_data(**kwargs) | {
            "counts": [(CHECK_REASON_LABELS[why], f"{n}+" if n == MAX_COUNTED else n) for why, n in counts.items()],
            "most": MAX_REPORTS_PER_CALL,
            "rows": [
                {
                    "report": one.report,
                    "why": CHECK_REASON_LABELS[one.why],
                    "place": get_place_name(one.report.commission),
                    "flags": get_flag_labels(one.report.flags),
                    "at": to_local_time(one.report.received_at, one.report.commission.zone),
                    "taken": one.user if one.until and one.until > now else None,
                }
                for one in pending[:MAX_CHECKS_LISTED]
            ],
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("do") == "accept":
            rows = self.get_permitted_rows(Report)
            n = accept_reports(reports=rows, election=self.election, user=self.user, now=timezone.now())
            message = ngettext("%(n)d report accepted, not verified.", "%(n)d reports accepted, not verified.", n)
            messages.success(request, message % {"n": n})
            return HttpResponseRedirect(self.get_page_url("checks"))
        return open_next_check(self)


def open_next_check(view: DeskView) -> HttpResponseRedirect:
    """Claims the next check and redirects to its report.

    It redirects to the queue where no check waits.
    """
    rows = view.get_permitted_rows(Check, Permission.VERIFY)
    check = claim_next_check(rows=rows, election=view.election, user=view.user, now=timezone.now())
    if check is None:
        messages.info(view.request, _("Nothing waits for you now."))
        return HttpResponseRedirect(view.get_page_url("checks"))
    return HttpResponseRedirect(view.get_page_url("report", check.report_id))


def release_check(view: DeskView, report: Report) -> HttpResponseRedirect:
    """Releases the reader's claim on a report; redirects to the queue.

    A colleague can take the report then.
    """
    check = view.get_permitted_rows(Check, Permission.VERIFY).filter(report=report.pk).first()
    if check is not None:
        release_claim(check=check, user=view.user)
    return HttpResponseRedirect(view.get_page_url("checks"))
