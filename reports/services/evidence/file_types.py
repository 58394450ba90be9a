"""Detection of a file's type without decoding it.

It reads the first bytes and the block structure. The work is bounded, because files may be hostile: the first
kilobyte, one pass over a picture's blocks, and the last 64 kB.
"""

import mmap
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 1024
MAX_JPEG_SCANS = 64  # real progressive JPEGs have about ten; decoding each costs a pass over the whole picture
MAX_BLOCKS = 100_000
PICTURE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"fLaC", "audio/flac"),
    (b"\x1f\x8b", "application/gzip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x7fELF", "application/x-elf"),
    (b"MZ", "application/x-msdownload"),
    (b"BM", "image/bmp"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
)
_ISO_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
}
_RIFF_TYPES = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_MARKUP = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|\?php)|<\?php", re.IGNORECASE)
_SVG = re.compile(rb"<\s*svg", re.IGNORECASE)

# Media types that name the same kind of bytes. A type that is not listed is a kind of its own.
_TYPES_BY_KIND = {
    "jpeg": "image/jpeg image/jpg image/pjpeg",
    "png": "image/png image/x-png image/apng image/vnd.mozilla.apng",
    "gif": "image/gif",
    "webp": "image/webp",
    "heif": "image/heic image/heif image/heic-sequence image/heif-sequence",
    "avif": "image/avif",
    "tiff": "image/tiff",
    "bmp": "image/bmp image/x-ms-bmp",
    "svg": "image/svg+xml",
    "markup": "text/html application/xhtml+xml text/xml application/xml",
    "pdf": "application/pdf",
    "iso": "video/mp4 audio/mp4 video/quicktime video/3gpp audio/3gpp video/3gpp2 audio/x-m4a audio/m4a video/x-m4v",
    "matroska": "video/webm audio/webm video/x-matroska audio/x-matroska",
    "ogg": "audio/ogg video/ogg application/ogg audio/opus",
    "wave": "audio/wav audio/x-wav audio/wave audio/vnd.wave",
    "avi": "video/x-msvideo video/avi",
    "zip": "application/zip application/x-zip-compressed"
    " application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    " application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    " application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.spreadsheet",
}
_KIND_BY_TYPE = {name: kind for kind, names in _TYPES_BY_KIND.items() for name in names.split()}
_VAGUE_TYPES = ("", "application/octet-stream", "binary/octet-stream", "*/*")
_WILDCARD_PREFIXES = {"image/*": "image/", "video/*": "video/", "audio/*": "audio/"}


@dataclass(frozen=True, slots=True)
class PictureStructure:
    """The block structure of a picture.

    Size in pixels by its header, whether it is animated, and its end in bytes.
    """

    width: int
    height: int
    animated: bool
    end: int


class BrokenPicture(Exception):
    """A picture whose blocks cannot be followed to their end."""


def detect_media_type(path: Path) -> str:
    """The media type of a file's bytes; `application/octet-stream` where they are unknown."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12], "video/quicktime" if head[8:12] == b"qt  " else "video/mp4")
    if head[:4] == b"RIFF":
        return _RIFF_TYPES.get(head[8:12], "application/octet-stream")
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if _MARKUP.search(head):
        return "image/svg+xml" if _SVG.search(head) else "text/html"
    return "application/octet-stream"


def contradicts_announced_type(announced: str, detected: str) -> bool:
    """Whether the detected type is not the announced one.

    A vague announcement is never contradicted.
    """
    announced = announced.split(";")[0].strip().lower()
    if announced in _VAGUE_TYPES:
        return False
    if announced in _WILDCARD_PREFIXES:
        return not detected.startswith(_WILDCARD_PREFIXES[announced])
    if detected == "application/octet-stream":
        return announced in _KIND_BY_TYPE  # a file of such a type would have been detected
    if detected == "application/zip" and announced.startswith("application/") and announced not in _KIND_BY_TYPE:
        return False  # many document formats are ZIP archives
    return _KIND_BY_TYPE.get(announced, announced) != _KIND_BY_TYPE.get(detected, detected)


def hides_other_file(path: Path, end: int) -> bool:
    """Whether a picture is also a file of another kind.

    `end`: the byte at which the picture ends. Phones append data of their own: a second JPEG (depth,
    brightness), a short film, padding, a trailer of settings. These are allowed. Anything else after the end
    counts as another file.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, 2)
        file.seek(end)
        after_end = file.read(16)
        file.seek(max(end, size - 65_557))
        tail = file.read()
    if b"%PDF-" in head or _MARKUP.search(head) or zipfile.is_zipfile(path):
        return True
    if not tail.strip(b"\0\r\n "):
        return False
    if _MARKUP.search(tail) or b"PK\x05\x06" in tail or b"%PDF-" in tail:
        return True
    return not (
        after_end.startswith(b"\xff\xd8\xff") or after_end[4:8] == b"ftyp" or tail.rstrip(b"\0").endswith(b"SEFT")
    )


