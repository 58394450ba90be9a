"""Messages of the desk to observers: sending, receiving, and who has read them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, DateTimeField, F, OuterRef, Q, QuerySet, Subquery

from observer.models import Assignment, Commission, Election, Observer, Organisation, User
from observer.services.trail import add_trail_entry
from reports.models import Message, MessageRead

MAX_TEXT_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Audience:
    """Who a message is for: one `observer`, or all who are assigned to, above or below `commission`.

    Without a commission it is for everyone. `role` and `organisation` narrow it further; `listed` are the keys of
    the only observers it is for.
    """

    commission: Commission | None = None
    observer: Observer | None = None
    role: str = ""
    organisation: Organisation | None = None
    listed: tuple[int, ...] | None = None


def send_message(
    *, uuid: UUID, election: Election, audience: Audience, texts: Mapping[str, str], user: User | None, now: datetime
) -> Message:
    """Sends a message, once, even if the form with this `uuid` is sent several times.

    Its author is who sent the form first. Raises ValueError without any text.
    """
    stripped_texts = {language: text.strip()[:MAX_TEXT_CHARACTERS] for language, text in texts.items() if text.strip()}
    if not stripped_texts:
        raise ValueError("a message without words")
    with transaction.atomic():
        message, is_new = Message.objects.get_or_create(
            uuid=uuid,
            defaults={
                "election": election,
                "observer": audience.observer,
                "commission": audience.commission,
                "role": audience.role,
                "organisation": _get_organisation(audience),
                "listed": audience.listed is not None,
                "texts": stripped_texts,
                "author": user,
                "sent_at": now,
            },
        )
        if is_new:
            message.recipients.set(audience.listed or ())
            where = audience.commission.code if audience.commission else ""
            to = {"observer": audience.observer.code} if audience.observer else {"commission": where}
            detail = {**to, "role": audience.role, "listed": len(audience.listed or ())}
            add_trail_entry(action="message.send", subject=message, now=now, user=user, detail=detail)
    return message


def _get_organisation(audience: Audience) -> Organisation | None:
    return audience.organisation or (audience.observer.organisation if audience.observer else None)


def get_messages(*, observer: Observer, election: Election) -> QuerySet[Message]:
    """Returns the messages for an observer, newest first.

    They are for this observer, for a territory above or below one of their commissions, or for everyone. Each row
    has `read_at`, which is None if the observer has not read it.
    """
    places = Assignment.objects.filter(observers=observer, election=election).values_list("commission__path", "role")
    is_for_observer = Q(commission__isnull=True, role="")
    for path, role in set(places):
        is_near = (
            Q(commission__isnull=True)
            | Q(commission__path__in=_get_ancestor_paths(path))
            | Q(commission__path__startswith=path)
        )
        is_for_observer |= is_near & Q(role__in=("", role))
    is_for_observer &= Q(organisation__isnull=True) | Q(organisation=observer.organisation_id)
    listed = Message.recipients.through.objects.filter(observer=observer).values("message")
    reads = MessageRead.objects.filter(message=OuterRef("pk"), observer=observer).values("at")[:1]
    return (
        Message.objects.filter(election=election)
        .filter(
            Q(observer=observer)
            | Q(observer__isnull=True, listed=False) & is_for_observer
            | Q(listed=True, pk__in=listed)
        )
        .annotate(read_at=Subquery(reads, output_field=DateTimeField()))
    )


def get_recipients(*, message: Message) -> QuerySet[Observer]:
    """Returns the observers whom a message is for at present, by code.

    Who is assigned later receives it too. Names and phone numbers are not loaded.
    """
    observers = Observer.objects.defer("name", "phone", "email", "accreditation_number").order_by("code")
    if message.observer_id is not None:
        return observers.filter(pk=message.observer_id)
    if message.listed:
        return observers.filter(pk__in=Message.recipients.through.objects.filter(message=message).values("observer"))
    assignments = Assignment.objects.filter(election=message.election_id)
    if message.role:
        assignments = assignments.filter(role=message.role)
    if message.commission is not None:
        path = message.commission.path
        assignments = assignments.filter(
            Q(commission__path__startswith=path) | Q(commission__path__in=_get_ancestor_paths(path))
        )
    is_recipient = Q(pk__in=Assignment.observers.through.objects.filter(assignment__in=assignments).values("observer"))
    if message.commission is None and not message.role:
        is_recipient |= Q(elections=message.election_id)
    if message.organisation_id is not None:
        is_recipient &= Q(organisation=message.organisation_id)
    return observers.filter(pk__in=Observer.objects.filter(is_recipient).values("pk"))


def get_recipients_with_reads(*, message: Message) -> QuerySet[Observer]:
    """Returns the recipients with `read_at`; those who have not read the message come first."""
    reads = MessageRead.objects.filter(message=message, observer=OuterRef("pk")).values("at")[:1]
    rows = get_recipients(message=message).annotate(read_at=Subquery(reads, output_field=DateTimeField()))
    return rows.order_by(F("read_at").asc(nulls_first=True), "code")


def count_reads(*, messages: Collection[int]) -> dict[int, int]:
    """Counts the observers who have read each message."""
    rows = MessageRead.objects.filter(message__in=messages).order_by().values_list("message").annotate(Count("pk"))
    return dict(rows)


def mark_message_read(*, message: Message, observer: Observer, now: datetime) -> datetime:
    """Marks a message as read by an observer; returns when they first read it."""
    read, _new = MessageRead.objects.get_or_create(message=message, observer=observer, defaults={"at": now})
    return read.at


def _get_ancestor_paths(path: str) -> list[str]:
    codes = path.strip("/").split("/")
    return ["/".join(codes[:depth]) + "/" for depth in range(1, len(codes) + 1)]
