"""Fills a deployment through the one door: reports, a correction, a refusal, a photo whole and one in part."""

import hashlib
import io
import json
from datetime import timedelta
from uuid import UUID, uuid4

from PIL import Image

from observer.models import User
from observer.services.devices.enrolment import enrolment_create
from reports.models import ChecklistFile, ChecklistVersion, Evidence, KeyRotation, Question, Report
from reports.problems import Rejected
from reports.services.cases.case_files import case_file_add
from reports.services.cases.cases import case_begin, comment_add
from reports.services.evidence.processing import evidence_process_due
from reports.services.evidence.uploads import upload_append
from reports.services.figures.refresh import summaries_refresh
from reports.services.intake.intake import accept
from reports.services.intake.submission import Announcement, Sender, Submission
from tests.support.world import DAY, World


def photo(colour: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").save(out, "JPEG", comment=colour.encode())
    return out.getvalue()


def announced(content: bytes) -> Announcement:
    return Announcement(
        uuid=uuid4(), sha256=hashlib.sha256(content).hexdigest(), size=len(content), type="image/jpeg", publishable=True
    )


def draw(world: World) -> None:
    """A published version that shows a picture: triggers refuse the picture once its version is there."""
    version = ChecklistVersion.objects.create(checklist=world.versions["voting"].checklist, number=2)
    Question.objects.create(version=version, code="V03", type="yes_no", xlsform={"relevant": "${X05} > 3"})
    ChecklistFile.objects.create(version=version, name="a.png", sha256="ab" * 32, content=b"\x00\\a,\t")
    version.published_at = DAY
    version.save()


def paper(world: World) -> None:
    """A case with a comment and a paper of its own, which is no report's evidence."""
    user = User.objects.create_user("aigul")
    case = case_begin(commission=world.tree["KZ-1-1-1"], title="An event", severity="minor", user=user, now=DAY)
    comment_add(case=case, text="what was said", user=user, now=DAY)
    case_file_add(
        case=case,
        complaint=None,
        kind="answer",
        name="жауап.pdf",
        stream=io.BytesIO(b"%PDF an answer" * 9),
        user=user,
        now=DAY,
    )


def fill() -> None:
    world = World()
    draw(world)
    sender = Sender(election=world.election, observer=world.first.observer, device=world.first.device)
    photos = [photo("whole"), photo("part")]
    evidence = tuple(map(announced, photos))
    for number in range(40):
        accept(
            Submission(
                sender=sender,
                body=json.dumps({"n": number}).encode(),
                uuid=UUID(int=number + 1),
                checklist="voting",
                version=1,
                commission=f"KZ-{number % 2 + 1}-1-{number % 3 + 1}",
                observed_at=DAY + timedelta(minutes=number),
                answers={"V03": "yes" if number % 3 else "no", "V15": "no", "X05": number},
                comment="Қазақша, русский, 'quotes',\ttabs\nand \\backslashes",
                evidence=evidence if number == 0 else (),
            ),
            now=DAY + timedelta(hours=1),
        )
    try:
        accept(Submission(sender=sender, body=b"\x00 not a report", uuid=uuid4(), checklist="none"), now=DAY)
    except Rejected as refused:
        print(refused.code)
    rows = [Evidence.objects.get(uuid=one.uuid) for one in evidence]
    upload_append(evidence=rows[0], offset=0, stream=io.BytesIO(photos[0]), length=len(photos[0]), now=DAY)
    upload_append(evidence=rows[1], offset=0, stream=io.BytesIO(photos[1][:5000]), length=5000, now=DAY)
    evidence_process_due(now=DAY + timedelta(hours=2))
    paper(world)
    enrolment_create(observer=world.first.observer, election=world.election, now=DAY + timedelta(days=36500))
    summaries_refresh()
    assert Report.objects.count() == 40
    assert not KeyRotation.objects.exists()


fill()
