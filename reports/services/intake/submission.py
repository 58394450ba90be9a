"""Data that channels hand to intake and get back.

Values without a wire format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from observer.models import Device, Election, Observer, User
from reports.models import Report
from reports.problems import Rejected


@dataclass(frozen=True, slots=True)
class Location:
    """Where a phone was by its own account.

    Degrees (WGS 84), accuracy in metres.
    """

    lat: float
    lon: float
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """A file that a report announces.

    Its identity is the uuid, with the sha256 and the size in bytes where the channel knows them.
    """

    uuid: UUID
    sha256: str = ""
    size: int | None = None
    type: str = ""
    question: str = ""
    violation: str = ""
    captured_at: datetime | None = None
    source: str = ""
    location: Location | None = None
    publishable: bool = False
    preview_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a report is from and how it came.

    `observer` made the report; `device`, `submitter` or `author` brought it.
    """

    election: Election
    observer: Observer
    device: Device | None
    channel: str = "rest"
    source: str = Report.Source.OBSERVER
    submitter: Device | None = None
    author: User | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One report as a channel parsed it.

    `answers` are raw, because only the checklist knows their types. A channel that could not parse a field
    sets `problem`. The id is looked up even then, because a retry must get its receipt and a changed report
    its conflict; otherwise the body is kept as a refusal.
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
    location: Location | None = None
    outside: bool = False
    rehearsal: bool = False
    supersedes: UUID | None = None
    evidence: tuple[Announcement, ...] = ()
    problem: Rejected | None = None


@dataclass(frozen=True, slots=True)
class EvidenceReceipt:
    """The state of one announced file.

    `offset` is how many of its bytes are here.
    """

    uuid: UUID
    state: str
    offset: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """Confirms that a report is on disk.

    Every retry gets the same receipt, except for what the desk has decided since.
    """

    uuid: UUID
    received_at: datetime
    sequence: int
    content_sha256: str
    flags: tuple[str, ...]
    state: str
    evidence: tuple[EvidenceReceipt, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one submission: a receipt or a problem.

    `kind` is `stored` or `duplicate` with a receipt, `conflict` or `invalid` with a problem.
    `kept_evidence` are the files that a refused body announced; they may be uploaded nevertheless.
    """

    kind: str
    receipt: Receipt | None = None
    problem: Rejected | None = None
    kept_evidence: tuple[EvidenceReceipt, ...] = ()
