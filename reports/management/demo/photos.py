"""Photos for the demonstration: drawn, plainly not photographs, and saying so."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from PIL import Image, ImageDraw, ImageFont

from observer.models import User
from reports.management.demo.chance import chance, named
from reports.management.demo.day import Told
from reports.models import Evidence
from reports.services.evidence.processing import evidence_approve, evidence_process_due
from reports.services.evidence.uploads import upload_append
from reports.services.intake.submission import Announcement

SIZE = (960, 720)
WANTED = {"opening": ("O05", 20), "counting": ("C15", 36), "incident": ("I07", 28)}
AWAITED = 4  # files that were announced and never came
APPROVED = 12


@dataclass(frozen=True)
class Photo:
    announcement: Announcement
    data: bytes


def photos_add(reports: Sequence[Told]) -> tuple[list[Told], dict[str, Photo]]:
    """The reports with files announced by some of them, and the files by id; four never arrive."""
    chosen: dict[object, Photo] = {}
    for checklist, (question, number) in WANTED.items():
        candidates = sorted((one for one in reports if _may_have(one, checklist)), key=lambda one: one.uuid)
        for place, told in enumerate(chance("photos", checklist).sample(candidates, number)):
            chosen[told.uuid] = _photo(told, question, repeated=checklist == "incident" and place == 1)
    photos = {str(photo.announcement.uuid): photo for photo in chosen.values()}
    for late in sorted(photos)[:AWAITED]:
        del photos[late]
    return [
        replace(one, files=(chosen[one.uuid].announcement,)) if one.uuid in chosen else one for one in reports
    ], photos


def _may_have(told: Told, checklist: str) -> bool:
    return told.checklist == checklist and not told.rehearsal and told.supersedes is None


def _photo(told: Told, question: str, repeated: bool) -> Photo:
    # One picture is sent from a second station, as it happens when pictures go round in chats.
    again = repeated or (told.checklist == "incident" and told.uuid.int % 14 == 0)
    data = draw("incident", "KZ", 0) if again else draw(told.checklist, told.commission.code, told.uuid.int)
    announcement = Announcement(
        uuid=named("photo", told.uuid),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        type="image/jpeg",
        question=question,
        captured_at=told.observed_at,
        source="camera",
        publishable=True,
    )
    return Photo(announcement, data)


def photos_upload(*, photos: dict[str, Photo], user: User, now: datetime) -> None:
    """Sends the files that have not come yet, has them looked at, and approves a dozen."""
    awaited = Evidence.objects.filter(uuid__in=photos).exclude(state=Evidence.State.STORED).order_by("pk")
    rows = list(awaited.only("uuid"))
    for row in rows:
        evidence = Evidence.objects.get(pk=row.pk)
        data = photos[str(row.uuid)].data
        upload_append(
            evidence=evidence,
            offset=evidence.offset,
            stream=io.BytesIO(data[evidence.offset :]),
            length=len(data) - evidence.offset,
            now=now,
        )
    evidence_process_due(now=now)
    if rows:
        ready = Evidence.objects.filter(uuid__in=photos, approved_at__isnull=True, flags=[]).exclude(copy="")
        for evidence in ready.order_by("uuid")[:APPROVED]:
            evidence_approve(evidence=evidence, user=user, now=now)


# ── drawing ─────────────────────────────────────────────────────────────────────────────────
def draw(scene: str, code: str, seed: int) -> bytes:
    """A JPEG of a drawn scene with the word "demonstration" across it."""
    luck = chance("scene", scene, code, seed)
    shade = luck.randint(205, 240)
    image = Image.new("RGB", SIZE, (shade, shade, shade - 8))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 520, *SIZE), fill=(176, 168, 156))
    {"opening": _box, "counting": _protocol}.get(scene, _table)(pen, luck)
    pen.rectangle((0, 0, SIZE[0], 70), fill=(40, 60, 70))
    pen.text((24, 16), f"DEMONSTRATION  {code}", font=ImageFont.load_default(34), fill="white")
    pen.text((24, 660), "drawn, not photographed", font=ImageFont.load_default(30), fill=(60, 60, 60))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _box(pen: ImageDraw.ImageDraw, luck: Random) -> None:
    left, top = luck.randint(280, 380), luck.randint(180, 240)
    pen.rectangle((left, top, left + 280, top + 340), fill=(210, 226, 230), outline=(90, 110, 120), width=5)
    pen.rectangle((left + 70, top + 26, left + 210, top + 38), fill=(60, 70, 76))
    for corner in (left + 20, left + 240):
        pen.ellipse((corner - 9, top + 60, corner + 9, top + 78), fill=(150, 60, 50))


def _protocol(pen: ImageDraw.ImageDraw, luck: Random) -> None:
    left, top = luck.randint(230, 330), luck.randint(110, 150)
    pen.rectangle((left, top, left + 400, top + 500), fill=(252, 252, 248), outline=(120, 120, 120), width=3)
    font = ImageFont.load_default(22)
    for line, letter in enumerate(("A", "B", "C", "D", "E1", "E2", "F", "G", "V1", "V2", "V3")):
        now = top + 50 + line * 38
        pen.text((left + 30, now), letter, font=font, fill=(40, 40, 40))
        pen.line((left + 80, now + 26, left + 370, now + 26), fill=(170, 170, 170), width=2)
        pen.text((left + 280, now), str(luck.randint(0, 2600)), font=font, fill=(30, 50, 110))


def _table(pen: ImageDraw.ImageDraw, luck: Random) -> None:
    top = luck.randint(320, 380)
    pen.polygon([(140, top), (820, top), (900, 560), (60, 560)], fill=(150, 120, 90), outline=(90, 70, 50))
    for _ in range(luck.randint(5, 14)):
        left, now = luck.randint(180, 740), luck.randint(top + 10, 500)
        pen.rectangle((left, now, left + 70, now + 44), fill=(250, 250, 246), outline=(130, 130, 130))
