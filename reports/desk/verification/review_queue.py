"""The queue of verification: what waits, the next one, and the rest accepted at once."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from observer.desk.pages import DeskView, page
from observer.models.reach import Verb
from reports.desk.words.formats import clock, name_of
from reports.desk.words.labels import WHY, flag_words
from reports.models import Check, Report
from reports.services.review.decisions import AT_ONCE, reports_accept
from reports.services.review.review_queue import COUNTED, check_claim, check_release, checks_count, checks_waiting

SHOWN = 30


@page("checks/", name="checks", section="reports", order=1)
class Checks(DeskView):
    """Worst first. Taking the next one opens it."""

    verb = Verb.VERIFY
    title = gettext_lazy("To be verified")
    template_name = "desk/checks.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        rows = self.reachable(Check).filter(election=self.election)  # said twice, for the index begins with it
        waiting = checks_waiting(rows).select_related(
            "report__commission__election", "report__observer", "report__version__checklist", "user"
        )
        waiting = waiting.defer("report__body", "report__answers", "report__comment")
        counts = checks_count(rows)
        return super().get_context_data(**kwargs) | {
            "counts": [(WHY[why], f"{n}+" if n == COUNTED else n) for why, n in counts.items()],
            "most": AT_ONCE,
            "rows": [
                {
                    "report": one.report,
                    "why": WHY[one.why],
                    "place": name_of(one.report.commission),
                    "flags": flag_words(one.report.flags),
                    "at": clock(one.report.received_at, one.report.commission.zone),
                    "taken": one.user if one.until and one.until > now else None,
                }
                for one in waiting[:SHOWN]
            ],
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("do") == "accept":
            rows = self.reachable(Report)
            n = reports_accept(reports=rows, election=self.election, user=self.user, now=timezone.now())
            words = ngettext("%(n)d report accepted, not verified.", "%(n)d reports accepted, not verified.", n)
            messages.success(request, words % {"n": n})
            return HttpResponseRedirect(self.link("checks"))
        return next_check(self)


def next_check(view: DeskView) -> HttpResponseRedirect:
    """Opens the next report that waits for this reader, else the empty queue."""
    rows = view.reachable(Check, Verb.VERIFY)
    check = check_claim(rows=rows, election=view.election, user=view.user, now=timezone.now())
    if check is None:
        messages.info(view.request, _("Nothing waits for you now."))
        return HttpResponseRedirect(view.link("checks"))
    return HttpResponseRedirect(view.link("report", check.report_id))


def give_back(view: DeskView, report: Report) -> HttpResponseRedirect:
    """Leaves a report for another."""
    check = view.reachable(Check, Verb.VERIFY).filter(report=report.pk).first()
    if check is not None:
        check_release(check=check, user=view.user)
    return HttpResponseRedirect(view.link("checks"))
