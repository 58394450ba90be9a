"""Notes that an observer adds to a stored report.

They are not part of its content.
"""

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
class NewNote:
    """A note as a phone sent it.

    `written_at` is by the phone's clock.
    """

    uuid: UUID
    text: str
    written_at: datetime


def add_note(*, report: Report, uuid: UUID, text: str, written_at: datetime, now: datetime) -> tuple[Note, bool]:
    """Stores a note; returns it and whether it is new.

    A note that is sent again is stored once. `written_at`: by the phone's clock. Raises Rejected
    `changed_content` where the id has another text, or belongs to another report.
    """
    stored = Note.objects.filter(uuid=uuid).first()
    if stored is None:
        try:
            with transaction.atomic():
                note = Note.objects.create(uuid=uuid, report=report, text=text, at=written_at, received_at=now)
                return note, True
        except IntegrityError:  # the same note, sent twice at once
            stored = Note.objects.get(uuid=uuid)
    if stored.report_id != report.pk or stored.text != text:
        raise Rejected("changed_content", _("Another note was stored under this id. The stored one stands."), "id")
    return stored, False


def add_notes(*, report: UUID, notes: Sequence[NewNote], now: datetime) -> None:
    """Stores notes that came together with a report, each once.

    `report`: the id of the stored report. A note whose id has another text is skipped; the phone learns of it
    when it sends the note by itself.
    """
    stored = Report.objects.defer("body", "answers", "comment").get(uuid=report)
    for note in notes:
        with suppress(Rejected):
            add_note(report=stored, uuid=note.uuid, text=note.text, written_at=note.written_at, now=now)
