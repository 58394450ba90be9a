"""Rehearsal reports that came on the day: usually a phone that was left in rehearsal."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from observer.desk.pages import DeskView, page
from observer.models.reach import Verb
from observer.words import in_language
from reports.desk.day.scope import scope_of
from reports.desk.words.formats import clock, name_of
from reports.models import Report
from reports.services.review.rehearsals import AT_ONCE, rehearsals_count, rehearsals_on_the_day

SHOWN = 200


@page("rehearsals/", name="rehearsals", section="day", order=6)
class Rehearsals(DeskView):
    verb = Verb.VERIFY
    title = _("Rehearsal on the day")
    template_name = "desk/rehearsals.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = scope_of(self, self.request.GET.get("at", ""))
        found = rehearsals_on_the_day(election=self.election, scope=scope)
        rows = found.select_related("commission", "observer", "version__checklist")[: SHOWN + 1]
        shown = []
        for row in rows:
            row.commission.election = self.election
            shown.append(
                {
                    "row": row,
                    "name": name_of(row.commission),
                    "at": clock(row.received_at, row.commission.zone),
                    "title": in_language(row.version.checklist.titles, order=self.election.languages)
                    or row.version.checklist.code,
                }
            )
        here = scope.commission
        context = {"rows": shown[:SHOWN], "more": len(shown) > SHOWN, "here": here, "name": name_of(here)}
        return super().get_context_data(**kwargs) | context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        ticked = [key for key in request.POST.getlist("report") if key.isascii() and key.isdecimal() and len(key) < 19]
        reports = list(self.reachable(Report).filter(pk__in=ticked[:AT_ONCE], rehearsal=True).only("pk"))
        done = rehearsals_count(reports=reports, user=self.user, now=timezone.now()) if reports else 0
        messages.success(request, ngettext("%d report counts now.", "%d reports count now.", done) % done)
        return HttpResponseRedirect(request.get_full_path())
