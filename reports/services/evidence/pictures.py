"""From a file to what is known of it, and to copies that carry nothing but the picture.

Pure: a path in, findings out; no rows, no settings. A file is first judged by its outer structure
(`containers`), so that a decoder never meets a bomb; the sealed original is only ever read.
"""

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageCms, ImageOps

from reports.services.evidence import file_types

UNREADABLE, NO_PREVIEW = "unreadable", "no_preview"
COPY_SIDE, THUMBNAIL_SIDE = 1600, 320  # pixels on the longer side
QUALITY = 82
VALUE_MAX, XMP_MAX, TAGS_MAX = 500, 16_000, 300  # characters, characters, entries kept of the metadata
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True, slots=True)
class Taken:
    """When and where the camera says: `at` is UTC where `zoned`, else the wall clock of an unknown zone."""

    at: datetime | None = None
    zoned: bool = False
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a file is. `flag` is empty where it is a picture that can be shown, with its two copies."""

    media_type: str
    flag: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    taken: Taken = Taken()
    copy: bytes = b""
    thumbnail: bytes = b""


def examine(path: Path, *, announced: str, pixels_max: int) -> Findings:
    """Looks at one file. Raises nothing because of its content; OSError where it cannot be opened."""
    found = file_types.media_type(path)
    if path.stat().st_size == 0 or file_types.contradicts(announced, found):
        return Findings(found, UNREADABLE)
    if found not in file_types.PICTURES:
        return Findings(found, NO_PREVIEW)
    try:
        outer = file_types.outer(path, found)
    except file_types.Broken:
        return Findings(found, UNREADABLE)
    if outer.width * outer.height > pixels_max or file_types.hides_another(path, outer.end):
        return Findings(found, UNREADABLE, {"width": outer.width, "height": outer.height})
    try:
        return _decode(path, found, animated=outer.animated, pixels_max=pixels_max)
    except Exception:  # decoders raise whatever they like on hostile bytes
        return Findings(found, UNREADABLE, {"width": outer.width, "height": outer.height})


def _decode(path: Path, found: str, *, animated: bool, pixels_max: int) -> Findings:
    Image.MAX_IMAGE_PIXELS = pixels_max  # Pillow's own limit is lower, and only warns
    with Image.open(path, formats=_FORMATS) as picture:
        if picture.width * picture.height > pixels_max:
            return Findings(found, UNREADABLE)
        metadata, taken = _metadata(picture)
        if animated:
            return Findings(found, NO_PREVIEW, metadata, taken)  # one frame would not be the picture
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
        profile = picture.info.get("icc_profile")
        picture.draft(None, (COPY_SIDE, COPY_SIDE))  # JPEG only: decodes at half size or less where that does
        picture.load()
        plain = _plain(picture)
        plain.thumbnail((COPY_SIDE, COPY_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        plain = _upright(_srgb(plain, profile), orientation)
    copy = _bare_jpeg(plain)
    plain.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return Findings(found, "", metadata, taken, copy, _bare_jpeg(plain))


def _plain(picture: Image.Image) -> Image.Image:
    """In a mode that can be resized: L, LA, RGB, RGBA or CMYK."""
    if picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return picture.copy()
    if picture.mode.startswith("I"):  # 16 bits a pixel
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode == "1":
        return picture.convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in the colours of sRGB, what was transparent on white."""
    if picture.mode in ("LA", "RGBA"):
        alpha = picture.getchannel("A")
        base = _srgb(picture.convert("RGB" if picture.mode == "RGBA" else "L"), profile)
        white = Image.new("RGB", base.size, "white")
        white.paste(base, mask=alpha)
        return white
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that is broken or for another mode is as good as none
    return picture.convert("RGB")


def _upright(picture: Image.Image, orientation: object) -> Image.Image:
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    if orientation in range(2, 9):
        bare.getexif()[ExifTags.Base.Orientation] = orientation
        bare = ImageOps.exif_transpose(bare)
    return bare


def _bare_jpeg(picture: Image.Image) -> bytes:
    """JPEG of the pixels alone: a fresh image knows no comment, profile or metadata to pass on."""
    bare = Image.frombytes("RGB", picture.size, picture.tobytes())
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


# ── metadata ────────────────────────────────────────────────────────────────────────────────
def _metadata(picture: Image.Image) -> tuple[dict[str, Any], Taken]:
    """What the file tells about itself, fit for JSON and bounded; and when and where it was taken."""
    exif = picture.getexif()
    parts: dict[str, Mapping[int, Any]] = {
        "exif": {**exif, **exif.get_ifd(ExifTags.IFD.Exif)},
        "gps": exif.get_ifd(ExifTags.IFD.GPSInfo),
    }
    kept: dict[str, Any] = {"format": picture.format, "width": picture.width, "height": picture.height}
    for part, names in (("exif", ExifTags.TAGS), ("gps", ExifTags.GPSTAGS)):
        if parts[part]:
            kept[part] = dict(_safe_items(parts[part], names))
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    if xmp:
        kept["xmp"] = _safe(xmp, XMP_MAX)
    texts = {k: v for k, v in picture.info.items() if isinstance(v, (str, bytes)) and k not in _BINARY}
    if texts:
        kept["text"] = {_safe(k): _safe(v) for k, v in list(texts.items())[:TAGS_MAX]}
    now, zoned = _taken_at(parts["exif"])
    lat, lon = _taken_where(parts["gps"])
    return kept, Taken(now, zoned, lat, lon)


_BINARY = ("icc_profile", "exif", "xmp", "XML:com.adobe.xmp", "photoshop", "mp", "extension", "version")
_IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.MakerNote, ExifTags.IFD.Interop)


def _safe_items(tags: Mapping[int, Any], names: Mapping[int, str]) -> Iterator[tuple[str, Any]]:
    for tag, value in list(tags.items())[:TAGS_MAX]:
        if tag not in _IFDS:
            yield names.get(tag, f"{tag:#06x}"), _safe(value)


def _safe(value: Any, most: int = VALUE_MAX) -> Any:
    """`value` as JSON that both databases hold: no NUL, no lone surrogate, no infinity, not long."""
    if isinstance(value, bool | int) and abs(value) < 2**63:
        return value
    if isinstance(value, bytes):
        value = value[: most * 4].decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [_safe(one, 100) for one in value[:20]]
    if not isinstance(value, str):
        number = _number(value)
        return number if number is not None else _safe(str(value), most)
    clean = value[:most].encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in clean)


def _number(value: Any) -> float | None:
    """A finite float, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _taken_at(exif: Mapping[int, Any]) -> tuple[datetime | None, bool]:
    text = str(exif.get(ExifTags.Base.DateTimeOriginal) or "").strip(" \0")
    offset = str(exif.get(ExifTags.Base.OffsetTimeOriginal) or "").strip(" \0")
    try:
        naive = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None, False
    try:
        return datetime.strptime(f"{text} {offset}", "%Y:%m:%d %H:%M:%S %z").astimezone(UTC), True
    except (ValueError, OverflowError):
        return naive, False


def _taken_where(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    lat = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    lon = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180 or (lat == 0 and lon == 0):
        return None, None  # cameras without a fix write zeros
    return lat, lon


def _degrees(parts: Any, reference: Any, negative: str) -> float | None:
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    numbers = [_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None
    degrees, minutes, seconds = (number or 0.0 for number in numbers)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(reference or "").strip(" \0").upper() == negative else value
