"""Rehearsal reports that were received on election day.

They usually come from a phone that was left in rehearsal mode. The desk can turn them into real reports, which count.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from observer.desk.pages import DeskView, register_page
from observer.models.row_scope import Permission
from observer.words import get_translation
from reports.desk.day.scope import get_scope
from reports.desk.words.formats import get_place_name, to_local_time
from reports.models import Report
from reports.services.review.rehearsals import MAX_REPORTS_PER_CALL, convert_rehearsals, filter_election_day_rehearsals

MAX_REPORTS_LISTED = 200


@register_page("rehearsals/", name="rehearsals", section="day", order=6)
class RehearsalListPage(DeskView):
    permission = Permission.VERIFY
    title = _("Rehearsal on the day")
    template_name = "desk/rehearsals.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = get_scope(self, self.request.GET.get("at", ""))
        reports = filter_election_day_rehearsals(election=self.election, scope=scope)
        reports = reports.select_related("commission", "observer", "version__checklist")[: MAX_REPORTS_LISTED + 1]
        rows = []
        for report in reports:
            report.commission.election = self.election
            rows.append(
                {
                    "row": report,
                    "name": get_place_name(report.commission),
                    "at": to_local_time(report.received_at, report.commission.zone),
                    "title": get_translation(report.version.checklist.titles, order=self.election.languages)
                    or report.version.checklist.code,
                }
            )
        territory = scope.commission
        context = {
            "rows": rows[:MAX_REPORTS_LISTED],
            "more": len(rows) > MAX_REPORTS_LISTED,
            "here": territory,
            "name": get_place_name(territory),
        }
        return super().get_context_data(**kwargs) | context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        report_ids = [
            key for key in request.POST.getlist("report") if key.isascii() and key.isdecimal() and len(key) < 19
        ]
        reports = list(
            self.get_permitted_rows(Report).filter(pk__in=report_ids[:MAX_REPORTS_PER_CALL], rehearsal=True).only("pk")
        )
        converted = convert_rehearsals(reports=reports, user=self.user, now=timezone.now()) if reports else 0
        messages.success(request, ngettext("%d report counts now.", "%d reports count now.", converted) % converted)
        return HttpResponseRedirect(request.get_full_path())
