"""The page of one station, and the views for calling observers.

The page shows expected and received reports, observers and calls.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, register_page
from observer.models import Assignment, Call, Commission, Observer
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.calls import (
    MAX_NOTE_CHARACTERS,
    AlreadyRecorded,
    begin_call,
    find_open_call,
    get_calls,
    get_due_calls,
    record_call_outcome,
)
from observer.words import get_translation
from reports.desk.day.assignments import is_over, load_assignments
from reports.desk.day.scope import get_scope, load_ancestors
from reports.desk.words.formats import (
    CALL_OUTCOME_LABELS,
    ROLE_LABELS,
    STANDING_LABELS,
    describe_expectation,
    get_place_name,
    to_local_time,
)
from reports.models import Checklist, Report
from reports.services.schedule.expectations import load_expectations

MAX_REPORTS_LISTED = 30
CALL_AGAIN_CHOICES = (
    ("", gettext_lazy("no need")),
    ("10", gettext_lazy("in 10 minutes")),
    ("30", gettext_lazy("in half an hour")),
    ("60", gettext_lazy("in an hour")),
    ("180", gettext_lazy("in three hours")),
)


class CallForm(forms.Form):
    outcome = forms.ChoiceField(
        choices=list(CALL_OUTCOME_LABELS.items()), widget=forms.RadioSelect, label=gettext_lazy("What came of the call")
    )
    said = forms.CharField(
        required=False,
        max_length=MAX_NOTE_CHARACTERS,
        label=gettext_lazy("What was said"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    again = forms.ChoiceField(required=False, choices=CALL_AGAIN_CHOICES, label=gettext_lazy("Call again"))


@register_page("stations/<int:pk>/", name="station")
class StationPage(DeskView):
    """One station on election day. A call that the reader has started is shown on top, with the form to record it."""

    permission = Permission.LOOK
    template_name = "desk/station.html"
    call_form: CallForm | None = None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        place = get_station(self, self.kwargs["pk"])
        now = timezone.now()
        assignments = load_assignments(self, [place.pk])
        ancestors = load_ancestors(self, place)
        for one in ancestors:
            one.election = self.election
        context = {
            "place": place,
            "zone": place.zone,
            "address": get_translation(place.address, order=self.election.languages),
            "way": [(one, get_place_name(one)) for one in ancestors],
            "title": get_place_name(place),
            "teams": self._build_teams(place, assignments, now),
            "reports": self._list_reports(place),
            "at": to_local_time(now, place.zone),
            "calls": self._list_calls(place, assignments),
            "call": self._describe_open_call(place, now),
            "may_call": access.has_permission(self.user, Permission.CONTACT, place),
            "may_dictate": access.has_permission(self.user, Permission.DICTATE, place),
            "may_register": access.has_permission(self.user, Permission.REGISTER, place),
            "may_message": access.has_permission(self.user, Permission.MESSAGE, place),
        }
        return super().get_context_data(**kwargs) | context

    def _build_teams(self, place: Commission, assignments: Sequence[Assignment], now: datetime) -> list[dict[str, Any]]:
        """Each assignment with its observers and reports.

        `owed`: the reports that it owes. `free`: the checklists that may be dictated at any time.
        """
        checklists = {
            one.code: one for one in self.get_visible_rows(Checklist).filter(versions__published_at__isnull=False)
        }
        owed: dict[int, list[dict[str, Any]]] = {}
        for one in load_expectations(election=self.election, assignments=assignments):
            css_class, label = describe_expectation(one, now)
            title = get_translation(checklists[one.due_time.checklist].titles, order=self.election.languages)
            owed.setdefault(one.assignment.pk, []).append(
                {
                    "code": one.due_time.checklist,
                    "title": title or one.due_time.checklist,
                    "slot": one.due_time.slot,
                    "due": to_local_time(one.due_time.due, place.zone),
                    "shape": css_class,
                    "word": label,
                    "report": one.reports[0] if one.reports else None,
                }
            )
        dictatable = [
            (one.code, get_translation(one.titles, order=self.election.languages) or one.code)
            for one in checklists.values()
        ]
        return [
            {
                "assignment": assignment,
                "role": ROLE_LABELS[assignment.role],
                "observers": list(assignment.observers.all()),
                "over": is_over(assignment, now),
                "owed": owed.get(assignment.pk, []),
                "free": dictatable,
                "until": to_local_time(assignment.ends_at, place.zone) if assignment.ends_at else None,
                "since": to_local_time(assignment.starts_at, place.zone) if assignment.starts_at else None,
            }
            for assignment in assignments
        ]

    def _list_reports(self, place: Commission) -> list[dict[str, Any]]:
        reports = (
            self.get_visible_rows(Report)
            .filter(commission=place)
            .select_related("observer", "version__checklist", "author")
        )
        reports = reports.only(
            "uuid",
            "received_at",
            "observed_at",
            "source",
            "flags",
            "rehearsal",
            "state",
            "quarantined",
            "superseded",
            "read_at",
            "slot",
            "observer__code",
            "version__checklist__titles",
            "version__checklist__code",
            "author__username",
        ).order_by("-sequence")
        return [
            {
                "row": report,
                "at": to_local_time(report.observed_at, place.zone),
                "standing": STANDING_LABELS[report.receipt_state],
                "title": get_translation(report.version.checklist.titles, order=self.election.languages)
                or report.version.checklist.code,
                "dictated_to": report.author.get_username() if report.author else "",
            }
            for report in reports[:MAX_REPORTS_LISTED]
        ]

    def _list_calls(self, place: Commission, assignments: Sequence[Assignment]) -> list[dict[str, Any]]:
        if not access.has_permission(self.user, Permission.CONTACT, place):
            return []
        observer_ids = {one.pk for assignment in assignments for one in assignment.observers.all()}
        return [
            {
                "row": call,
                "at": to_local_time(call.at, place.zone),
                "by": call.user.get_username(),
                "outcome": CALL_OUTCOME_LABELS.get(call.outcome, ""),
                "again": to_local_time(call.call_again_at, place.zone) if call.call_again_at else None,
            }
            for call in get_calls(commission=place, observers=observer_ids)
        ]

    def _describe_open_call(self, place: Commission, now: datetime) -> dict[str, Any] | None:
        """The reader's open call here, with the observer's number.

        None without one.
        """
        call = find_open_call(user=self.user, commission=place, now=now)
        if (
            call is None
            or not self.get_permitted_rows(Observer, Permission.CONTACT).filter(pk=call.observer_id).exists()
        ):
            return None
        language = dict(settings.LANGUAGES).get(call.observer.language, call.observer.language)
        dial_number = _format_dial_number(call.observer.phone)
        return {"row": call, "form": self.call_form or CallForm(), "dial": dial_number, "speaks": language}


def get_station(view: DeskView, pk: int) -> Commission:
    """The commission with this primary key. Raises Http404 where the reader may not see it."""
    place = view.get_row_or_404(
        Commission, view.permission if view.permission == Permission.LOOK else Permission.LOOK, pk=pk
    )
    place.election = view.election
    return place


def _format_dial_number(phone: str) -> str:
    """The phone number for a `tel:` link.

    Only its digits, and a plus if it starts with one.
    """
    return "".join(
        character
        for position, character in enumerate(phone.strip())
        if character.isdigit() or (character == "+" and not position)
    )


@register_page("stations/<int:pk>/call/<int:observer>/", name="call")
class StartCallView(DeskView):
    """Starts a call: the station's page then shows the observer's name and number. Writes a trail entry."""

    permission = Permission.CONTACT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        place = get_station(self, self.kwargs["pk"])
        observer = self.get_row_or_404(Observer, pk=self.kwargs["observer"])
        begin_call(observer=observer, commission=place, user=self.user, now=timezone.now())
        return HttpResponseRedirect(self.get_page_url("station", place.pk) + "#call")


@register_page("calls/<int:pk>/", name="called")
class RecordCallPage(StationPage):
    """Records the outcome of the reader's own call."""

    permission = Permission.CONTACT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        call = self.get_row_or_404(Call, pk=self.kwargs["pk"], user=self.user)
        form, now = CallForm(request.POST), timezone.now()
        if not form.is_valid():
            self.call_form, self.kwargs = form, self.kwargs | {"pk": call.commission_id}
            return self.render_to_response(self.get_context_data(), status=422)
        call_again_minutes = form.cleaned_data["again"]
        try:
            record_call_outcome(
                call=call,
                outcome=form.cleaned_data["outcome"],
                said=form.cleaned_data["said"],
                now=now,
                call_again_at=now.replace(second=0, microsecond=0) + timedelta(minutes=int(call_again_minutes))
                if call_again_minutes
                else None,
            )
            messages.success(request, _("Written into the call log."))
        except AlreadyRecorded:
            messages.error(request, _("What came of this call was written down before. Call again to add to it."))
        return HttpResponseRedirect(self.get_page_url("station", call.commission_id))


@register_page("calls/", name="calls", section="day", order=3)
class WaitingCallsPage(DeskView):
    """The observers who should be called again by now."""

    permission = Permission.CONTACT
    title = gettext_lazy("Call again")
    template_name = "desk/calls.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        territory = get_scope(self, self.request.GET.get("at", "")).commission
        reachable_calls = self.get_permitted_rows(Call)
        rows = []
        for call in get_due_calls(commission=territory, now=timezone.now()).filter(pk__in=reachable_calls.values("pk"))[
            :200
        ]:
            call.commission.election = self.election
            zone = call.commission.zone
            rows.append(
                {
                    "call": call,
                    "name": get_place_name(call.commission),
                    "outcome": CALL_OUTCOME_LABELS.get(call.outcome, ""),
                    "at": to_local_time(call.at, zone),
                    "again": to_local_time(call.call_again_at or call.at, zone),
                    "by": call.user.get_username(),
                }
            )
        return super().get_context_data(**kwargs) | {"rows": rows, "here": territory, "name": get_place_name(territory)}
