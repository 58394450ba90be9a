"""Messages from the desk to observers, and who has read them."""

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

from observer.desk.pages import DeskView, register_page
from observer.models import Assignment, Observer, Organisation
from observer.models.row_scope import Permission
from observer.services.accounts.access import TerritoryScope
from observer.words import get_translation
from reports.desk.day.assignments import PROTECTED_FIELDS, load_current_assignments
from reports.desk.day.scope import get_scope
from reports.desk.words.formats import ROLE_LABELS, get_place_name, to_local_time
from reports.models import Message
from reports.services.elections.messages import (
    MAX_TEXT_CHARACTERS,
    Audience,
    count_reads,
    get_recipients,
    get_recipients_with_reads,
    send_message,
)
from reports.services.schedule.board import iterate_stations
from reports.services.schedule.schedule import load_plan

PAGE_SIZE = 100
MAX_MESSAGES_LISTED = 30


class MessageForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    at = forms.CharField(required=False, max_length=60, label=gettext_lazy("Territory, by its code"))
    role = forms.ChoiceField(required=False, label=gettext_lazy("Role"))
    silent = forms.ChoiceField(required=False, label=gettext_lazy("Only those of whom a report is missing"))


@register_page("messages/", name="messages", section="people", order=10)
class MessageListPage(DeskView):
    permission = Permission.MESSAGE
    title = gettext_lazy("Messages")
    template_name = "desk/messages.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(
            self.get_visible_rows(Message)
            .select_related("commission", "observer", "author", "organisation")
            .defer(*(f"observer__{name}" for name in PROTECTED_FIELDS))
            .order_by("-sent_at", "-pk")[:MAX_MESSAGES_LISTED]
        )
        reads = count_reads(messages=[row.pk for row in rows])
        listed = [describe_message(self, row) | {"read": reads.get(row.pk, 0)} for row in rows]
        return super().get_context_data(**kwargs) | {"rows": listed}


