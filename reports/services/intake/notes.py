"""Words added to a stored report, outside its content."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from reports.models import Note, Report
from reports.problems import Rejected


@dataclass(frozen=True, slots=True)
class NoteSaid:
    """A note as its phone wrote it down."""

    uuid: UUID
    text: str
    said_at: datetime


def note_add(*, report: Report, uuid: UUID, text: str, said_at: datetime, now: datetime) -> tuple[Note, bool]:
    """The note, and whether it is new. `said_at`: as the phone says. Sent again, it is the same note.

    Raises Rejected `changed_content` where the id has other words, or belongs to another report.
    """
    found = Note.objects.filter(uuid=uuid).first()
    if found is None:
        try:
            with transaction.atomic():
                note = Note.objects.create(uuid=uuid, report=report, text=text, at=said_at, received_at=now)
                return note, True
        except IntegrityError:  # the same note, sent twice at once
            found = Note.objects.get(uuid=uuid)
    if found.report_id != report.pk or found.text != text:
        raise Rejected("changed_content", _("Another note was stored under this id. The stored one stands."), "id")
    return found, False


def notes_bring(*, report: UUID, notes: Sequence[NoteSaid], now: datetime) -> None:
    """Stores notes that came beside the stored report of this id, each once.

    One whose id is taken by other words is left: its phone is told so when it sends the note itself.
    """
    stored = Report.objects.defer("body", "answers", "comment").get(uuid=report)
    for note in notes:
        with suppress(Rejected):
            note_add(report=stored, uuid=note.uuid, text=note.text, said_at=note.said_at, now=now)
