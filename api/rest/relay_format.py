"""What is in a file that somebody carries, once it is opened: a header, then reports or pieces of files.

`docs/relay.md` is the format. The readers are pushed bytes as they are decrypted, in pieces of any
size, and hold one report or one piece at most.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from api.rest import strict, translate
from reports.models import RelayFile
from reports.problems import Errors, Rejected

FORMAT, VERSION = "baqylau-relay", 1
HEADER_MAX = 8_192  # bytes of the first line
LINES_MAX = 20_000  # reports in one file
PIECES_MAX = 20_000
PIECE_MAX = 1_048_576  # bytes
PARTS_MAX = 100_000
RECORD = struct.Struct(">16sQI")  # evidence id, offset, length; big-endian

Line = Callable[[bytes | None], None]  # one report's body; None for one that is too long
Piece = Callable[[UUID, int, bytes], None]


class Malformed(Exception):
    """The content is not in the format."""


@dataclass(frozen=True, slots=True)
class Header:
    """Who says it, and which part of how many this is."""

    kind: str
    observer: str
    token: str
    made_at: datetime | None
    part: int
    parts: int


class Body(Protocol):
    def write(self, data: bytes, /) -> None: ...

    def close(self) -> None:
        """The end. Raises Malformed where it comes too early."""


class Reading:
    """The whole content: calls `opened` with the header, which says how the rest is read."""

    def __init__(self, opened: Callable[[Header], Body]) -> None:
        self._opened = opened
        self._waiting = bytearray()
        self._body: Body | None = None

    def write(self, data: bytes) -> int:
        if self._body is not None:
            self._body.write(data)
            return len(data)
        self._waiting += data
        line, newline, rest = self._waiting.partition(b"\n")
        if len(line) > HEADER_MAX:
            raise Malformed("header")
        if newline:
            self._body = self._opened(header_read(bytes(line)))
            self._waiting.clear()
            self._body.write(bytes(rest))
        return len(data)

    def flush(self) -> None:
        return None

    def close(self) -> None:
        if self._body is None:
            raise Malformed("header")
        self._body.close()


def body_of(header: Header, *, line: Line, piece: Piece) -> Body:
    return Lines(line) if header.kind == RelayFile.Kind.REPORTS else Pieces(piece)


class Lines:
    """Reports: one JSON body a line, exactly as `POST /reports` takes it. Empty lines are passed over."""

    def __init__(self, tell: Line) -> None:
        self._tell = tell
        self._waiting = bytearray()
        self._skips = False  # the rest of a line that is too long
        self._count = 0

    def write(self, data: bytes) -> None:
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._add(part)
            self._end()
        self._add(rest)

    def close(self) -> None:
        self._end()

    def _add(self, data: bytes) -> None:
        if self._skips:
            return
        self._waiting += data
        if len(self._waiting) > settings.REPORT_BYTES_MAX + 1:  # a carriage return may follow
            self._waiting.clear()
            self._skips = True

    def _end(self) -> None:
        body = bytes(self._waiting).strip()
        skipped, self._skips = self._skips, False
        self._waiting.clear()
        if body or skipped:
            self._count += 1
            if self._count > LINES_MAX:
                raise Malformed("too many reports")
            self._tell(None if skipped else body)


class Pieces:
    """Pieces of files: for each a record of its evidence's id, its offset and its length, then its bytes."""

    def __init__(self, tell: Piece) -> None:
        self._tell = tell
        self._waiting = bytearray()
        self._count = 0

    def write(self, data: bytes) -> None:
        self._waiting += data
        while (need := self._need()) and len(self._waiting) >= need:
            key, offset, _length = RECORD.unpack_from(self._waiting)
            content = bytes(memoryview(self._waiting)[RECORD.size : need])
            del self._waiting[:need]
            self._count += 1
            if self._count > PIECES_MAX:
                raise Malformed("too many pieces")
            self._tell(UUID(bytes=key), offset, content)

    def close(self) -> None:
        if self._waiting:
            raise Malformed("ends within a piece")

    def _need(self) -> int:
        """How many bytes the next record has, 0 while that is not known."""
        if len(self._waiting) < RECORD.size:
            return 0
        _key, offset, length = RECORD.unpack_from(self._waiting)
        if not 1 <= length <= PIECE_MAX or offset + length > settings.FILE_BYTES_MAX:
            raise Malformed("a piece of impossible size")
        return int(RECORD.size + length)


def header_read(line: bytes) -> Header:
    """Raises Malformed."""
    try:
        given: dict[str, Any] = strict.parse(line)
    except Rejected:
        raise Malformed("header") from None
    errors = Errors()
    kind, part, parts = given.get("kind"), given.get("part"), given.get("parts")
    header = Header(
        kind=translate.text(given, "kind", errors, 10, required=True),
        observer=translate.text(given, "observer", errors, 40, required=True),
        token=translate.text(given, "token", errors, 200, required=True),
        made_at=translate.moment(given, "made_at", errors),
        part=part if type(part) is int else 0,
        parts=parts if type(parts) is int else 0,
    )
    if (
        errors.found
        or given.get("format") != FORMAT
        or given.get("version") != VERSION
        or kind not in RelayFile.Kind.values
        or not 1 <= header.part <= header.parts <= PARTS_MAX
    ):
        raise Malformed("header")
    return header