@register_page("messages/new/", name="message_new")
class NewMessagePage(DeskView):
    """The form for a new message.

    `?observer=ID`: to one observer. `?at=CODE`: to a territory. The first post shows the message with the number of
    its recipients; the second, with `send`, sends it.
    """

    permission = Permission.MESSAGE
    title = gettext_lazy("New message")
    template_name = "desk/message_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        territory = get_scope(self, request.GET.get("at", "")).commission
        form = self._build_form({"uuid": uuid4(), "at": territory.code})
        return self.render_to_response(
            self.get_context_data(form=form, texts=self._build_text_fields({}), observer=self._find_recipient())
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form, recipient = self._build_form(None, request.POST), self._find_recipient()
        texts = {
            code: request.POST.get(f"text-{code}", "").replace("\0", "").strip() for code, _word in settings.LANGUAGES
        }
        context = {"form": form, "texts": self._build_text_fields(texts), "observer": recipient}
        if not form.is_valid() or not any(texts.values()) or max(map(len, texts.values())) > MAX_TEXT_CHARACTERS:
            error = _("Write the message in at least one language; at most %(most)d characters each.") % {
                "most": MAX_TEXT_CHARACTERS
            }
            return self.render_to_response(self.get_context_data(**context, wrong=error), status=422)
        audience = Audience(observer=recipient) if recipient else self._build_audience(form.cleaned_data)
        if "send" not in request.POST:
            draft = Message(
                election=self.election,
                observer=audience.observer,
                commission=audience.commission,
                role=audience.role,
                organisation=audience.organisation,
            )
            listed = audience.listed
            recipient_count = len(listed) if listed is not None else get_recipients(message=draft).count()
            return self.render_to_response(self.get_context_data(**context, people=recipient_count))
        message = send_message(
            uuid=form.cleaned_data["uuid"],
            election=self.election,
            audience=audience,
            texts=texts,
            user=self.user,
            now=timezone.now(),
        )
        messages.success(request, _("Sent."))
        return HttpResponseRedirect(self.get_page_url("message", message.pk))

    def _find_recipient(self) -> Observer | None:
        """The observer named in the address; None without one. Raises Http404 for one the reader may not message."""
        key = self.request.GET.get("observer")
        if not key:
            return None
        if not str(key).isdecimal():
            raise Http404
        found = self.get_permitted_rows(Observer).defer(*PROTECTED_FIELDS).filter(pk=key).first()
        if found is None:
            raise Http404
        return found

    def _build_form(self, initial: dict[str, Any] | None, data: Any = None) -> MessageForm:
        form = MessageForm(data, initial=initial or {})
        plan = load_plan(election=self.election)
        overdue_choices = [
            (code, _("Overdue:") + " " + get_translation(one.titles, order=self.election.languages))
            for code, one in plan.checklists.items()
        ]
        form.fields["role"].choices = [("", _("every role")), *ROLE_LABELS.items()]  # type: ignore[attr-defined]
        form.fields["silent"].choices = [("", _("no, to all")), (" silent", _("Silent")), *overdue_choices]  # type: ignore[attr-defined]
        return form

    def _build_text_fields(self, texts: dict[str, str]) -> list[tuple[str, str, str]]:
        """(language code, language name, text) for each language, those of the election first."""
        language_names = dict(settings.LANGUAGES)
        order = [*self.election.languages, *language_names]
        return [
            (code, language_names.get(code, code), texts.get(code, ""))
            for code in dict.fromkeys(order)
            if code in language_names
        ]

    def _build_audience(self, data: dict[str, Any]) -> Audience:
        """The recipients from the form's data.

        They are a territory, or a fixed list of observers where a territory cannot describe them.
        """
        scope = get_scope(self, data["at"].strip())
        place = None if scope.commission.depth == 0 else scope.commission
        organisation_ids = scope.organisations
        organisation = None
        if organisation_ids is not None and len(organisation_ids) == 1:
            organisation = Organisation.objects.get(pk=next(iter(organisation_ids)))
        listed = None
        if data["silent"] or (organisation_ids is not None and len(organisation_ids) > 1):
            listed = self._select_observers(scope, data["silent"].strip(), data["role"])
        return Audience(commission=place, role=data["role"], organisation=organisation, listed=listed)

    def _select_observers(self, scope: TerritoryScope, missing: str, role: str) -> tuple[int, ...]:
        """Primary keys of the observers from whom a report is missing.

        They are the observers who are at such stations now. The list is stored with the message. `missing`: "silent"
        for stations without any report, a checklist's code for stations that are overdue with it, "" for all
        stations.
        """
        now = timezone.now()
        stations = iterate_stations(election=self.election, scope=scope, now=now)
        keys = [
            one.commission
            for one in stations
            if not missing or (one.silent if missing == "silent" else missing in one.overdue)
        ]
        reachable_ids = set(self.get_permitted_rows(Observer).values_list("pk", flat=True))
        rows: list[Assignment] = load_current_assignments(self, keys, now)
        observer_ids = {one.pk for row in rows if not role or row.role == role for one in row.observers.all()}
        return tuple(sorted(observer_ids & reachable_ids))


@register_page("messages/<int:pk>/", name="message")
class MessagePage(DeskView):
    """One message and its recipients; those who have not read it come first."""

    permission = Permission.MESSAGE
    title = gettext_lazy("Message")
    template_name = "desk/message.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        message = get_message(self)
        reachable_ids = self.get_permitted_rows(Observer).values("pk")
        recipients = get_recipients_with_reads(message=message).filter(pk__in=reachable_ids)
        part = Paginator(recipients, PAGE_SIZE).get_page(self.request.GET.get("page"))
        zone = self.election.timezone
        rows = [(one, to_local_time(one.read_at, zone) if one.read_at else None) for one in part.object_list]  # type: ignore[attr-defined]
        listed_recipients = get_recipients(message=message).filter(pk__in=reachable_ids).values("pk")
        read = message.reads.filter(observer__in=listed_recipients).count()
        context = {"message": describe_message(self, message), "part": part, "people": rows, "read": read}
        return super().get_context_data(**kwargs) | context


def get_message(view: DeskView) -> Message:
    """The message named in the address. Raises Http404 where the reader may not see it."""
    return view.get_row_or_404(Message, pk=view.kwargs["pk"])


def describe_message(view: DeskView, message: Message) -> dict[str, Any]:
    """A message as the templates show it.

    When it was sent, by whom, to whom, and its texts.
    """
    recipient: Any = _("everyone")
    if message.observer is not None:
        recipient = message.observer.code
    elif message.commission is not None:
        message.commission.election = view.election
        recipient = get_place_name(message.commission)
    restrictions = [str(ROLE_LABELS[message.role])] if message.role else []
    if message.organisation is not None:
        restrictions.append(str(message.organisation))
    if message.listed:
        restrictions.append(_("only those of whom a report was missing"))
    return {
        "row": message,
        "at": to_local_time(message.sent_at, view.election.timezone),
        "to": recipient,
        "about": ", ".join(restrictions),
        "text": get_translation(message.texts, order=view.election.languages),
        "texts": message.texts.items(),
        "by": message.author.get_username() if message.author else "",
    }
