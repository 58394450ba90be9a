"""Words to observers: written, looked at once more with the number of people, sent; and who has read them."""

from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models import Assignment, Observer, Organisation
from observer.models.reach import Verb
from observer.services.accounts.access import Scope
from observer.words import in_language
from reports.desk.day.people import PROTECTED, assignments_now
from reports.desk.day.scope import scope_of
from reports.desk.words.formats import ROLES, clock, name_of
from reports.models import Message
from reports.services.elections.messages import (
    TEXT_MAX,
    Audience,
    message_send,
    reads_counted,
    recipients_of,
    recipients_with_reading,
)
from reports.services.schedule.board import stations
from reports.services.schedule.schedule import plan_of

ON_A_PAGE = 100
LISTED = 30


class MessageForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    at = forms.CharField(required=False, max_length=60, label=gettext_lazy("Territory, by its code"))
    role = forms.ChoiceField(required=False, label=gettext_lazy("Role"))
    silent = forms.ChoiceField(required=False, label=gettext_lazy("Only those of whom a report is missing"))


@page("messages/", name="messages", section="people", order=10)
class Messages(DeskView):
    verb = Verb.MESSAGE
    title = gettext_lazy("Messages")
    template_name = "desk/messages.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(
            self.visible(Message)
            .select_related("commission", "observer", "author", "organisation")
            .defer(*(f"observer__{name}" for name in PROTECTED))
            .order_by("-sent_at", "-pk")[:LISTED]
        )
        reads = reads_counted(messages=[row.pk for row in rows])
        shown = [shown_message(self, row) | {"read": reads.get(row.pk, 0)} for row in rows]
        return super().get_context_data(**kwargs) | {"rows": shown}


@page("messages/new/", name="message_new")
class MessageNew(DeskView):
    """`?observer=KEY` to one; `?at=CODE` to a territory. Posted once it is shown with its number, then sent."""

    verb = Verb.MESSAGE
    title = gettext_lazy("New message")
    template_name = "desk/message_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        here = scope_of(self, request.GET.get("at", "")).commission
        form = self._form({"uuid": uuid4(), "at": here.code})
        return self.render_to_response(self.get_context_data(form=form, texts=self._texts({}), observer=self._one()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form, one = self._form(None, request.POST), self._one()
        texts = {
            code: request.POST.get(f"text-{code}", "").replace("\0", "").strip() for code, _word in settings.LANGUAGES
        }
        again = {"form": form, "texts": self._texts(texts), "observer": one}
        if not form.is_valid() or not any(texts.values()) or max(map(len, texts.values())) > TEXT_MAX:
            wrong = _("Write the message in at least one language; at most %(most)d characters each.") % {
                "most": TEXT_MAX
            }
            return self.render_to_response(self.get_context_data(**again, wrong=wrong), status=422)
        audience = Audience(observer=one) if one else self._audience(form.cleaned_data)
        if "send" not in request.POST:
            draft = Message(
                election=self.election,
                observer=audience.observer,
                commission=audience.commission,
                role=audience.role,
                organisation=audience.organisation,
            )
            listed = audience.listed
            people = len(listed) if listed is not None else recipients_of(message=draft).count()
            return self.render_to_response(self.get_context_data(**again, people=people))
        message = message_send(
            uuid=form.cleaned_data["uuid"],
            election=self.election,
            audience=audience,
            texts=texts,
            user=self.user,
            now=timezone.now(),
        )
        messages.success(request, _("Sent."))
        return HttpResponseRedirect(self.link("message", message.pk))

    def _one(self) -> Observer | None:
        key = self.request.GET.get("observer")
        if not key:
            return None
        if not str(key).isdecimal():
            raise Http404
        found = self.reachable(Observer).defer(*PROTECTED).filter(pk=key).first()
        if found is None:
            raise Http404
        return found

    def _form(self, initial: dict[str, Any] | None, data: Any = None) -> MessageForm:
        form = MessageForm(data, initial=initial or {})
        plan = plan_of(election=self.election)
        late = [
            (code, _("Overdue:") + " " + in_language(one.titles, order=self.election.languages))
            for code, one in plan.checklists.items()
        ]
        form.fields["role"].choices = [("", _("every role")), *ROLES.items()]  # type: ignore[attr-defined]
        form.fields["silent"].choices = [("", _("no, to all")), (" silent", _("Silent")), *late]  # type: ignore[attr-defined]
        return form

    def _texts(self, texts: dict[str, str]) -> list[tuple[str, str, str]]:
        known = dict(settings.LANGUAGES)
        order = [*self.election.languages, *known]
        return [(code, known.get(code, code), texts.get(code, "")) for code in dict.fromkeys(order) if code in known]

    def _audience(self, said: dict[str, Any]) -> Audience:
        scope = scope_of(self, said["at"].strip())
        place = None if scope.commission.depth == 0 else scope.commission
        own = scope.organisations
        organisation = None
        if own is not None and len(own) == 1:
            organisation = Organisation.objects.get(pk=next(iter(own)))
        listed = None
        if said["silent"] or (own is not None and len(own) > 1):
            listed = self._listed(scope, said["silent"].strip(), said["role"])
        return Audience(commission=place, role=said["role"], organisation=organisation, listed=listed)

    def _listed(self, scope: Scope, silent: str, role: str) -> tuple[int, ...]:
        """Observers who are now at the stations that miss it; they are written down with the message."""
        now = timezone.now()
        found = stations(election=self.election, scope=scope, now=now)
        keys = [
            one.commission
            for one in found
            if not silent or (one.silent if silent == "silent" else silent in one.overdue)
        ]
        own = set(self.reachable(Observer).values_list("pk", flat=True))
        rows: list[Assignment] = assignments_now(self, keys, now)
        people = {one.pk for row in rows if not role or row.role == role for one in row.observers.all()}
        return tuple(sorted(people & own))


@page("messages/<int:pk>/", name="message")
class MessagePage(DeskView):
    """One message, and who has read it; first who has not."""

    verb = Verb.MESSAGE
    title = gettext_lazy("Message")
    template_name = "desk/message.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        message = get_message(self)
        own = self.reachable(Observer).values("pk")
        people = recipients_with_reading(message=message).filter(pk__in=own)
        part = Paginator(people, ON_A_PAGE).get_page(self.request.GET.get("page"))
        zone = self.election.timezone
        rows = [(one, clock(one.read_at, zone) if one.read_at else None) for one in part.object_list]  # type: ignore[attr-defined]
        reached = recipients_of(message=message).filter(pk__in=own).values("pk")
        read = message.reads.filter(observer__in=reached).count()
        context = {"message": shown_message(self, message), "part": part, "people": rows, "read": read}
        return super().get_context_data(**kwargs) | context


def get_message(view: DeskView) -> Message:
    return view.one(Message, pk=view.kwargs["pk"])


def shown_message(view: DeskView, row: Message) -> dict[str, Any]:
    """A message as it is listed: when, to whom, by whom, its words."""
    to: Any = _("everyone")
    if row.observer is not None:
        to = row.observer.code
    elif row.commission is not None:
        row.commission.election = view.election
        to = name_of(row.commission)
    about = [str(ROLES[row.role])] if row.role else []
    if row.organisation is not None:
        about.append(str(row.organisation))
    if row.listed:
        about.append(_("only those of whom a report was missing"))
    return {
        "row": row,
        "at": clock(row.sent_at, view.election.timezone),
        "to": to,
        "about": ", ".join(about),
        "text": in_language(row.texts, order=view.election.languages),
        "texts": row.texts.items(),
        "by": row.author.get_username() if row.author else "",
    }
