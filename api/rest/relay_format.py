"""The content of a decrypted relay file: header, then reports or pieces.

`docs/relay.md` is the format. The readers are given bytes as they are decrypted, in chunks of any size, and hold at
most one report or one piece.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from api.rest import json_fields, strict_json
from reports.models import RelayFile
from reports.problems import Errors, Rejected

FORMAT, VERSION = "baqylau-relay", 1
MAX_HEADER_BYTES = 8_192  # of the first line
MAX_REPORTS = 20_000  # in one file
MAX_PIECES = 20_000
MAX_PIECE_BYTES = 1_048_576
MAX_PARTS = 100_000
RECORD = struct.Struct(">16sQI")  # evidence id, offset, length; big-endian

ReportHandler = Callable[[bytes | None], None]  # one report's body; None for one that is too long
PieceHandler = Callable[[UUID, int, bytes], None]


class Malformed(Exception):
    """The content is not in the format."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Whose file it is, and which part of how many.
    """

    kind: str
    observer: str
    token: str
    made_at: datetime | None
    part: int
    parts: int


class BodyReader(Protocol):
    """What reads the bytes after the header."""

    def write(self, data: bytes, /) -> None: ...

    def close(self) -> None:
        """Ends the content. Raises Malformed where it ends too early."""


class RelayFileReader:
    """Reads the whole content.

    Calls `on_header` with the header, which returns the reader of the rest.
    """

    def __init__(self, on_header: Callable[[Header], BodyReader]) -> None:
        self._on_header = on_header
        self._buffer = bytearray()
        self._body: BodyReader | None = None

    def write(self, data: bytes) -> int:
        if self._body is not None:
            self._body.write(data)
            return len(data)
        self._buffer += data
        line, newline, rest = self._buffer.partition(b"\n")
        if len(line) > MAX_HEADER_BYTES:
            raise Malformed("header")
        if newline:
            self._body = self._on_header(parse_header(bytes(line)))
            self._buffer.clear()
            self._body.write(bytes(rest))
        return len(data)

    def flush(self) -> None:
        return None

    def close(self) -> None:
        if self._body is None:
            raise Malformed("header")
        self._body.close()


def make_body_reader(header: Header, *, on_report: ReportHandler, on_piece: PieceHandler) -> BodyReader:
    return ReportsReader(on_report) if header.kind == RelayFile.Kind.REPORTS else PiecesReader(on_piece)


class ReportsReader:
    """Reads reports: one JSON body a line, exactly as `POST /reports` takes it.

    Empty lines are skipped. Calls `on_report` with each body, with None for one that is too long.
    """

    def __init__(self, on_report: ReportHandler) -> None:
        self._handle = on_report
        self._buffer = bytearray()
        self._is_skipping = False  # the rest of a line that is too long
        self._count = 0

    def write(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for part in lines:
            self._add(part)
            self._end_line()
        self._add(rest)

    def close(self) -> None:
        self._end_line()

    def _add(self, data: bytes) -> None:
        if self._is_skipping:
            return
        self._buffer += data
        if len(self._buffer) > settings.REPORT_BYTES_MAX + 1:  # a carriage return may follow
            self._buffer.clear()
            self._is_skipping = True

    def _end_line(self) -> None:
        body = bytes(self._buffer).strip()
        skipped, self._is_skipping = self._is_skipping, False
        self._buffer.clear()
        if body or skipped:
            self._count += 1
            if self._count > MAX_REPORTS:
                raise Malformed("too many reports")
            self._handle(None if skipped else body)


class PiecesReader:
    """Reads pieces of files: each is a record, then its bytes.

    A record has evidence id, offset and length. Calls `on_piece` with id, offset and bytes.
    """

    def __init__(self, on_piece: PieceHandler) -> None:
        self._handle = on_piece
        self._buffer = bytearray()
        self._count = 0

    def write(self, data: bytes) -> None:
        self._buffer += data
        while (record_size := self._get_record_size()) and len(self._buffer) >= record_size:
            key, offset, _length = RECORD.unpack_from(self._buffer)
            content = bytes(memoryview(self._buffer)[RECORD.size : record_size])
            del self._buffer[:record_size]
            self._count += 1
            if self._count > MAX_PIECES:
                raise Malformed("too many pieces")
            self._handle(UUID(bytes=key), offset, content)

    def close(self) -> None:
        if self._buffer:
            raise Malformed("ends within a piece")

    def _get_record_size(self) -> int:
        """Returns the bytes of the next record with its content.

        0 while that is not known.
        """
        if len(self._buffer) < RECORD.size:
            return 0
        _key, offset, length = RECORD.unpack_from(self._buffer)
        if not 1 <= length <= MAX_PIECE_BYTES or offset + length > settings.FILE_BYTES_MAX:
            raise Malformed("a piece of impossible size")
        return int(RECORD.size + length)


def parse_header(line: bytes) -> Header:
    """Parses the first line. Raises Malformed."""
    try:
        given: dict[str, Any] = strict_json.parse_object(line)
    except Rejected:
        raise Malformed("header") from None
    errors = Errors()
    kind, part, parts = given.get("kind"), given.get("part"), given.get("parts")
    header = Header(
        kind=json_fields.read_text(given, "kind", errors, 10, required=True),
        observer=json_fields.read_text(given, "observer", errors, 40, required=True),
        token=json_fields.read_text(given, "token", errors, 200, required=True),
        made_at=json_fields.read_time(given, "made_at", errors),
        part=part if type(part) is int else 0,
        parts=parts if type(parts) is int else 0,
    )
    if (
        errors.field_errors
        or given.get("format") != FORMAT
        or given.get("version") != VERSION
        or kind not in RelayFile.Kind.values
        or not 1 <= header.part <= header.parts <= MAX_PARTS
    ):
        raise Malformed("header")
    return header
