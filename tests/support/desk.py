"""Data for tests of the desk.

An election with at least one row of every model.
"""

import hashlib
import io
from uuid import uuid4

from django.utils import timezone
from PIL import Image

from observer.models import (
    Alert,
    Call,
    Consent,
    EnrolmentCode,
    Grant,
    RecoveryCode,
    SecondFactor,
    SignIn,
    Trail,
    User,
    WrongGuess,
)
from reports.models import (
    Case,
    CaseComment,
    CaseConsent,
    ChecklistFile,
    ChecklistVersion,
    Complaint,
    Due,
    Evidence,
    KeyRotation,
    Message,
    MessageRead,
    Note,
    Question,
    RelayFile,
    Reply,
    Report,
    Section,
    SetAside,
    Unkept,
)
from reports.services.cases.case_export import request_case_export, write_case_exports
from reports.services.cases.case_files import add_case_file
from reports.services.elections.imports import create_import
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.evidence.uploads import append_to_upload
from reports.services.exports.exports import request_export, write_next_export
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing.releases import prepare_release
from tests.support.intake import send_report, store_report
from tests.support.world import DAY, Phone, World, make_texts, payload


def make_photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "gray").save(file, "JPEG")
    return file.getvalue()


def make_report(world: World, phone: Phone | None = None, **fields) -> Report:
    """A report that was stored through intake."""
    return store_report(phone or world.first, payload(**fields))


def make_draft(world: World) -> ChecklistVersion:
    return world.versions["voting"].checklist.versions.create(number=2)


def fill_world(world: World, root: User) -> World:
    """Creates at least one row of every model.

    Several rows of those with long lists.
    """
    for n in range(6):
        phone = world.enrol_phone(f"OB-44{n}4", "KZ-1-1-3")
        make_report(world, phone, commission="KZ-1-1-3", answers={"V03": "yes", "V15": "no", "V90": "bad"})
    report = Report.objects.first()
    data, uuid = make_photo(), uuid4()
    file = {"id": str(uuid), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "type": "image/jpeg"}
    send_report(world.first, payload(comment="<script>alert(1)</script>", evidence=[file]))
    evidence = Evidence.objects.get(uuid=uuid)
    append_to_upload(evidence=evidence, offset=0, stream=io.BytesIO(data), length=len(data), now=DAY)
    process_waiting_evidence(now=DAY)
    send_report(world.first, payload(answers={"V99": "yes"}))  # refused
    Note.objects.create(uuid=uuid4(), report=report, text="a word", at=DAY, received_at=DAY)
    case = Case.objects.create(commission=world.tree["KZ-1-1-3"], title="One event", created_at=DAY)
    CaseComment.objects.create(case=case, user=root, at=DAY, text="a word")
    CaseConsent.objects.create(case=case, observer=world.first.observer, given=True, user=root, at=DAY)
    Complaint.objects.create(case=case, term="x", starts_at=DAY, due_at=DAY, created_by=root, created_at=DAY)
    add_case_file(case=case, complaint=None, kind="receipt", name="r", stream=io.BytesIO(b"r"), user=root, now=DAY)
    request_case_export(case=case, user=root, now=DAY)
    write_case_exports(now=DAY)
    message = Message.objects.create(
        election=world.election, observer=world.first.observer, texts=make_texts("x"), sent_at=DAY
    )
    MessageRead.objects.create(message=message, observer=world.first.observer, at=DAY)
    draft = make_draft(world)
    Section.objects.create(version=draft, code="A", titles=make_texts("A"))
    ChecklistFile.objects.create(version=draft, name="a.png", sha256="ab" * 32, content=b"a")
    Question.objects.create(version=draft, code="Q1", type="yes_no", labels=make_texts("Q1"))
    EnrolmentCode.objects.create(
        observer=world.first.observer, election=world.election, code_hmac="0" * 64, created_at=DAY, expires_at=DAY
    )
    Consent.objects.update_or_create(
        observer=world.first.observer, election=world.election, defaults={"version": 1, "at": DAY}
    )
    Call.objects.create(
        election=world.election, commission=world.tree["KZ-1-1-1"], observer=world.first.observer, user=root, at=DAY
    )
    Grant.objects.create(user=root, role="reader", commission=world.tree["KZ-1"])
    Trail.objects.create(at=DAY, user=root, action="report.reject", subject="report:1", election=world.election)
    Alert.objects.create(election=world.election, user=root, at=DAY, number=121)
    SignIn.objects.create(user=root, at=DAY, seen_at=DAY, ended_at=DAY)
    SecondFactor.objects.create(user=root, secret="A" * 32, since=DAY)
    RecoveryCode.objects.create(user=root, digest="0" * 64)
    WrongGuess.objects.create(key="pair:x:y", at=DAY)
    KeyRotation.objects.create(started_at=DAY)
    list_of_one = b"observer,commission\nOB-3333,KZ-1-1-2\n"
    create_import(
        kind="assignments", election=world.election, source=list_of_one, file="a.csv", user=root, now=timezone.now()
    )
    RelayFile.objects.create(
        sha256="ab" * 32, size=1, kind="reports", observer_code="OB-2222", state="quarantined", received_at=DAY
    )
    Unkept.objects.create(device=world.first.device, bodies=1, first_at=DAY, last_at=DAY)
    world.election.contests.create(code="president", names=make_texts("president"))
    recompute_due_summaries(now=lambda: DAY)
    Reply.objects.create(commission=world.tree["KZ-1-1-1"], date=DAY.date(), texts=make_texts("A reply"))
    prepare_release(election=world.election, cutoff=DAY, user=root, now=DAY)
    request_export(
        uuid=uuid4(),
        user=root,
        election=world.election,
        kind="reports",
        format="csv",
        labels="codes",
        language="en",
        words=False,
        filters={},
        reason="a test",
        now=DAY,
    )
    write_next_export(now=timezone.now())
    SetAside.objects.create(observer=world.second.observer, election=world.election, user=root, at=DAY)
    Due.objects.create(commission=world.tree["KZ-1"], created_at=DAY)
    return world
