"""A case opened where no report's page is at hand: of a violation in the list, or of what somebody told on the telephone."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models import Commission
from observer.models.reach import Verb
from reports.desk.words.formats import SEVERITIES, name_of
from reports.models import Case, Violation
from reports.problems import Rejected
from reports.services.cases import cases
from reports.services.review.decisions import Changed, violation_stamp


@page("cases/new/", name="case_new")
class NewCase(DeskView):
    """`?violation=ID` of that violation; else of a station, by its code."""

    verb = Verb.CASES
    title = gettext_lazy("A new case")
    template_name = "desk/case_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        violation = self._violation()
        if violation is not None and violation.case_id:
            return HttpResponseRedirect(self.link("case", violation.case_id))
        return self._page(violation)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        violation = self._violation()
        try:
            return HttpResponseRedirect(self.link("case", self._opened(violation).pk))
        except Changed:
            told = _("A colleague decided this meanwhile. Nothing of yours was written: look at it again.")
        except Rejected as problem:
            told = str(problem.detail)
        return self._page(self._violation(), told=told, typed=request.POST, status=409)

    def _opened(self, violation: Violation | None) -> Case:
        said, now = self.request.POST, timezone.now()
        if violation is not None:
            return cases.case_open(
                violation=violation, title=said.get("title", ""), user=self.user, now=now, seen=said.get("seen", "-")
            )
        place = self.reachable(Commission).filter(code__iexact=said.get("commission", "").strip()).first()
        if place is None:
            raise Rejected("invalid_report", _("There is no such station in your territory."), "commission")
        return cases.case_begin(
            commission=place, title=said.get("title", ""), severity=said.get("severity", ""), user=self.user, now=now
        )

    def _violation(self) -> Violation | None:
        given = self.request.GET.get("violation", "")
        if not given:
            return None
        key = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
        found: Violation = self.one(Violation, pk=key)
        return found

    def _page(self, violation: Violation | None, status: int = 200, **context: Any) -> HttpResponse:
        facts: dict[str, Any] = {"severities": SEVERITIES.items(), "at": self.request.GET.get("at", "")}
        if violation is not None:
            place = violation.report.commission
            facts |= {
                "violation": violation,
                "seen": violation_stamp(violation),
                "place": place,
                "place_name": name_of(place),
            }
        return self.render_to_response(self.get_context_data(**facts, **context), status=status)
