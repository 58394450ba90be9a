"""Reads the multipart/form-data body of a submission as a stream.

The XML part is held in memory, up to the size of a report. Every other part with a file name becomes a spool, which
keeps half a megabyte in memory at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import multipart
from django.conf import settings
from django.utils.translation import gettext as _

from reports.problems import Rejected
from reports.services.evidence.uploads import read_chunks
from reports.services.evidence.whole_uploads import Spool

XML_PART = "xml_submission_file"
MAX_PARTS = 200
MAX_FIELD_BYTES = 4_096  # of a part that is neither the XML nor a file
MAX_NAME_LENGTH = 200


@dataclass
class XmlPart:
    """The XML of the filled form."""

    body: bytes


@dataclass
class FilePart:
    """A complete file.

    Its name identifies it and is never used as a path.
    """

    name: str
    type: str
    spool: Spool


def read_parts(stream: BinaryIO, content_type: str, max_bytes: int) -> Iterator[XmlPart | FilePart]:
    """Yields each part in order, when it is complete.

    The caller owns the spool of a file. Reads at most `max_bytes`. Raises Rejected: `unsupported_media_type`,
    `malformed` where this is no multipart body or it ends early, `too_large`, `low_disk`. Parts that were yielded
    before stay valid.
    """
    media_type, options = multipart.parse_options_header(content_type)
    if media_type.lower() != "multipart/form-data" or not options.get("boundary"):
        raise Rejected("unsupported_media_type", _("Send multipart/form-data."))
    try:
        with multipart.PushMultipartParser(options["boundary"], max_segment_count=MAX_PARTS) as parser:
            yield from _parse_parts(parser, stream, max_bytes)
    except multipart.ParserLimitReached:
        raise Rejected("too_large", _("Too many parts, or too long a header.")) from None
    except multipart.MultipartError:
        raise Rejected(
            "malformed", _("The body ended early or is damaged. What came whole is kept; send it again.")
        ) from None


def _parse_parts(
    parser: multipart.PushMultipartParser, stream: BinaryIO, max_bytes: int
) -> Iterator[XmlPart | FilePart]:
    collector: _XmlCollector | _FileCollector | _FieldCollector | None = None
    try:
        for chunk in read_chunks(stream, max_bytes):
            for event in parser.parse(chunk):
                if isinstance(event, multipart.MultipartSegment):
                    collector = _make_collector(event)
                elif event is not None and collector is not None:
                    collector.write(event)
                elif collector is not None:
                    part, collector = collector.finish(), None
                    if part is not None:
                        yield part
    finally:
        if isinstance(collector, _FileCollector):
            collector.spool.discard()


class _XmlCollector:
    def __init__(self) -> None:
        self.body = bytearray()

    def write(self, data: bytes) -> None:
        self.body += data
        if len(self.body) > settings.REPORT_BYTES_MAX:
            raise Rejected("too_large", _("At most %(most)d bytes a report.") % {"most": settings.REPORT_BYTES_MAX})

    def finish(self) -> XmlPart:
        return XmlPart(bytes(self.body))


class _FileCollector:
    def __init__(self, name: str, type_: str) -> None:
        self.name, self.type = name, type_
        self.spool = Spool()

    def write(self, data: bytes) -> None:
        self.spool.write(data)

    def finish(self) -> FilePart:
        return FilePart(self.name, self.type, self.spool)


class _FieldCollector:
    """Any other part, such as `*isIncomplete*`: read and ignored.

    The XML says which files belong to the submission, so no other field is needed.
    """

    size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > MAX_FIELD_BYTES:
            raise Rejected("too_large", _("At most %(most)d bytes are taken here.") % {"most": MAX_FIELD_BYTES})

    def finish(self) -> None:
        return None


def _make_collector(segment: multipart.MultipartSegment) -> _XmlCollector | _FileCollector | _FieldCollector:
    if segment.name == XML_PART:
        return _XmlCollector()
    if not segment.filename:
        return _FieldCollector()
    if len(segment.filename) > MAX_NAME_LENGTH:
        raise Rejected("too_large", _("A file's name has at most %(most)d characters.") % {"most": MAX_NAME_LENGTH})
    return _FileCollector(segment.filename, segment.content_type or "")
