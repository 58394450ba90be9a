"""Takes in a relay file: decrypts it and stores what is in it.

The file is read twice. The first reading goes to the end and keeps nothing: only then is it known that the file is
complete and sealed for one of our keys, and by its token whose it is. The second reading passes the content to the
same intake as the requests of a phone: `accept_submissions` and the upload of evidence. So any number of copies, sent by
any number of people, are stored once. Decrypted content is never written to disk as it is, and nothing that grows
with the file is held in memory except ids and outcomes.
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

from api.common.disk_space import require_disk_space
from api.rest import json_fields, strict_json
from api.rest.receipts import get_outcome_word
from api.rest.relay_format import BodyReader, Header, Malformed, RelayFileReader, make_body_reader
from observer.models import Device, Election, Observer, User
from observer.services.devices.enrolment import find_device_by_token
from observer.services.registry.relay_keys import DecryptionFailed, decrypt_relay_file, is_sealed_for_election
from reports.models import RelayFile
from reports.problems import Rejected
from reports.services.evidence.relay_files import (
    add_piece,
    filter_waiting_files,
    is_waiting,
    mark_relay_file_accepted,
    record_relay_file,
    update_relay_file,
)
from reports.services.evidence.whole_uploads import Spool
from reports.services.intake.intake import accept_submissions
from reports.services.intake.notes import NewNote, add_notes
from reports.services.intake.submission import Sender, Submission
from reports.services.storage.sealed_store import is_sealed, open_sealed_path

CHANNEL = "relay"
MAX_BATCH_REPORTS = 100  # in one transaction
MAX_BATCH_BYTES = 4_000_000
MAX_RETRY_ROUNDS = 50
log = logging.getLogger("baqylau.relay")


@dataclass(slots=True)
class RelayResult:
    """The result of one file.

    `results` has id and outcome of each report or photo in it, in order.
    """

    state: str
    header: Header
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(one["outcome"] for one in self.results)


def receive_relay_file(*, spool: Spool, submitter: Device | None, now: datetime) -> RelayResult:
    """Takes in the file in `spool`, whoever sends it.

    `submitter` is the device that sends it, if it is one. Raises Rejected: `unreadable_file` where none of our keys
    opens it to its end (nothing is kept then), `low_disk`, `unavailable`. What was stored before the error stays
    stored.
    """
    require_disk_space()
    header = _verify_file(spool.path())
    device = find_device_by_token(header.token)
    known = RelayFile.objects.filter(sha256=spool.sha256).first()
    is_accepted = known is not None and known.accepted_by_id is not None
    reason = "" if is_accepted else _find_quarantine_reason(header, device, spool.path())
    values: dict[str, Any] = {
        "kind": header.kind,
        "observer_code": header.observer,
        "device": device,
        "submitter": submitter,
        "election": device.election if device else None,
        "part": header.part,
        "parts": header.parts,
        "made_at": header.made_at,
        "reason": reason,
    }
    if reason or device is None:
        values |= {"state": RelayFile.State.QUARANTINED}
        record_relay_file(spool=spool, values=values, now=now, keep=True)
        return RelayResult(RelayFile.State.QUARANTINED, header)
    results = _process_file(spool.path(), _make_sender(device, submitter), now)
    result = RelayResult(RelayFile.State.TAKEN, header, results)
    keep = is_waiting(header.kind, result.outcomes)
    values |= {"state": RelayFile.State.WAITING if keep else RelayFile.State.TAKEN, "outcomes": dict(result.outcomes)}
    row = record_relay_file(spool=spool, values=values, now=now, keep=keep)
    _retry_waiting_files(device, now)
    row.refresh_from_db(fields=["state"])
    result.state = row.state
    return result


def accept_quarantined_file(*, row: RelayFile, user: User, now: datetime) -> Counter[str]:
    """An operator accepts a quarantined file: it is taken in as its observer's.

    Returns how many there were of each outcome. Raises Rejected `unknown_observer` where the election has no such
    observer, `unreadable_file`.
    """
    if not is_sealed(sha256=row.sha256, size=row.size):
        raise Rejected("unreadable_file", _("This file is no longer in its store."))
    with open_sealed_path(sha256=row.sha256) as path:
        header = _verify_file(path)
        device = find_device_by_token(header.token)
        sender = _make_sender(device, row.submitter) if device else _find_named_sender(header, path)
        mark_relay_file_accepted(row=row, user=user, now=now)
        outcomes = Counter(one["outcome"] for one in _process_file(path, sender, now))
        update_relay_file(row=row, outcomes=outcomes)
    if device is not None:
        _retry_waiting_files(device, now)
    return outcomes


def _verify_file(path: Path) -> Header:
    """Reads the whole file and returns its header. Raises Rejected `unreadable_file`."""
    headers: list[Header] = []

    def on_header(header: Header) -> BodyReader:
        headers.append(header)
        return make_body_reader(header, on_report=lambda body: None, on_piece=lambda uuid, offset, data: None)

    try:
        _decrypt_file(path, on_header)
    except (DecryptionFailed, Malformed):
        raise Rejected(
            "unreadable_file",
            _(
                "This file is damaged, cut off, or not made for this platform. Keep it, and copy it from the phone again."
            ),
        ) from None
    return headers[0]


def _decrypt_file(path: Path, on_header: Callable[[Header], BodyReader]) -> None:
    reader = RelayFileReader(on_header)
    decrypt_relay_file(path=path, output=reader)
    reader.close()


def _find_quarantine_reason(header: Header, device: Device | None, path: Path) -> str:
    """Returns why the file cannot be trusted, "" where it can.

    It can be trusted with a valid token of the observer and the election that it names.
    """
    if device is None:
        return "unknown_token"
    if device.revoked_at is not None:
        return "device_revoked"
    if device.observer.code != header.observer:
        return "wrong_observer"
    return "" if is_sealed_for_election(path=path, election=device.election) else "wrong_election"


def _make_sender(device: Device, submitter: Device | None) -> Sender:
    submitter = submitter if submitter is not None and submitter.pk != device.pk else None
    return Sender(device.election, device.observer, device, channel=CHANNEL, submitter=submitter)


def _find_named_sender(header: Header, path: Path) -> Sender:
    """Returns the observer and election that the file itself names.

    For a file whose token is not known. Raises Rejected `unknown_observer`.
    """
    observer = Observer.objects.filter(code=header.observer).first()
    elections = Election.objects.exclude(relay_key="").order_by("-date", "pk")
    election = next((one for one in elections if is_sealed_for_election(path=path, election=one)), None)
    if observer is None or election is None:
        raise Rejected("unknown_observer", _("Nobody here has the observer's code that is in this file."))
    return Sender(election, observer, None, channel=CHANNEL)


def _process_file(path: Path, sender: Sender, now: datetime) -> list[dict[str, Any]]:
    """Takes in all that is in the file.

    Returns id and outcome of each.
    """
    reports, files = _ReportBatches(sender, now), _FilePieces(sender, now)
    _decrypt_file(path, lambda header: make_body_reader(header, on_report=reports.add, on_piece=files.add))
    reports.send()
    return reports.results + [{"id": str(uuid), "outcome": outcome} for uuid, outcome in files.outcomes.items()]


_ParsedReport = tuple[dict[str, Any], Submission, list[NewNote]]


class _ReportBatches:
    """Passes reports to the intake in batches."""

    def __init__(self, sender: Sender, now: datetime) -> None:
        self.sender, self.now = sender, now
        self.results: list[dict[str, Any]] = []
        self._waiting: list[_ParsedReport] = []
        self._size = 0

    def add(self, body: bytes | None) -> None:
        result: dict[str, Any] = {"id": None, "outcome": "too_large"}
        self.results.append(result)
        if body is None or len(body) > settings.REPORT_BYTES_MAX:
            return
        submission, notes = self._parse(body)
        result["id"] = str(submission.uuid) if submission.uuid else None
        self._waiting.append((result, submission, notes))
        self._size += len(body)
        if len(self._waiting) >= MAX_BATCH_REPORTS or self._size > MAX_BATCH_BYTES:
            self.send()

    def send(self) -> None:
        if self._waiting:
            outcomes = accept_submissions([submission for _result, submission, _notes in self._waiting], now=self.now)
            for (result, submission, notes), outcome in zip(self._waiting, outcomes, strict=True):
                result["outcome"] = get_outcome_word(outcome)
                if notes and outcome.receipt is not None and submission.uuid is not None:
                    add_notes(report=submission.uuid, notes=notes, now=self.now)
        self._waiting, self._size = [], 0

    def _parse(self, body: bytes) -> tuple[Submission, list[NewNote]]:
        try:
            value = strict_json.parse_object(body)
        except Rejected as problem:
            return json_fields.build_unreadable_submission(body, self.sender, problem), []
        return json_fields.build_submission(value, body, self.sender), json_fields.read_notes(value)


class _FilePieces:
    """Adds pieces to their files; keeps one outcome a file."""

    def __init__(self, sender: Sender, now: datetime) -> None:
        self.sender, self.now = sender, now
        self.outcomes: dict[UUID, str] = {}

    def add(self, uuid: UUID, offset: int, data: bytes) -> None:
        outcome = add_piece(observer=self.sender.observer, uuid=uuid, offset=offset, data=data, now=self.now)
        previous = self.outcomes.get(uuid)
        if previous == "gap" and outcome == "partial":
            return  # a later piece is still waiting for an earlier one
        if previous == "stored" and outcome == "duplicate":
            return  # this file itself stored it
        self.outcomes[uuid] = outcome


def _retry_waiting_files(device: Device, now: datetime) -> None:
    """Takes in this device's waiting files again, until nothing changes any more.

    Parts come in any order.
    """
    for _round in range(MAX_RETRY_ROUNDS):
        has_changed = False
        for row in filter_waiting_files(device=device.pk):
            before = row.state, row.outcomes
            try:
                with open_sealed_path(sha256=row.sha256) as path:
                    outcomes = Counter(
                        one["outcome"] for one in _process_file(path, _make_sender(device, row.submitter), now)
                    )
            except FileNotFoundError:
                log.error("a kept relay file is not there: %s", row.sha256)
                continue
            update_relay_file(row=row, outcomes=outcomes)
            has_changed = has_changed or before != (row.state, row.outcomes)
        if not has_changed:
            return
