"""Examination of a file: its type, metadata and public copies.

The copies hold nothing but the picture. Pure: it takes a path and returns findings, without rows or settings.
The block structure is checked first (`file_types`), so that no decoder is given a decompression bomb. The
sealed original is only read.
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
COPY_SIDE_PIXELS, THUMBNAIL_SIDE_PIXELS = 1600, 320  # of the longer side
JPEG_QUALITY = 82
MAX_VALUE_CHARACTERS, MAX_XMP_CHARACTERS, MAX_TAGS = 500, 16_000, 300  # of the metadata that are kept
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True, slots=True)
class CaptureDetails:
    """When and where a picture was taken, by its metadata.

    `taken_at` is in UTC where `has_zone`; else it is a naive local time of an unknown zone. Degrees (WGS 84).
    """

    taken_at: datetime | None = None
    has_zone: bool = False
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of examining a file.

    `flag` is empty for a picture that can be shown; then `copy` and `thumbnail` are JPEG files.
    """

    media_type: str
    flag: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    capture: CaptureDetails = CaptureDetails()
    copy: bytes = b""
    thumbnail: bytes = b""


def examine_file(path: Path, *, announced: str, max_pixels: int) -> Findings:
    """Examines one file.

    Its content raises nothing; OSError where it cannot be opened.
    """
    media_type = file_types.detect_media_type(path)
    if path.stat().st_size == 0 or file_types.contradicts_announced_type(announced, media_type):
        return Findings(media_type, UNREADABLE)
    if media_type not in file_types.PICTURE_TYPES:
        return Findings(media_type, NO_PREVIEW)
    try:
        structure = file_types.read_picture_structure(path, media_type)
    except file_types.BrokenPicture:
        return Findings(media_type, UNREADABLE)
    if structure.width * structure.height > max_pixels or file_types.hides_other_file(path, structure.end):
        return Findings(media_type, UNREADABLE, {"width": structure.width, "height": structure.height})
    try:
        return _decode_picture(path, media_type, animated=structure.animated, max_pixels=max_pixels)
    except Exception:  # decoders raise exceptions of any kind on hostile bytes
        return Findings(media_type, UNREADABLE, {"width": structure.width, "height": structure.height})


