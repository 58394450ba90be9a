"""What every channel hands to the one door: values without a wire format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from observer.models import Device, Election, Observer, User
from reports.models import Report
from reports.problems import Rejected


@dataclass(frozen=True, slots=True)
class Place:
    """Where a phone said it was: degrees (WGS 84), accuracy in metres."""

    lat: float
    lon: float
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """A file that belongs to a report. Identity: uuid, sha256 and size, where the channel knows them."""

    uuid: UUID
    sha256: str = ""
    size: int | None = None
    type: str = ""
    question: str = ""
    violation: str = ""
    captured_at: datetime | None = None
    source: str = ""
    place: Place | None = None
    publishable: bool = False
    preview_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who says it, and how it came: the observer it is from, and the device or user that brought it."""

    election: Election
    observer: Observer
    device: Device | None
    channel: str = "rest"
    source: str = Report.Source.OBSERVER
    submitter: Device | None = None
    author: User | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One report as a channel understood it. `answers` are raw: their types are the checklist's affair.

    `unread` is set by a channel that could not read a field. The id is looked up all the same,
    because a retry must get its receipt and a changed report its conflict; then the body is kept.
    """

    sender: Sender
    body: bytes
    uuid: UUID | None
    checklist: str = ""
    version: int = 0
    commission: str = ""
    observed_at: datetime | None = None
    contest: str = ""
    slot: str = ""
    sent_at: datetime | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    place: Place | None = None
    outside: bool = False
    rehearsal: bool = False
    supersedes: UUID | None = None
    evidence: tuple[Announcement, ...] = ()
    unread: Rejected | None = None


@dataclass(frozen=True, slots=True)
class EvidenceReceipt:
    uuid: UUID
    state: str
    offset: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The promise: this report is on disk. The same for every retry but for what the desk decided since."""

    uuid: UUID
    received_at: datetime
    sequence: int
    content_sha256: str
    flags: tuple[str, ...]
    state: str
    evidence: tuple[EvidenceReceipt, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one submission: `stored` or `duplicate` with a receipt, else a problem.

    `kind` is one of stored, duplicate, conflict, invalid. `kept_evidence` are files announced by a
    body that was kept though refused: they may be uploaded all the same.
    """

    kind: str
    receipt: Receipt | None = None
    problem: Rejected | None = None
    kept_evidence: tuple[EvidenceReceipt, ...] = ()
