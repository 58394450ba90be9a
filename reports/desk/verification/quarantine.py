"""One observer set aside with all that they reported, or brought back: what it would do to the figures, then do it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models import Observer
from observer.models.reach import Verb
from observer.words import in_language
from reports.desk.day.people import PROTECTED
from reports.desk.words.labels import FIGURES
from reports.models import SetAside
from reports.services.review.decisions import observer_quarantine, observer_restore
from reports.services.review.what_if import quarantine_suppose


@page("observers/<int:pk>/quarantine/", name="quarantine")
class Quarantine(DeskView):
    verb = Verb.QUARANTINE
    title = gettext_lazy("Set aside all reports of an observer")
    template_name = "desk/quarantine.html"

    def setup_rows(self) -> None:
        found = self.reachable(Observer).defer(*PROTECTED).filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise Http404
        self.observer = found
        self.aside = SetAside.objects.select_related("user").filter(observer=found, election=self.election).first()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.setup_rows()
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.setup_rows()
        wanted = request.POST.get("do")
        if wanted not in ("aside", "restore"):
            raise Http404
        now = timezone.now()
        if (wanted == "aside") == (self.aside is not None):
            messages.info(request, _("A colleague did that meanwhile."))
        elif wanted == "aside":
            n = observer_quarantine(observer=self.observer, election=self.election, user=self.user, now=now)
            messages.success(request, _("Set aside: %(n)d reports, and all that come.") % {"n": n})
        else:
            n = observer_restore(observer=self.observer, election=self.election, user=self.user, now=now)
            messages.success(request, _("Brought back: %(n)d reports, each as it was.") % {"n": n})
        return HttpResponseRedirect(self.link("quarantine", self.observer.pk))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        supposed = quarantine_suppose(observer=self.observer, election=self.election, aside=self.aside is None)
        lines = [
            (
                one.stage,
                one.code if one.labels else "",
                in_language(one.labels) or FIGURES.get(one.code, one.code),
                one.before,
                one.after,
            )
            for one in supposed.lines
        ]
        return super().get_context_data(**kwargs) | {
            "observer": self.observer,
            "aside": self.aside,
            "supposed": supposed,
            "lines": lines,
        }
