"""The page that opens a case without a report's page.

It is for a violation from the list, and for what somebody told by phone.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, register_page
from observer.models import Commission
from observer.models.row_scope import Permission
from reports.desk.words.formats import SEVERITY_LABELS, get_place_name
from reports.models import Case, Violation
from reports.problems import Rejected
from reports.services.cases import cases
from reports.services.review.decisions import EditConflict, make_violation_stamp


@register_page("cases/new/", name="case_new")
class NewCasePage(DeskView):
    """The form for a new case.

    It is about the violation `?violation=ID`, or without it about a station, by its code.
    """

    permission = Permission.CASES
    title = gettext_lazy("A new case")
    template_name = "desk/case_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        violation = self._find_violation()
        if violation is not None and violation.case_id:
            return HttpResponseRedirect(self.get_page_url("case", violation.case_id))
        return self._render_page(violation)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        violation = self._find_violation()
        try:
            return HttpResponseRedirect(self.get_page_url("case", self._open_case(violation).pk))
        except EditConflict:
            message = _("A colleague decided this meanwhile. Nothing of yours was written: look at it again.")
        except Rejected as error:
            message = str(error.detail)
        return self._render_page(self._find_violation(), told=message, typed=request.POST, status=409)

    def _open_case(self, violation: Violation | None) -> Case:
        """The new case. Raises Rejected, and EditConflict where the violation changed since it was shown."""
        data, now = self.request.POST, timezone.now()
        if violation is not None:
            return cases.open_case_from_violation(
                violation=violation, title=data.get("title", ""), user=self.user, now=now, seen=data.get("seen", "-")
            )
        place = self.get_permitted_rows(Commission).filter(code__iexact=data.get("commission", "").strip()).first()
        if place is None:
            raise Rejected("invalid_report", _("There is no such station in your territory."), "commission")
        return cases.open_case(
            commission=place, title=data.get("title", ""), severity=data.get("severity", ""), user=self.user, now=now
        )

    def _find_violation(self) -> Violation | None:
        """The violation in the address; None without one. Raises Http404 for one the reader may not open a case for."""
        value = self.request.GET.get("violation", "")
        if not value:
            return None
        key = int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else 0
        found: Violation = self.get_row_or_404(Violation, pk=key)
        return found

    def _render_page(self, violation: Violation | None, status: int = 200, **context: Any) -> HttpResponse:
        details: dict[str, Any] = {"severities": SEVERITY_LABELS.items(), "at": self.request.GET.get("at", "")}
        if violation is not None:
            place = violation.report.commission
            details |= {
                "violation": violation,
                "seen": make_violation_stamp(violation),
                "place": place,
                "place_name": get_place_name(place),
            }
        return self.render_to_response(self.get_context_data(**details, **context), status=status)
