"""What a file's bytes are, read from its first bytes and its outer structure. Decodes nothing.

Everything here is bounded: a few kilobytes from the front, one pass over a picture's blocks, the
last 64 kB. Hostile files are the normal case.
"""

import mmap
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

HEAD = 1024
SCANS_MAX = 64  # of one progressive JPEG; real ones have about ten, each costs a whole pass
BLOCKS_MAX = 100_000
PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")

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
_BRANDS = {
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
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_MARKUP = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|\?php)|<\?php", re.IGNORECASE)
_SVG = re.compile(rb"<\s*svg", re.IGNORECASE)

# Names of one and the same kind of bytes. A type that is not listed is its own kind.
_KINDS = {
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
_KIND = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_ANYTHING = ("", "application/octet-stream", "binary/octet-stream", "*/*")
_KIND_ONLY = {"image/*": "image/", "video/*": "video/", "audio/*": "audio/"}


@dataclass(frozen=True, slots=True)
class Outer:
    """The outer structure of a picture: pixels as its header says, whether it moves, where it ends."""

    width: int
    height: int
    animated: bool
    end: int


class Broken(Exception):
    """A picture whose outer structure cannot be followed to its end."""


def media_type(path: Path) -> str:
    """The media type the bytes have; `application/octet-stream` where nothing is known of them."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/quicktime" if head[8:12] == b"qt  " else "video/mp4")
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "application/octet-stream")
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if _MARKUP.search(head):
        return "image/svg+xml" if _SVG.search(head) else "text/html"
    return "application/octet-stream"


def contradicts(announced: str, found: str) -> bool:
    """True where the file is not what it was said to be; a vague announcement contradicts nothing."""
    announced = announced.split(";")[0].strip().lower()
    if announced in _ANYTHING:
        return False
    if announced in _KIND_ONLY:
        return not found.startswith(_KIND_ONLY[announced])
    if found == "application/octet-stream":
        return announced in _KIND  # its first bytes would have told
    if found == "application/zip" and announced.startswith("application/") and announced not in _KIND:
        return False  # many kinds of documents are ZIP inside
    return _KIND.get(announced, announced) != _KIND.get(found, found)


def hides_another(path: Path, end: int) -> bool:
    """True where a picture that ends at byte `end` is another kind of file as well.

    Phones append things of their own: a second JPEG (depth, brightness), a short film, padding,
    a trailer of settings. Those are no disguise; anything else behind the end is.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        size = file.seek(0, 2)
        file.seek(end)
        behind = file.read(16)
        file.seek(max(end, size - 65_557))
        tail = file.read()
    if b"%PDF-" in head or _MARKUP.search(head) or zipfile.is_zipfile(path):
        return True
    if not tail.strip(b"\0\r\n "):
        return False
    if _MARKUP.search(tail) or b"PK\x05\x06" in tail or b"%PDF-" in tail:
        return True
    return not (behind.startswith(b"\xff\xd8\xff") or behind[4:8] == b"ftyp" or tail.rstrip(b"\0").endswith(b"SEFT"))


def outer(path: Path, found: str) -> Outer:
    """Follows a picture of one of PICTURES block by block to its end. Raises Broken."""
    walk = {"image/jpeg": _jpeg, "image/png": _png, "image/gif": _gif, "image/webp": _webp}[found]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            shape = walk(data)
        except (IndexError, struct.error) as error:
            raise Broken("it breaks off") from error
        if shape.width < 1 or shape.height < 1 or shape.end > len(data):
            raise Broken("it breaks off")
        return shape


_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


def _jpeg(data: mmap.mmap) -> Outer:
    now, width, height, scans = 2, 0, 0, 0
    for _block in range(BLOCKS_MAX):
        found = _MARKER.search(data, now)
        if found is None:
            raise Broken("no end of image")
        marker, now = data[found.end() - 1], found.end()
        if marker == 0xD9:
            return Outer(width, height, False, now)
        if marker == 0x01:
            continue
        (length,) = struct.unpack(">H", data[now : now + 2])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[now + 3 : now + 7])
        scans += marker == 0xDA
        if scans > SCANS_MAX:
            raise Broken("too many scans")
        now += length
    raise Broken("too many blocks")


def _png(data: mmap.mmap) -> Outer:
    width, height = struct.unpack(">II", data[16:24])
    now, animated = 8, False
    for _block in range(BLOCKS_MAX):
        (length,) = struct.unpack(">I", data[now : now + 4])
        kind = data[now + 4 : now + 8]
        now += 12 + length
        animated = animated or kind == b"acTL"
        if kind == b"IEND":
            return Outer(width, height, animated, now)
        if now >= len(data):
            break
    raise Broken("no end of image")


def _gif(data: mmap.mmap) -> Outer:
    width, height, packed = struct.unpack("<HHB", data[6:11])
    now, frames = 13 + _palette(packed), 0
    for _block in range(BLOCKS_MAX):
        kind = data[now]
        if kind == 0x3B:
            return Outer(width, height, frames > 1, now + 1)
        if kind == 0x21:
            now += 2
        elif kind == 0x2C:
            frames += 1
            left, top, across, down, packed = struct.unpack("<HHHHB", data[now + 1 : now + 10])
            width, height = max(width, left + across), max(height, top + down)
            now += 11 + _palette(packed)
        else:
            raise Broken("unknown block")
        while data[now]:
            now += 1 + data[now]
        now += 1
    raise Broken("too many blocks")


def _palette(packed: int) -> int:
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _webp(data: mmap.mmap) -> Outer:
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
        raise Broken("unknown block")
    return Outer(width, height, animated, 8 + length + (length & 1))
