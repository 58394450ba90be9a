"""Photos of the demonstration: drawings that are labelled as such."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from PIL import Image, ImageDraw, ImageFont

from observer.models import User
from reports.management.demo.day import DemoReport
from reports.management.demo.seeded_random import make_random, make_uuid
from reports.models import Evidence
from reports.services.evidence.processing import approve_evidence, process_waiting_evidence
from reports.services.evidence.uploads import append_to_upload
from reports.services.intake.submission import Announcement

IMAGE_SIZE_PX = (960, 720)
PHOTO_COUNTS = {"opening": ("O05", 20), "counting": ("C15", 36), "incident": ("I07", 28)}
MISSING_PHOTO_COUNT = 4  # files that were announced and never came
APPROVED_PHOTO_COUNT = 12


@dataclass(frozen=True)
class Photo:
    """A drawn photo, and how a report announces it."""

    announcement: Announcement
    data: bytes


def add_photos(reports: Sequence[DemoReport]) -> tuple[list[DemoReport], dict[str, Photo]]:
    """Adds photos to some of the reports; returns the reports, and the photos by id.

    A few announced photos are left out of the second, as if they never arrived.
    """
    chosen: dict[object, Photo] = {}
    for checklist, (question, number) in PHOTO_COUNTS.items():
        candidates = sorted((one for one in reports if _may_have_photo(one, checklist)), key=lambda one: one.uuid)
        for place, report in enumerate(make_random("photos", checklist).sample(candidates, number)):
            chosen[report.uuid] = _make_photo(report, question, repeated=checklist == "incident" and place == 1)
    photos = {str(photo.announcement.uuid): photo for photo in chosen.values()}
    for missing_id in sorted(photos)[:MISSING_PHOTO_COUNT]:
        del photos[missing_id]
    return [
        replace(one, files=(chosen[one.uuid].announcement,)) if one.uuid in chosen else one for one in reports
    ], photos


def _may_have_photo(report: DemoReport, checklist: str) -> bool:
    return report.checklist == checklist and not report.rehearsal and report.supersedes is None


def _make_photo(report: DemoReport, question: str, repeated: bool) -> Photo:
    # One picture is sent from two stations, as happens when pictures are shared in chats.
    is_repeated = repeated or (report.checklist == "incident" and report.uuid.int % 14 == 0)
    data = (
        draw_photo("incident", "KZ", 0)
        if is_repeated
        else draw_photo(report.checklist, report.commission.code, report.uuid.int)
    )
    announcement = Announcement(
        uuid=make_uuid("photo", report.uuid),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        type="image/jpeg",
        question=question,
        captured_at=report.observed_at,
        source="camera",
        publishable=True,
    )
    return Photo(announcement, data)


def upload_photos(*, photos: dict[str, Photo], user: User, now: datetime) -> None:
    """Uploads the photos that are not stored yet, processes them, and approves a dozen."""
    awaited = Evidence.objects.filter(uuid__in=photos).exclude(state=Evidence.State.STORED).order_by("pk")
    rows = list(awaited.only("uuid"))
    for row in rows:
        evidence = Evidence.objects.get(pk=row.pk)
        data = photos[str(row.uuid)].data
        append_to_upload(
            evidence=evidence,
            offset=evidence.offset,
            stream=io.BytesIO(data[evidence.offset :]),
            length=len(data) - evidence.offset,
            now=now,
        )
    process_waiting_evidence(now=now)
    if rows:
        ready = Evidence.objects.filter(uuid__in=photos, approved_at__isnull=True, flags=[]).exclude(copy="")
        for evidence in ready.order_by("uuid")[:APPROVED_PHOTO_COUNT]:
            approve_evidence(evidence=evidence, user=user, now=now)


# ── drawing ─────────────────────────────────────────────────────────────────────────────────
def draw_photo(scene: str, code: str, seed: int) -> bytes:
    """Draws a scene with the word "demonstration" above it; returns a JPEG."""
    rng = make_random("scene", scene, code, seed)
    shade = rng.randint(205, 240)
    image = Image.new("RGB", IMAGE_SIZE_PX, (shade, shade, shade - 8))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 520, *IMAGE_SIZE_PX), fill=(176, 168, 156))
    {"opening": _draw_ballot_box, "counting": _draw_protocol}.get(scene, _draw_table)(pen, rng)
    pen.rectangle((0, 0, IMAGE_SIZE_PX[0], 70), fill=(40, 60, 70))
    pen.text((24, 16), f"DEMONSTRATION  {code}", font=ImageFont.load_default(34), fill="white")
    pen.text((24, 660), "drawn, not photographed", font=ImageFont.load_default(30), fill=(60, 60, 60))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _draw_ballot_box(pen: ImageDraw.ImageDraw, rng: Random) -> None:
    left, top = rng.randint(280, 380), rng.randint(180, 240)
    pen.rectangle((left, top, left + 280, top + 340), fill=(210, 226, 230), outline=(90, 110, 120), width=5)
    pen.rectangle((left + 70, top + 26, left + 210, top + 38), fill=(60, 70, 76))
    for corner in (left + 20, left + 240):
        pen.ellipse((corner - 9, top + 60, corner + 9, top + 78), fill=(150, 60, 50))


def _draw_protocol(pen: ImageDraw.ImageDraw, rng: Random) -> None:
    left, top = rng.randint(230, 330), rng.randint(110, 150)
    pen.rectangle((left, top, left + 400, top + 500), fill=(252, 252, 248), outline=(120, 120, 120), width=3)
    font = ImageFont.load_default(22)
    for line, letter in enumerate(("A", "B", "C", "D", "E1", "E2", "F", "G", "V1", "V2", "V3")):
        y = top + 50 + line * 38
        pen.text((left + 30, y), letter, font=font, fill=(40, 40, 40))
        pen.line((left + 80, y + 26, left + 370, y + 26), fill=(170, 170, 170), width=2)
        pen.text((left + 280, y), str(rng.randint(0, 2600)), font=font, fill=(30, 50, 110))


def _draw_table(pen: ImageDraw.ImageDraw, rng: Random) -> None:
    top = rng.randint(320, 380)
    pen.polygon([(140, top), (820, top), (900, 560), (60, 560)], fill=(150, 120, 90), outline=(90, 70, 50))
    for _ in range(rng.randint(5, 14)):
        left, y = rng.randint(180, 740), rng.randint(top + 10, 500)
        pen.rectangle((left, y, left + 70, y + 44), fill=(250, 250, 246), outline=(130, 130, 130))
