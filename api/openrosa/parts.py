"""The body of a submission, multipart/form-data, taken apart while it comes.

The XML's part waits in memory, within the size of a report; every other part that has a file name
becomes a spool, which keeps half a megabyte in memory at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import multipart
from django.conf import settings
from django.utils.translation import gettext as _

from reports.problems import Rejected
from reports.services.evidence.uploads import pieces
from reports.services.evidence.whole_uploads import Spool

XML_PART = "xml_submission_file"
PARTS_MAX = 200
FIELD_MAX = 4_096  # bytes of a part that is neither the XML nor a file
NAME_MAX = 200


@dataclass
class XmlPart:
    body: bytes


@dataclass
class FilePart:
    """A whole file. The name is an identity and never a path."""

    name: str
    type: str
    spool: Spool


def parts_read(stream: BinaryIO, content_type: str, most: int) -> Iterator[XmlPart | FilePart]:
    """The parts in their order, each when it is whole; a file's spool is the caller's.

    Raises Rejected: `unsupported_media_type`, `malformed` where this is no multipart or ends early,
    `too_large`, `low_disk`. What was given out before stands.
    """
    kind, options = multipart.parse_options_header(content_type)
    if kind.lower() != "multipart/form-data" or not options.get("boundary"):
        raise Rejected("unsupported_media_type", _("Send multipart/form-data."))
    try:
        with multipart.PushMultipartParser(options["boundary"], max_segment_count=PARTS_MAX) as parser:
            yield from _events(parser, stream, most)
    except multipart.ParserLimitReached:
        raise Rejected("too_large", _("Too many parts, or too long a header.")) from None
    except multipart.MultipartError:
        raise Rejected(
            "malformed", _("The body ended early or is damaged. What came whole is kept; send it again.")
        ) from None


def _events(parser: multipart.PushMultipartParser, stream: BinaryIO, most: int) -> Iterator[XmlPart | FilePart]:
    taker: _Xml | _File | _Field | None = None
    try:
        for piece in pieces(stream, most):
            for event in parser.parse(piece):
                if isinstance(event, multipart.MultipartSegment):
                    taker = _taker(event)
                elif event is not None and taker is not None:
                    taker.take(event)
                elif taker is not None:
                    done, taker = taker.done(), None
                    if done is not None:
                        yield done
    finally:
        if isinstance(taker, _File):
            taker.spool.discard()


class _Xml:
    def __init__(self) -> None:
        self.body = bytearray()

    def take(self, data: bytes) -> None:
        self.body += data
        if len(self.body) > settings.REPORT_BYTES_MAX:
            raise Rejected("too_large", _("At most %(most)d bytes a report.") % {"most": settings.REPORT_BYTES_MAX})

    def done(self) -> XmlPart:
        return XmlPart(bytes(self.body))


class _File:
    def __init__(self, name: str, type_: str) -> None:
        self.name, self.type = name, type_
        self.spool = Spool()

    def take(self, data: bytes) -> None:
        self.spool.write(data)

    def done(self) -> FilePart:
        return FilePart(self.name, self.type, self.spool)


class _Field:
    """`*isIncomplete*`, or whatever else a client adds: nothing hangs on it, for the XML says which files belong to it."""

    size = 0

    def take(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > FIELD_MAX:
            raise Rejected("too_large", _("At most %(most)d bytes are taken here.") % {"most": FIELD_MAX})

    def done(self) -> None:
        return None


def _taker(segment: multipart.MultipartSegment) -> _Xml | _File | _Field:
    if segment.name == XML_PART:
        return _Xml()
    if not segment.filename:
        return _Field()
    if len(segment.filename) > NAME_MAX:
        raise Rejected("too_large", _("A file's name has at most %(most)d characters.") % {"most": NAME_MAX})
    return _File(segment.filename, segment.content_type or "")
