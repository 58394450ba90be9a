"""The canonical form of a report is the same from XML and from JSON."""

import json
from pathlib import Path

import pytest

from api.openrosa.instance import parse_instance
from api.openrosa.xml_fields import build_submission
from observer.models import Contest
from reports.models import Report
from reports.services.checklists.compiled import find_form
from reports.services.intake.canonical import encode_canonical, read_content
from reports.services.intake.submission import Sender
from tests.api.conftest import PhoneClient
from tests.api.openrosa.collect import CollectClient
from tests.support.pure import VIOLATION_CODES
from tests.support.world import World, make_texts

pytestmark = pytest.mark.once

FOLDER = Path(__file__).parents[2] / "payloads"
VECTORS = sorted((FOLDER / "openrosa" / "canonical").glob("*.xml"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_xml_says_what_the_json_says(world: World, path: Path):
    vector = json.loads((FOLDER / "canonical" / f"{path.name.split('.')[0]}.json").read_text())
    sender = Sender(election=world.election, observer=world.first.observer, device=world.first.device)
    body = path.read_bytes()
    submission = build_submission(parse_instance(body), body, sender)
    assert submission.problem is None, submission.problem and submission.problem.as_dict()
    form = find_form(world.election.pk, submission.checklist, submission.version)
    assert form is not None
    assert encode_canonical(read_content(submission, form, VIOLATION_CODES)).decode() == vector["canonical"]
    assert str(submission.uuid) == vector["report"]["id"]


def test_there_are_vectors():
    assert len(VECTORS) >= 20


@pytest.mark.parametrize("name", ["06-decimal", "14-place", "18-time", "24-contest", "25-incident"])
@pytest.mark.parametrize("xml_first", [True, False])
def test_a_report_sent_by_both_is_one_report(world: World, name: str, xml_first: bool):
    """A phone's own client and Collect may both have it.

    A copy by either is a retry of the other.
    """
    Contest.objects.create(election=world.election, code="PRES", names=make_texts("PRES"))
    report = json.loads((FOLDER / "canonical" / f"{name}.json").read_text())["report"]
    xml = (FOLDER / "openrosa" / "canonical" / f"{name}.xml").read_bytes()

    def by_collect() -> int:
        return CollectClient(world.first).send(xml).status_code

    def by_phone() -> int:
        return PhoneClient(world.first).post("reports", report).status_code

    statuses = [one() for one in ((by_collect, by_phone) if xml_first else (by_phone, by_collect))]
    assert statuses == ([201, 200] if xml_first else [201, 201])
    assert Report.objects.count() == 1