def read_picture_structure(path: Path, media_type: str) -> PictureStructure:
    """Reads the block structure of a picture.

    `media_type` is one of PICTURE_TYPES. Raises BrokenPicture.
    """
    read = {"image/jpeg": _read_jpeg, "image/png": _read_png, "image/gif": _read_gif, "image/webp": _read_webp}[
        media_type
    ]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            structure = read(data)
        except (IndexError, struct.error) as error:
            raise BrokenPicture("it breaks off") from error
        if structure.width < 1 or structure.height < 1 or structure.end > len(data):
            raise BrokenPicture("it breaks off")
        return structure


_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


def _read_jpeg(data: mmap.mmap) -> PictureStructure:
    position, width, height, scans = 2, 0, 0, 0
    for _block in range(MAX_BLOCKS):
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            raise BrokenPicture("no end of image")
        marker, position = data[found.end() - 1], found.end()
        if marker == 0xD9:
            return PictureStructure(width, height, False, position)
        if marker == 0x01:
            continue
        (length,) = struct.unpack(">H", data[position : position + 2])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 3 : position + 7])
        scans += marker == 0xDA
        if scans > MAX_JPEG_SCANS:
            raise BrokenPicture("too many scans")
        position += length
    raise BrokenPicture("too many blocks")


def _read_png(data: mmap.mmap) -> PictureStructure:
    width, height = struct.unpack(">II", data[16:24])
    position, animated = 8, False
    for _block in range(MAX_BLOCKS):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind = data[position + 4 : position + 8]
        position += 12 + length
        animated = animated or kind == b"acTL"
        if kind == b"IEND":
            return PictureStructure(width, height, animated, position)
        if position >= len(data):
            break
    raise BrokenPicture("no end of image")


def _read_gif(data: mmap.mmap) -> PictureStructure:
    width, height, flags = struct.unpack("<HHB", data[6:11])
    position, frames = 13 + _get_palette_bytes(flags), 0
    for _block in range(MAX_BLOCKS):
        kind = data[position]
        if kind == 0x3B:
            return PictureStructure(width, height, frames > 1, position + 1)
        if kind == 0x21:
            position += 2
        elif kind == 0x2C:
            frames += 1
            left, top, frame_width, frame_height, flags = struct.unpack("<HHHHB", data[position + 1 : position + 10])
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            position += 11 + _get_palette_bytes(flags)
        else:
            raise BrokenPicture("unknown block")
        while data[position]:
            position += 1 + data[position]
        position += 1
    raise BrokenPicture("too many blocks")


def _get_palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _read_webp(data: mmap.mmap) -> PictureStructure:
    (length,) = struct.unpack("<I", data[4:8])
    kind, body = data[12:16], data[20:30]
    animated = False
    if kind == b"VP8X":
        animated = bool(body[0] & 2)
        width = int.from_bytes(body[4:7], "little") + 1
        height = int.from_bytes(body[7:10], "little") + 1
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", body[6:10]))
    else:
        raise BrokenPicture("unknown block")
    return PictureStructure(width, height, animated, 8 + length + (length & 1))
