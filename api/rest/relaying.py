"""Taking in a file that somebody carried: opened, read twice, and put through the one door.

First it is read to its end and thrown away: only then is it known that it is whole and sealed for one
of our keys, and by its token who speaks. Then it is read again, and what is in it goes where
it would have gone from its own phone: `accept_many` and `upload_append`, by which any number of
copies, brought by any number of people, are taken once. Nothing plain is ever written to disk, and
nothing that grows with the file is held in memory but ids and outcomes.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from api.common.disk import room_require
from api.rest import strict, translate
from api.rest.receipts import outcome_word
from api.rest.relay_format import Body, Header, Malformed, Reading, body_of
from observer.models import Device, Election, Observer, User
from observer.services.devices.enrolment import device_by_token
from observer.services.registry.relay_keys import Unopened, relay_is_for, relay_open
from reports.models import RelayFile
from reports.problems import Rejected
from reports.services.evidence.relay_files import (
    piece_take,
    relay_file_accepted,
    relay_file_note,
    relay_file_settle,
    waiting_of,
    waits,
)
from reports.services.evidence.whole_uploads import Spool
from reports.services.intake.intake import accept_many
from reports.services.intake.notes import NoteSaid, notes_bring
from reports.services.intake.submission import Sender, Submission
from reports.services.storage.sealed_store import is_sealed, sealed_path

CHANNEL = "relay"
AT_ONCE = 100  # reports in one transaction
AT_ONCE_BYTES = 4_000_000
ROUNDS = 50
log = logging.getLogger("baqylau.relay")


@dataclass(slots=True)
class Brought:
    """What became of a file. `results`: id and outcome of each report or photo in it, in order."""

    state: str
    header: Header
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(one["outcome"] for one in self.results)


def file_bring(*, spool: Spool, bringer: Device | None, now: datetime) -> Brought:
    """Takes the file in `spool`, whoever brings it.

    Raises Rejected: `unreadable_file` where no key of ours opens it whole (nothing is kept then),
    `low_disk`, `unavailable`. Whatever was taken before that stays taken.
    """
    room_require()
    header = _survey(spool.path())
    device = device_by_token(header.token)
    known = RelayFile.objects.filter(sha256=spool.sha256).first()
    vouched = known is not None and known.accepted_by_id is not None
    reason = "" if vouched else _doubt(header, device, spool.path())
    values: dict[str, Any] = {
        "kind": header.kind,
        "observer_code": header.observer,
        "device": device,
        "submitter": bringer,
        "election": device.election if device else None,
        "part": header.part,
        "parts": header.parts,
        "made_at": header.made_at,
        "reason": reason,
    }
    if reason or device is None:
        values |= {"state": RelayFile.State.QUARANTINED}
        relay_file_note(spool=spool, values=values, now=now, keep=True)
        return Brought(RelayFile.State.QUARANTINED, header)
    results = _take(spool.path(), _sender(device, bringer), now)
    brought = Brought(RelayFile.State.TAKEN, header, results)
    keep = waits(header.kind, brought.outcomes)
    values |= {"state": RelayFile.State.WAITING if keep else RelayFile.State.TAKEN, "outcomes": dict(brought.outcomes)}
    row = relay_file_note(spool=spool, values=values, now=now, keep=keep)
    _retry_waiting(device, now)
    row.refresh_from_db(fields=["state"])
    brought.state = row.state
    return brought


def file_accept(*, row: RelayFile, user: User, now: datetime) -> Counter[str]:
    """An operator vouches for a quarantined file: it is taken as its observer's; how many of each outcome.

    Raises Rejected `unknown_observer` where the election has no such observer, `unreadable_file`.
    """
    if not is_sealed(sha256=row.sha256, size=row.size):
        raise Rejected("unreadable_file", _("This file is no longer in its store."))
    with sealed_path(sha256=row.sha256) as path:
        header = _survey(path)
        device = device_by_token(header.token)
        sender = _sender(device, row.submitter) if device else _named(header, path)
        relay_file_accepted(row=row, user=user, now=now)
        outcomes = Counter(one["outcome"] for one in _take(path, sender, now))
        relay_file_settle(row=row, outcomes=outcomes)
    if device is not None:
        _retry_waiting(device, now)
    return outcomes


def _survey(path: Path) -> Header:
    """Reads the whole file and keeps nothing but its header. Raises Rejected `unreadable_file`."""
    found: list[Header] = []

    def opened(header: Header) -> Body:
        found.append(header)
        return body_of(header, line=lambda body: None, piece=lambda uuid, offset, data: None)

    try:
        _read(path, opened)
    except (Unopened, Malformed):
        raise Rejected(
            "unreadable_file",
            _(
                "This file is damaged, cut off, or not made for this platform. Keep it, and copy it from the phone again."
            ),
        ) from None
    return found[0]


def _read(path: Path, opened: Callable[[Header], Body]) -> None:
    reading = Reading(opened)
    relay_open(path=path, to=reading)
    reading.close()


def _doubt(header: Header, device: Device | None, path: Path) -> str:
    """Why the file cannot be believed, "" where it can: a token that works, of the observer and election it names."""
    if device is None:
        return "unknown_token"
    if device.revoked_at is not None:
        return "device_revoked"
    if device.observer.code != header.observer:
        return "wrong_observer"
    return "" if relay_is_for(path=path, election=device.election) else "wrong_election"


def _sender(device: Device, bringer: Device | None) -> Sender:
    submitter = bringer if bringer is not None and bringer.pk != device.pk else None
    return Sender(device.election, device.observer, device, channel=CHANNEL, submitter=submitter)


def _named(header: Header, path: Path) -> Sender:
    """Whom the file names itself, where its token is not known. Raises Rejected `unknown_observer`."""
    observer = Observer.objects.filter(code=header.observer).first()
    elections = Election.objects.exclude(relay_key="").order_by("-date", "pk")
    election = next((one for one in elections if relay_is_for(path=path, election=one)), None)
    if observer is None or election is None:
        raise Rejected("unknown_observer", _("Nobody here has the observer's code that is in this file."))
    return Sender(election, observer, None, channel=CHANNEL)


def _take(path: Path, sender: Sender, now: datetime) -> list[dict[str, Any]]:
    reports, files = _Reports(sender, now), _Files(sender, now)
    _read(path, lambda header: body_of(header, line=reports.add, piece=files.add))
    reports.send()
    return reports.results + [{"id": str(uuid), "outcome": word} for uuid, word in files.outcomes.items()]


_Line = tuple[dict[str, Any], Submission, list[NoteSaid]]


class _Reports:
    """Sends reports through the door, a batch at a time."""

    def __init__(self, sender: Sender, now: datetime) -> None:
        self.sender, self.at = sender, now
        self.results: list[dict[str, Any]] = []
        self._waiting: list[_Line] = []
        self._size = 0

    def add(self, body: bytes | None) -> None:
        result: dict[str, Any] = {"id": None, "outcome": "too_large"}
        self.results.append(result)
        if body is None or len(body) > settings.REPORT_BYTES_MAX:
            return
        submission, notes = self._read(body)
        result["id"] = str(submission.uuid) if submission.uuid else None
        self._waiting.append((result, submission, notes))
        self._size += len(body)
        if len(self._waiting) >= AT_ONCE or self._size > AT_ONCE_BYTES:
            self.send()

    def send(self) -> None:
        if self._waiting:
            outcomes = accept_many([submission for _result, submission, _notes in self._waiting], now=self.at)
            for (result, submission, notes), outcome in zip(self._waiting, outcomes, strict=True):
                result["outcome"] = outcome_word(outcome)
                if notes and outcome.receipt is not None and submission.uuid is not None:
                    notes_bring(report=submission.uuid, notes=notes, now=self.at)
        self._waiting, self._size = [], 0

    def _read(self, body: bytes) -> tuple[Submission, list[NoteSaid]]:
        try:
            value = strict.parse(body)
        except Rejected as problem:
            return translate.unreadable(body, self.sender, problem), []
        return translate.submission_of(value, body, self.sender), translate.notes_beside(value)


class _Files:
    """Adds pieces to the files they are of; one outcome a file."""

    def __init__(self, sender: Sender, now: datetime) -> None:
        self.sender, self.at = sender, now
        self.outcomes: dict[UUID, str] = {}

    def add(self, uuid: UUID, offset: int, data: bytes) -> None:
        word = piece_take(observer=self.sender.observer, uuid=uuid, offset=offset, data=data, now=self.at)
        before = self.outcomes.get(uuid)
        if before == "gap" and word == "partial":
            return  # a later piece still waits for an earlier one
        if before == "stored" and word == "duplicate":
            return  # by this very file
        self.outcomes[uuid] = word


def _retry_waiting(device: Device, now: datetime) -> None:
    """Takes what was kept of this device again, as long as that moves anything: parts come in any order."""
    for _round in range(ROUNDS):
        moved = False
        for row in waiting_of(device=device.pk):
            before = row.state, row.outcomes
            try:
                with sealed_path(sha256=row.sha256) as path:
                    found = Counter(one["outcome"] for one in _take(path, _sender(device, row.submitter), now))
            except FileNotFoundError:
                log.error("a kept relay file is not there: %s", row.sha256)
                continue
            relay_file_settle(row=row, outcomes=found)
            moved = moved or before != (row.state, row.outcomes)
        if not moved:
            return