def _decode_picture(path: Path, media_type: str, *, animated: bool, max_pixels: int) -> Findings:
    Image.MAX_IMAGE_PIXELS = max_pixels  # Pillow's own limit is lower and only warns
    with Image.open(path, formats=_FORMATS) as picture:
        if picture.width * picture.height > max_pixels:
            return Findings(media_type, UNREADABLE)
        metadata, capture = _read_metadata(picture)
        if animated:
            return Findings(media_type, NO_PREVIEW, metadata, capture)  # one frame does not show the whole picture
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
        icc_profile = picture.info.get("icc_profile")
        # For JPEG only: decodes at half the size or less where that is still large enough.
        picture.draft(None, (COPY_SIDE_PIXELS, COPY_SIDE_PIXELS))
        picture.load()
        plain = _convert_to_resizable_mode(picture)
        plain.thumbnail((COPY_SIDE_PIXELS, COPY_SIDE_PIXELS), Image.Resampling.LANCZOS, reducing_gap=2.0)
        plain = _rotate_upright(_convert_to_srgb(plain, icc_profile), orientation)
    copy = _encode_bare_jpeg(plain)
    plain.thumbnail((THUMBNAIL_SIDE_PIXELS, THUMBNAIL_SIDE_PIXELS), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return Findings(media_type, "", metadata, capture, copy, _encode_bare_jpeg(plain))


def _convert_to_resizable_mode(picture: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized.

    L, LA, RGB, RGBA or CMYK.
    """
    if picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return picture.copy()
    if picture.mode.startswith("I"):  # 16 bits per pixel
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode == "1":
        return picture.convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _convert_to_srgb(picture: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """The picture in RGB with sRGB colours.

    What was transparent is on white.
    """
    if picture.mode in ("LA", "RGBA"):
        alpha = picture.getchannel("A")
        base = _convert_to_srgb(picture.convert("RGB" if picture.mode == "RGBA" else "L"), icc_profile)
        white = Image.new("RGB", base.size, "white")
        white.paste(base, mask=alpha)
        return white
    if icc_profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
            converted = ImageCms.profileToProfile(picture, source, _SRGB_PROFILE, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that is broken or for another mode is ignored
    return picture.convert("RGB")


def _rotate_upright(picture: Image.Image, orientation: object) -> Image.Image:
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    if orientation in range(2, 9):
        bare.getexif()[ExifTags.Base.Orientation] = orientation
        bare = ImageOps.exif_transpose(bare)
    return bare


def _encode_bare_jpeg(picture: Image.Image) -> bytes:
    """Encodes the pixels alone as JPEG.

    A new image has no comment, profile or metadata to copy.
    """
    bare = Image.frombytes("RGB", picture.size, picture.tobytes())
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return out.getvalue()


# ── metadata ────────────────────────────────────────────────────────────────────────────────
def _read_metadata(picture: Image.Image) -> tuple[dict[str, Any], CaptureDetails]:
    """The file's metadata, and when and where it was taken.

    The metadata are bounded and safe for JSON.
    """
    exif = picture.getexif()
    tags_by_part: dict[str, Mapping[int, Any]] = {
        "exif": {**exif, **exif.get_ifd(ExifTags.IFD.Exif)},
        "gps": exif.get_ifd(ExifTags.IFD.GPSInfo),
    }
    kept: dict[str, Any] = {"format": picture.format, "width": picture.width, "height": picture.height}
    for part, names in (("exif", ExifTags.TAGS), ("gps", ExifTags.GPSTAGS)):
        if tags_by_part[part]:
            kept[part] = dict(_sanitize_tags(tags_by_part[part], names))
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    if xmp:
        kept["xmp"] = _sanitize_value(xmp, MAX_XMP_CHARACTERS)
    texts = {k: v for k, v in picture.info.items() if isinstance(v, (str, bytes)) and k not in _BINARY_KEYS}
    if texts:
        kept["text"] = {_sanitize_value(k): _sanitize_value(v) for k, v in list(texts.items())[:MAX_TAGS]}
    taken_at, has_zone = _read_taken_at(tags_by_part["exif"])
    lat, lon = _read_location(tags_by_part["gps"])
    return kept, CaptureDetails(taken_at, has_zone, lat, lon)


_BINARY_KEYS = ("icc_profile", "exif", "xmp", "XML:com.adobe.xmp", "photoshop", "mp", "extension", "version")
_IFD_TAGS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.MakerNote, ExifTags.IFD.Interop)


def _sanitize_tags(tags: Mapping[int, Any], names: Mapping[int, str]) -> Iterator[tuple[str, Any]]:
    for tag, value in list(tags.items())[:MAX_TAGS]:
        if tag not in _IFD_TAGS:
            yield names.get(tag, f"{tag:#06x}"), _sanitize_value(value)


def _sanitize_value(value: Any, max_characters: int = MAX_VALUE_CHARACTERS) -> Any:
    """`value` as JSON that both databases can store.

    Without NUL, lone surrogates or infinity, and bounded.
    """
    if isinstance(value, bool | int) and abs(value) < 2**63:
        return value
    if isinstance(value, bytes):
        value = value[: max_characters * 4].decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [_sanitize_value(one, 100) for one in value[:20]]
    if not isinstance(value, str):
        number = _parse_number(value)
        return number if number is not None else _sanitize_value(str(value), max_characters)
    clean = value[:max_characters].encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in clean)


def _parse_number(value: Any) -> float | None:
    """A finite float, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _read_taken_at(exif: Mapping[int, Any]) -> tuple[datetime | None, bool]:
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


def _read_location(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    lat = _parse_degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    lon = _parse_degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180 or (lat == 0 and lon == 0):
        return None, None  # cameras without a GPS fix write zeros
    return lat, lon


def _parse_degrees(parts: Any, reference: Any, negative: str) -> float | None:
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    numbers = [_parse_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None
    degrees, minutes, seconds = (number or 0.0 for number in numbers)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(reference or "").strip(" \0").upper() == negative else value
