"""Pictures as phones send them, and rows of announced files."""

import hashlib
import io
from typing import Any
from uuid import uuid4

import piexif
from PIL import Image, PngImagePlugin

from reports.models import Evidence
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.evidence.uploads import append_to_upload
from tests.support.intake import store_report
from tests.support.world import DAY, Phone, payload

SECRETS = (b"SN-4711-SECRET", b"a comment by Name", b"xmp-secret", b"Make-Secret", b"JFXX-SECRET")
XMP = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf>xmp-secret</rdf></x:xmpmeta><?xpacket end="w"?>'


def announce_file(phone: Phone, content: bytes, *, report: dict[str, Any] | None = None, **announced: Any) -> Evidence:
    """Stores a report that announces a file; returns its row.

    `announced`: other values for the announcement.
    """
    one = {
        "id": str(uuid4()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "type": "image/jpeg",
        "publishable": True,
    } | announced
    body = payload(**(report or {}), evidence=[one])
    store_report(phone, body)
    return Evidence.objects.get(uuid=one["id"])


def make_picture(width: int = 640, height: int = 480) -> Image.Image:
    """A picture that differs in each corner.

    So a rotated copy is noticed.
    """
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste((255, 0, 0), (0, 0, width // 4, height // 4))
    return image


def make_jpeg(
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
    """A JPEG with these metadata.

    `secrets` puts SECRETS into every place for metadata.
    """
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
        make_picture(160, 120).save(thumbnail, "JPEG", comment=b"JFXX-SECRET")
        more = {"1st": {}, "thumbnail": thumbnail.getvalue()}
        save |= {"comment": b"a comment by Name", "xmp": XMP}
    out = io.BytesIO()
    described = piexif.dump({"0th": zeroth, "Exif": exif, "GPS": gps, **more})
    make_picture(width, height).save(out, "JPEG", exif=described, **save)
    return out.getvalue()


def make_png(width: int = 64, height: int = 48, text: str = "") -> bytes:
    info = PngImagePlugin.PngInfo()
    if text:
        info.add_text("Author", text)
    return _encode_picture("PNG", width, height, pnginfo=info)


def _encode_picture(form: str, width: int, height: int, **options: Any) -> bytes:
    out = io.BytesIO()
    make_picture(width, height).save(out, form, **options)
    return out.getvalue()


def make_webp(width: int = 64, height: int = 48) -> bytes:
    return _encode_picture("WEBP", width, height)


def make_gif(width: int = 64, height: int = 48, frames: int = 1) -> bytes:
    more = [Image.new("RGB", (width, height), (40 * n, 0, 0)) for n in range(1, frames)]
    options: dict[str, Any] = {"save_all": True, "append_images": more} if more else {}
    return _encode_picture("GIF", width, height, **options)


def upload_file(phone, content, **announced):
    row = announce_file(phone, content, **announced)
    append_to_upload(evidence=row, offset=0, stream=io.BytesIO(content), length=len(content), now=DAY)
    return Evidence.objects.get(pk=row.pk)


def process_file(phone, content, **announced):
    row = upload_file(phone, content, **announced)
    assert process_waiting_evidence(now=DAY) == 1
    return Evidence.objects.get(pk=row.pk)


def read_public_copy(settings, name):
    return (settings.PUBLIC_DIR / name).read_bytes()
