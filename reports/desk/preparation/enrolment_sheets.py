"""The page that prints enrolment sheets for chosen observers.

The PDF has one page per observer. Printing creates new enrolment codes; codes on earlier sheets stop working.
"""

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

from observer.desk.pages import DeskView, register_page
from observer.models import Assignment, Commission, Device, Observer
from observer.models.row_scope import Permission
from observer.services.accounts.disclosure_log import ReasonRequired
from observer.services.devices.enrolment import CODE_VALIDITY, generate_code, store_printed_codes
from reports.desk.day.assignments import PROTECTED_FIELDS
from reports.desk.day.scope import get_scope, load_ancestors
from reports.desk.paper.enrolment_sheet_pdf import AssignedPlace, EnrolmentSheet, build_enrolment_sheets_pdf
from reports.desk.paper.pdf_canvas import build_pdf_response
from reports.desk.words.formats import ROLE_LABELS, get_place_name, to_local_time
from reports.services.schedule.schedule import SchedulePlan, load_plan

PAGE_SIZE = 100
MAX_SHEETS_PER_FILE = 1_000
SHOW_LABELS = {"": gettext_lazy("Not yet enrolled"), "all": gettext_lazy("All")}


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


@register_page("sheets/", name="sheets", section="people", order=5)
class EnrolmentSheetsPage(DeskView):
    """The observers of a territory, and the form that prints sheets.

    `?at=CODE`: the territory. `?show=all`: enrolled observers too. `?observer=CODE`: only this observer.
    """

    permission = Permission.REGISTER
    title = gettext_lazy("Enrolment sheets")
    template_name = "desk/sheets.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._render_page(SheetForm())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now, form = timezone.now(), SheetForm(request.POST)
        observers = self._select_observers(now)
        if request.POST.get("do") != "all":
            observers = observers.filter(pk__in=self._parse_ticked_keys())
        if not form.is_valid():
            return self._render_page(form)
        deferred_fields = {*PROTECTED_FIELDS} - ({"name"} if form.cleaned_data["names"] else set())
        selected = list(observers.defer(*deferred_fields)[: MAX_SHEETS_PER_FILE + 1])
        if not selected:
            form.add_error(None, _("Tick whom the sheets are for."))
            return self._render_page(form)
        if len(selected) > MAX_SHEETS_PER_FILE:
            message = _("At most %(number)d sheets at once: choose a smaller territory.")
            form.add_error(None, message % {"number": MAX_SHEETS_PER_FILE})
            return self._render_page(form)
        try:
            return self._print_sheets(selected, form.cleaned_data["names"], form.cleaned_data["reason"], now)
        except ReasonRequired:
            form.add_error("reason", _("Say why the sheets must bear names."))
            return self._render_page(form)

    def _parse_ticked_keys(self) -> set[int]:
        """The primary keys of the ticked observers.

        Anything that is not a key is ignored.
        """
        keys = self.request.POST.getlist("who")
        return {int(key) for key in keys if key.isascii() and key.isdecimal() and len(key) < 19}

    def _print_sheets(self, observers: list[Observer], names: bool, reason: str, now: datetime) -> HttpResponse:
        """The PDF of these observers' sheets.

        The PDF is drawn before the codes are stored: so every stored code is on paper, and the transaction does not
        wait for the drawing. Raises ReasonRequired where names are printed without a reason.
        """
        places, language_names = (
            self._load_assigned_places({one.pk for one in observers}, now),
            dict(settings.LANGUAGES),
        )
        default_language = [*(one for one in self.election.languages if one in language_names), settings.LANGUAGE_CODE][
            0
        ]
        codes = {one.pk: generate_code() for one in observers}
        content = build_enrolment_sheets_pdf(
            (
                EnrolmentSheet(
                    observer_code=one.code,
                    name=one.name if names else "",
                    enrolment_code=codes[one.pk],
                    language=one.language if one.language in language_names else default_language,
                    places=tuple(places.get(one.pk, ())),
                )
                for one in observers
            ),
            election=self.election,
            now=now,
            until=now + CODE_VALIDITY,
        )
        store_printed_codes(codes=codes, names=names, reason=reason, election=self.election, now=now, user=self.user)
        file_name = f"sheet-{observers[0].code}" if len(observers) == 1 else f"sheets-{len(observers)}"
        return build_pdf_response(content, file_name)

    def _render_page(self, form: SheetForm) -> HttpResponse:
        now, query = timezone.now(), self.request.GET
        listed = Paginator(self._select_observers(now).defer(*PROTECTED_FIELDS), PAGE_SIZE).get_page(query.get("page"))
        assigned_places = self._load_assigned_places({one.pk for one in listed}, now)
        territory = get_scope(self, query.get("at", "")).commission
        for place in (ancestors := load_ancestors(self, territory)):
            place.election = self.election
        context = {
            "form": form,
            "listed": listed,
            "here": territory,
            "name": get_place_name(territory),
            "way": [(one, get_place_name(one)) for one in ancestors],
            "shows": SHOW_LABELS.items(),
            "show": query.get("show", ""),
            "observer": query.get("observer", ""),
            "rows": [(one, [assigned.code for assigned in assigned_places.get(one.pk, ())]) for one in listed],
            "ticked": self._parse_ticked_keys(),
            "hours": CODE_VALIDITY.total_seconds() / 3600,
        }
        return self.render_to_response(self.get_context_data(**context))

    def _select_observers(self, now: datetime) -> "QuerySet[Observer]":
        """The observers with an open assignment in the territory, by code.

        In the topmost territory also the observers without any assignment. Each has the annotation `enrolled`.
        """
        query = self.request.GET
        used_devices = Device.objects.filter(
            observer=OuterRef("pk"), election=self.election.pk, revoked_at=None, last_used_at__isnull=False
        )
        observers = (
            self.get_permitted_rows(Observer)
            .annotate(enrolled=Exists(used_devices))
            .select_related("organisation")
            .order_by("code")
        )
        if query.get("observer"):
            return observers.filter(code=query["observer"])
        territory = get_scope(self, query.get("at", "")).commission
        assignments = self.get_permitted_rows(Assignment, Permission.PEOPLE).filter(
            commission__path__startswith=territory.path
        )
        condition = Q(pk__in=assignments.exclude(ends_at__lte=now).values("observers"))
        if territory.depth == 0:
            condition |= ~Q(assignments__election=self.election.pk)
        return (
            observers.filter(condition) if query.get("show") == "all" else observers.filter(condition, enrolled=False)
        )

    def _load_assigned_places(self, observer_ids: Collection[int], now: datetime) -> dict[int, list[AssignedPlace]]:
        """The visible assigned places, by the observer's primary key.

        It takes a fixed number of queries.
        """
        rows = (
            self.get_permitted_rows(Assignment, Permission.PEOPLE)
            .exclude(ends_at__lte=now)
            .filter(observers__in=observer_ids)
            .distinct()
        )
        only_these_observers = Prefetch("observers", Observer.objects.filter(pk__in=observer_ids).only("pk"))
        assignments = list(
            rows.select_related("commission__level")
            .prefetch_related(only_these_observers)
            .order_by("commission__path", "pk")
        )
        paths = {
            "/".join(one.commission.path.split("/")[:depth]) + "/"
            for one in assignments
            for depth in range(2, one.commission.depth + 1)
        }
        names = dict(self.get_visible_rows(Commission).filter(path__in=paths).values_list("path", "names"))
        plan, places = load_plan(election=self.election), dict[int, list[AssignedPlace]]()
        for one in assignments:
            place = self._build_assigned_place(one, names, plan)
            for observer in one.observers.all():
                places.setdefault(observer.pk, []).append(place)
        return places

    def _build_assigned_place(
        self, assignment: Assignment, names: dict[str, dict[str, str]], plan: SchedulePlan
    ) -> AssignedPlace:
        place = assignment.commission
        place.election = self.election
        codes = place.path.split("/")
        ancestor_paths = ["/".join(codes[:depth]) + "/" for depth in range(2, place.depth + 1)]
        due_times = plan.list_due_times(
            zone=place.timezone,
            kind=place.level.kind,
            role=assignment.role,
            starts_at=assignment.starts_at,
            ends_at=assignment.ends_at,
        )
        return AssignedPlace(
            code=place.code,
            names=place.names,
            address=place.address,
            role=ROLE_LABELS.get(assignment.role, assignment.role),
            zone=place.zone,
            ancestor_names=tuple(names[path] for path in ancestor_paths if path in names),
            due_times=tuple(
                (plan.checklists[due_time.checklist].titles, to_local_time(due_time.due, place.zone))
                for due_time in due_times
            ),
        )
