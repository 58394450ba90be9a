"""Enrolment sheets: for whom, then a PDF with a page for each. Printing makes the codes that stand on them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models import Assignment, Commission, Device, Observer
from observer.models.reach import Verb
from observer.services.accounts.disclosure_log import ReasonNeeded
from observer.services.devices.enrolment import VALID, code_draw, enrolments_print
from reports.desk.day.people import PROTECTED
from reports.desk.day.scope import scope_of, way_to
from reports.desk.paper.enrolment_sheet_pdf import Post, Sheet, sheets_pdf
from reports.desk.paper.pdf_canvas import pdf_response
from reports.desk.words.formats import ROLES, clock, name_of
from reports.services.schedule.schedule import Plan, plan_of

ON_A_PAGE = 100
SHEETS_MOST = 1_000  # in one file
SHOWS = {"": gettext_lazy("Not yet enrolled"), "all": gettext_lazy("All")}


class SheetForm(forms.Form):
    names = forms.BooleanField(
        required=False,
        label=gettext_lazy("With names"),
        help_text=gettext_lazy("Without, a sheet bears the observer's code alone."),
    )
    reason = forms.CharField(
        max_length=200,
        required=False,
        label=gettext_lazy("Why names are needed on paper"),
        help_text=gettext_lazy("This stays in the trail for good: write no names."),
    )


@page("sheets/", name="sheets", section="people", order=5)
class Sheets(DeskView):
    """`?at=CODE` of which territory; `?show=all` with those who are enrolled; `?observer=CODE` of one alone."""

    verb = Verb.REGISTER
    title = gettext_lazy("Enrolment sheets")
    template_name = "desk/sheets.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._page(SheetForm())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now, form = timezone.now(), SheetForm(request.POST)
        people = self._people(now)
        if request.POST.get("do") != "all":
            people = people.filter(pk__in=self._ticked())
        if not form.is_valid():
            return self._page(form)
        unread = {*PROTECTED} - ({"name"} if form.cleaned_data["names"] else set())
        found = list(people.defer(*unread)[: SHEETS_MOST + 1])
        if not found:
            form.add_error(None, _("Tick whom the sheets are for."))
            return self._page(form)
        if len(found) > SHEETS_MOST:
            words = _("At most %(number)d sheets at once: choose a smaller territory.")
            form.add_error(None, words % {"number": SHEETS_MOST})
            return self._page(form)
        try:
            return self._printed(found, form.cleaned_data["names"], form.cleaned_data["reason"], now)
        except ReasonNeeded:
            form.add_error("reason", _("Say why the sheets must bear names."))
            return self._page(form)

    def _ticked(self) -> set[int]:
        given = self.request.POST.getlist("who")
        return {int(key) for key in given if key.isascii() and key.isdecimal() and len(key) < 19}

    def _printed(self, people: list[Observer], names: bool, reason: str, now: datetime) -> HttpResponse:
        """Drawn first and stored then: a code stands on paper or enrols nobody, and nothing waits for the drawing."""
        posts, known = self._posts({one.pk for one in people}, now), dict(settings.LANGUAGES)
        spoken = [*(one for one in self.election.languages if one in known), settings.LANGUAGE_CODE][0]
        codes = {one.pk: code_draw() for one in people}
        content = sheets_pdf(
            (
                Sheet(
                    observer=one.code,
                    name=one.name if names else "",
                    enrolment=codes[one.pk],
                    language=one.language if one.language in known else spoken,
                    posts=tuple(posts.get(one.pk, ())),
                )
                for one in people
            ),
            election=self.election,
            now=now,
            until=now + VALID,
        )
        enrolments_print(codes=codes, names=names, reason=reason, election=self.election, now=now, user=self.user)
        name = f"sheet-{people[0].code}" if len(people) == 1 else f"sheets-{len(people)}"
        return pdf_response(content, name)

    def _page(self, form: SheetForm) -> HttpResponse:
        now, asked = timezone.now(), self.request.GET
        listed = Paginator(self._people(now).defer(*PROTECTED), ON_A_PAGE).get_page(asked.get("page"))
        posts = self._posts({one.pk for one in listed}, now)
        here = scope_of(self, asked.get("at", "")).commission
        for place in (way := way_to(self, here)):
            place.election = self.election
        context = {
            "form": form,
            "listed": listed,
            "here": here,
            "name": name_of(here),
            "way": [(one, name_of(one)) for one in way],
            "shows": SHOWS.items(),
            "show": asked.get("show", ""),
            "observer": asked.get("observer", ""),
            "rows": [(one, [post.code for post in posts.get(one.pk, ())]) for one in listed],
            "ticked": self._ticked(),
            "hours": VALID.total_seconds() / 3600,
        }
        return self.render_to_response(self.get_context_data(**context))

    def _people(self, now: datetime) -> "QuerySet[Observer]":
        """Who is meant: sent into the territory and not away again; from the top, those sent nowhere yet too."""
        asked = self.request.GET
        phones = Device.objects.filter(
            observer=OuterRef("pk"), election=self.election.pk, revoked_at=None, last_used_at__isnull=False
        )
        rows = (
            self.reachable(Observer).annotate(enrolled=Exists(phones)).select_related("organisation").order_by("code")
        )
        if asked.get("observer"):
            return rows.filter(code=asked["observer"])
        here = scope_of(self, asked.get("at", "")).commission
        sent = self.reachable(Assignment, Verb.PEOPLE).filter(commission__path__startswith=here.path)
        meant = Q(pk__in=sent.exclude(ends_at__lte=now).values("observers"))
        if here.depth == 0:
            meant |= ~Q(assignments__election=self.election.pk)
        return rows.filter(meant) if asked.get("show") == "all" else rows.filter(meant, enrolled=False)

    def _posts(self, people: Collection[int], now: datetime) -> dict[int, list[Post]]:
        """Where each of them is sent, as far as the reader may know. A bounded number of queries."""
        rows = self.reachable(Assignment, Verb.PEOPLE).exclude(ends_at__lte=now).filter(observers__in=people).distinct()
        team = Prefetch("observers", Observer.objects.filter(pk__in=people).only("pk"))
        sent = list(rows.select_related("commission__level").prefetch_related(team).order_by("commission__path", "pk"))
        paths = {
            "/".join(one.commission.path.split("/")[:depth]) + "/"
            for one in sent
            for depth in range(2, one.commission.depth + 1)
        }
        names = dict(self.visible(Commission).filter(path__in=paths).values_list("path", "names"))
        plan, found = plan_of(election=self.election), dict[int, list[Post]]()
        for one in sent:
            post = self._post(one, names, plan)
            for observer in one.observers.all():
                found.setdefault(observer.pk, []).append(post)
        return found

    def _post(self, one: Assignment, names: dict[str, dict[str, str]], plan: Plan) -> Post:
        place = one.commission
        place.election = self.election
        codes = place.path.split("/")
        above = ["/".join(codes[:depth]) + "/" for depth in range(2, place.depth + 1)]
        hours = plan.hours(
            zone=place.timezone, kind=place.level.kind, role=one.role, starts_at=one.starts_at, ends_at=one.ends_at
        )
        return Post(
            code=place.code,
            names=place.names,
            address=place.address,
            role=ROLES.get(one.role, one.role),
            zone=place.zone,
            above=tuple(names[path] for path in above if path in names),
            hours=tuple((plan.checklists[hour.checklist].titles, clock(hour.due, place.zone)) for hour in hours),
        )
