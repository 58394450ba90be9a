"""Files for tests: pictures that phones might send, and rows that await them."""

import hashlib
import io
from typing import Any
from uuid import uuid4

import piexif
from PIL import Image, PngImagePlugin

from reports.models import Evidence
from reports.services.evidence.processing import evidence_process_due
from reports.services.evidence.uploads import upload_append
from tests.support.door import stored
from tests.support.world import DAY, Phone, payload

SECRETS = (b"SN-4711-SECRET", b"a comment by Name", b"xmp-secret", b"Make-Secret", b"JFXX-SECRET")
XMP = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf>xmp-secret</rdf></x:xmpmeta><?xpacket end="w"?>'


def awaited(phone: Phone, content: bytes, *, report: dict[str, Any] | None = None, **announced: Any) -> Evidence:
    """An announced file of a stored report; `announced` replaces what the phone says of it."""
    one = {
        "id": str(uuid4()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "type": "image/jpeg",
        "publishable": True,
    } | announced
    body = payload(**(report or {}), evidence=[one])
    stored(phone, body)
    return Evidence.objects.get(uuid=one["id"])


def picture(width: int = 640, height: int = 480) -> Image.Image:
    """Different in every corner, so that a turned copy is seen."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste((255, 0, 0), (0, 0, width // 4, height // 4))
    return image


def jpeg(
    width: int = 640,
    height: int = 480,
    *,
    place: tuple[float, float] | None = None,
    taken: str = "",
    offset: str = "",
    orientation: int = 1,
    secrets: bool = False,
    **save: Any,
) -> bytes:
    """A JPEG with the metadata asked for; `secrets` puts SECRETS wherever metadata can lie."""
    zeroth: dict[int, Any] = {piexif.ImageIFD.Orientation: orientation}
    exif: dict[int, Any] = {}
    gps: dict[int, Any] = {}
    more: dict[str, Any] = {}
    if place:
        for value, key, reference, letters in (
            (place[0], piexif.GPSIFD.GPSLatitude, piexif.GPSIFD.GPSLatitudeRef, "NS"),
            (place[1], piexif.GPSIFD.GPSLongitude, piexif.GPSIFD.GPSLongitudeRef, "EW"),
        ):
            gps[key] = ((int(abs(value) * 1_000_000), 1_000_000), (0, 1), (0, 1))
            gps[reference] = letters[value < 0]
    if taken:
        exif[piexif.ExifIFD.DateTimeOriginal] = taken
    if offset:
        exif[piexif.ExifIFD.OffsetTimeOriginal] = offset
    if secrets:
        zeroth[piexif.ImageIFD.Make] = "Make-Secret"
        exif[piexif.ExifIFD.BodySerialNumber] = "SN-4711-SECRET"
        thumbnail = io.BytesIO()
        picture(160, 120).save(thumbnail, "JPEG", comment=b"JFXX-SECRET")
        more = {"1st": {}, "thumbnail": thumbnail.getvalue()}
        save |= {"comment": b"a comment by Name", "xmp": XMP}
    out = io.BytesIO()
    described = piexif.dump({"0th": zeroth, "Exif": exif, "GPS": gps, **more})
    picture(width, height).save(out, "JPEG", exif=described, **save)
    return out.getvalue()


def png(width: int = 64, height: int = 48, text: str = "") -> bytes:
    info = PngImagePlugin.PngInfo()
    if text:
        info.add_text("Author", text)
    return _saved("PNG", width, height, pnginfo=info)


def _saved(form: str, width: int, height: int, **options: Any) -> bytes:
    out = io.BytesIO()
    picture(width, height).save(out, form, **options)
    return out.getvalue()


def webp(width: int = 64, height: int = 48) -> bytes:
    return _saved("WEBP", width, height)


def gif(width: int = 64, height: int = 48, frames: int = 1) -> bytes:
    more = [Image.new("RGB", (width, height), (40 * n, 0, 0)) for n in range(1, frames)]
    options: dict[str, Any] = {"save_all": True, "append_images": more} if more else {}
    return _saved("GIF", width, height, **options)


def uploaded(phone, content, **announced):
    row = awaited(phone, content, **announced)
    upload_append(evidence=row, offset=0, stream=io.BytesIO(content), length=len(content), now=DAY)
    return Evidence.objects.get(pk=row.pk)


def processed(phone, content, **announced):
    row = uploaded(phone, content, **announced)
    assert evidence_process_due(now=DAY) == 1
    return Evidence.objects.get(pk=row.pk)


def public(settings, name):
    return (settings.PUBLIC_DIR / name).read_bytes()
