"""Fills a deployment through intake: reports, a refusal, a complete and a partial photo, a case."""

import hashlib
import io
import json
from datetime import timedelta
from uuid import UUID, uuid4

from PIL import Image

from observer.models import User
from observer.services.devices.enrolment import create_enrolment_code
from reports.models import ChecklistFile, ChecklistVersion, Evidence, KeyRotation, Question, Report
from reports.problems import Rejected
from reports.services.cases.case_files import add_case_file
from reports.services.cases.cases import add_case_comment, open_case
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.evidence.uploads import append_to_upload
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.intake.intake import accept_submission
from reports.services.intake.submission import Announcement, Sender, Submission
from tests.support.world import DAY, World


def make_photo(colour: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").save(out, "JPEG", comment=colour.encode())
    return out.getvalue()


def announce(content: bytes) -> Announcement:
    return Announcement(
        uuid=uuid4(), sha256=hashlib.sha256(content).hexdigest(), size=len(content), type="image/jpeg", publishable=True
    )


def add_checklist_version(world: World) -> None:
    """Publishes a version with a picture; a restore must load it before its version, because of triggers."""
    version = ChecklistVersion.objects.create(checklist=world.versions["voting"].checklist, number=2)
    Question.objects.create(version=version, code="V03", type="yes_no", xlsform={"relevant": "${X05} > 3"})
    ChecklistFile.objects.create(version=version, name="a.png", sha256="ab" * 32, content=b"\x00\\a,\t")
    version.published_at = DAY
    version.save()


def add_case(world: World) -> None:
    """Adds a case with a comment and a file that is not evidence of a report."""
    user = User.objects.create_user("aigul")
    case = open_case(commission=world.tree["KZ-1-1-1"], title="An event", severity="minor", user=user, now=DAY)
    add_case_comment(case=case, text="what was said", user=user, now=DAY)
    add_case_file(
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
    add_checklist_version(world)
    sender = Sender(election=world.election, observer=world.first.observer, device=world.first.device)
    photos = [make_photo("whole"), make_photo("part")]
    evidence = tuple(map(announce, photos))
    for number in range(40):
        accept_submission(
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
        accept_submission(Submission(sender=sender, body=b"\x00 not a report", uuid=uuid4(), checklist="none"), now=DAY)
    except Rejected as refused:
        print(refused.code)
    rows = [Evidence.objects.get(uuid=one.uuid) for one in evidence]
    append_to_upload(evidence=rows[0], offset=0, stream=io.BytesIO(photos[0]), length=len(photos[0]), now=DAY)
    append_to_upload(evidence=rows[1], offset=0, stream=io.BytesIO(photos[1][:5000]), length=5000, now=DAY)
    process_waiting_evidence(now=DAY + timedelta(hours=2))
    add_case(world)
    create_enrolment_code(observer=world.first.observer, election=world.election, now=DAY + timedelta(days=36500))
    recompute_due_summaries()
    assert Report.objects.count() == 40
    assert not KeyRotation.objects.exists()


fill()
