"""Words from the desk, as one observer finds them."""

from datetime import datetime

from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery

from observer.models import Assignment, Election, Observer
from reports.models import Message, MessageRead


def messages_for(*, observer: Observer, election: Election) -> QuerySet[Message]:
    """What was said to this observer, to a territory around or below one of their places, or to everyone.

    Newest first; each row has `read_at`, None where the observer has not read it.
    """
    paths = Assignment.objects.filter(observers=observer, election=election).values_list("commission__path", flat=True)
    mine = Q(commission__isnull=True)
    for path in set(paths):
        codes = path.strip("/").split("/")
        above = ["/".join(codes[:depth]) + "/" for depth in range(1, len(codes) + 1)]
        mine |= Q(commission__path__in=above) | Q(commission__path__startswith=path)
    reads = MessageRead.objects.filter(message=OuterRef("pk"), observer=observer).values("at")[:1]
    return (
        Message.objects.filter(election=election)
        .filter(Q(observer=observer) | (Q(observer__isnull=True) & mine))
        .annotate(read_at=Subquery(reads, output_field=DateTimeField()))
    )


def message_read(*, message: Message, observer: Observer, at: datetime) -> datetime:
    """When the observer first read it: now, unless it was before."""
    read, _new = MessageRead.objects.get_or_create(message=message, observer=observer, defaults={"at": at})
    return read.at
