"""The page that quarantines an observer's reports, or restores them.

It shows first how the figures would change.
"""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, register_page
from observer.models import Observer
from observer.models.row_scope import Permission
from observer.words import get_translation
from reports.desk.day.assignments import PROTECTED_FIELDS
from reports.desk.words.labels import FIGURE_LABELS
from reports.models import SetAside
from reports.services.review.decisions import quarantine_observer, restore_observer
from reports.services.review.what_if import compute_quarantine_effect


@register_page("observers/<int:pk>/quarantine/", name="quarantine")
class QuarantinePage(DeskView):
    permission = Permission.QUARANTINE
    title = gettext_lazy("Set aside all reports of an observer")
    template_name = "desk/quarantine.html"

    def load_rows(self) -> None:
        """Loads the observer from the address and their quarantine, if any. Raises Http404."""
        found = self.get_permitted_rows(Observer).defer(*PROTECTED_FIELDS).filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise Http404
        self.observer = found
        self.set_aside = SetAside.objects.select_related("user").filter(observer=found, election=self.election).first()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.load_rows()
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.load_rows()
        action = request.POST.get("do")
        if action not in ("aside", "restore"):
            raise Http404
        now = timezone.now()
        if (action == "aside") == (self.set_aside is not None):
            messages.info(request, _("A colleague did that meanwhile."))
        elif action == "aside":
            n = quarantine_observer(observer=self.observer, election=self.election, user=self.user, now=now)
            messages.success(request, _("Set aside: %(n)d reports, and all that come.") % {"n": n})
        else:
            n = restore_observer(observer=self.observer, election=self.election, user=self.user, now=now)
            messages.success(request, _("Brought back: %(n)d reports, each as it was.") % {"n": n})
        return HttpResponseRedirect(self.get_page_url("quarantine", self.observer.pk))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        effect = compute_quarantine_effect(
            observer=self.observer, election=self.election, quarantine=self.set_aside is None
        )
        lines = [
            (
                one.stage,
                one.code if one.labels else "",
                get_translation(one.labels) or FIGURE_LABELS.get(one.code, one.code),
                one.before,
                one.after,
            )
            for one in effect.lines
        ]
        return super().get_context_data(**kwargs) | {
            "observer": self.observer,
            "aside": self.set_aside,
            "supposed": effect,
            "lines": lines,
        }
