"""Words from the desk: sending them, finding one's own, and who has read them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, DateTimeField, F, OuterRef, Q, QuerySet, Subquery

from observer.models import Assignment, Commission, Election, Observer, Organisation, User
from observer.services.trail import trail_add
from reports.models import Message, MessageRead

TEXT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a message is for: one `observer`; else all sent to or around `commission` (None: everyone).

    Of these perhaps one role, one organisation, or only the observers `listed`.
    """

    commission: Commission | None = None
    observer: Observer | None = None
    role: str = ""
    organisation: Organisation | None = None
    listed: tuple[int, ...] | None = None


def message_send(
    *, uuid: UUID, election: Election, audience: Audience, texts: Mapping[str, str], user: User | None, now: datetime
) -> Message:
    """Says it, once, however often the form is sent; whoever sent it first is its author."""
    clean = {language: text.strip()[:TEXT_MAX] for language, text in texts.items() if text.strip()}
    if not clean:
        raise ValueError("a message without words")
    with transaction.atomic():
        message, new = Message.objects.get_or_create(
            uuid=uuid,
            defaults={
                "election": election,
                "observer": audience.observer,
                "commission": audience.commission,
                "role": audience.role,
                "organisation": _whose(audience),
                "listed": audience.listed is not None,
                "texts": clean,
                "author": user,
                "sent_at": now,
            },
        )
        if new:
            message.recipients.set(audience.listed or ())
            where = audience.commission.code if audience.commission else ""
            to = {"observer": audience.observer.code} if audience.observer else {"commission": where}
            detail = {**to, "role": audience.role, "listed": len(audience.listed or ())}
            trail_add(action="message.send", subject=message, now=now, user=user, detail=detail)
    return message


def _whose(audience: Audience) -> Organisation | None:
    return audience.organisation or (audience.observer.organisation if audience.observer else None)


def messages_for(*, observer: Observer, election: Election) -> QuerySet[Message]:
    """What was said to this observer, to a territory around or below one of their places, or to everyone.

    Newest first; each row has `read_at`, None where the observer has not read it.
    """
    places = Assignment.objects.filter(observers=observer, election=election).values_list("commission__path", "role")
    mine = Q(commission__isnull=True, role="")
    for path, role in set(places):
        here = Q(commission__isnull=True) | Q(commission__path__in=_above(path)) | Q(commission__path__startswith=path)
        mine |= here & Q(role__in=("", role))
    mine &= Q(organisation__isnull=True) | Q(organisation=observer.organisation_id)
    listed = Message.recipients.through.objects.filter(observer=observer).values("message")
    reads = MessageRead.objects.filter(message=OuterRef("pk"), observer=observer).values("at")[:1]
    return (
        Message.objects.filter(election=election)
        .filter(Q(observer=observer) | Q(observer__isnull=True, listed=False) & mine | Q(listed=True, pk__in=listed))
        .annotate(read_at=Subquery(reads, output_field=DateTimeField()))
    )


def recipients_of(*, message: Message) -> QuerySet[Observer]:
    """Whom it is for as of now: who is sent there later finds it too. Names and numbers are not loaded."""
    everyone = Observer.objects.defer("name", "phone", "email", "accreditation_number").order_by("code")
    if message.observer_id is not None:
        return everyone.filter(pk=message.observer_id)
    if message.listed:
        return everyone.filter(pk__in=Message.recipients.through.objects.filter(message=message).values("observer"))
    sent = Assignment.objects.filter(election=message.election_id)
    if message.role:
        sent = sent.filter(role=message.role)
    if message.commission is not None:
        path = message.commission.path
        sent = sent.filter(Q(commission__path__startswith=path) | Q(commission__path__in=_above(path)))
    known = Q(pk__in=Assignment.observers.through.objects.filter(assignment__in=sent).values("observer"))
    if message.commission is None and not message.role:
        known |= Q(elections=message.election_id)
    if message.organisation_id is not None:
        known &= Q(organisation=message.organisation_id)
    return everyone.filter(pk__in=Observer.objects.filter(known).values("pk"))


def recipients_with_reading(*, message: Message) -> QuerySet[Observer]:
    """The same, each with `read_at`; who has not read it comes first."""
    reads = MessageRead.objects.filter(message=message, observer=OuterRef("pk")).values("at")[:1]
    rows = recipients_of(message=message).annotate(read_at=Subquery(reads, output_field=DateTimeField()))
    return rows.order_by(F("read_at").asc(nulls_first=True), "code")


def reads_counted(*, messages: Collection[int]) -> dict[int, int]:
    """How many have read each."""
    rows = MessageRead.objects.filter(message__in=messages).order_by().values_list("message").annotate(Count("pk"))
    return dict(rows)


def message_read(*, message: Message, observer: Observer, now: datetime) -> datetime:
    """When the observer first read it: now, unless it was before."""
    read, _new = MessageRead.objects.get_or_create(message=message, observer=observer, defaults={"at": now})
    return read.at


def _above(path: str) -> list[str]:
    codes = path.strip("/").split("/")
    return ["/".join(codes[:depth]) + "/" for depth in range(1, len(codes) + 1)]
