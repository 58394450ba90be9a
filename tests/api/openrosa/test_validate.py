"""ODK Validate, the validator of ODK's own engine JavaRosa, on all forms of a country's pack."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import pyxform
from django.conf import settings
from django.utils import timezone

from observer.models import Organisation
from reports.models import Checklist, Report
from reports.services.checklists.publishing import import_xlsform
from reports.services.checklists.xlsform.names import build_xml_names
from reports.services.elections.packs import create_election
from tests.api.openrosa.collect import CollectClient, build_form_xml
from tests.reports.services.checklists.test_xlsform import FULL_FORM
from tests.support.files import make_jpeg
from tests.support.world import DAY, make_observer, make_phone, make_version

JAR = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"


def run_odk_validate(path: Path) -> str:
    """Returns "valid", else what ODK Validate printed.

    Without Java it fails.
    """
    command = ["java", "-Djava.awt.headless=true", "-jar", str(JAR), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr if done.returncode else "valid"


@pytest.mark.slow
@pytest.mark.sqlite
def test_every_form_of_the_pack_is_valid(db, tmp_path):
    election = create_election(
        slug="kz",
        name="Election",
        date=DAY.date(),
        pack_dir=settings.PACKS_DIR / "kz",
        publication="live",
        now=timezone.now(),
    )
    observer = make_observer("OB-4444", Organisation.objects.create(code="org", names={"en": "org"}))
    collect = CollectClient(make_phone(observer, election))
    codes = list(election.checklists.values_list("code", flat=True))
    assert len(codes) == 5
    for code in codes:
        path = tmp_path / f"{code}.xml"
        path.write_bytes(collect.get(f"forms/{code}/1.xml").content)
        assert run_odk_validate(path) == "valid"


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_form_that_came_as_an_xlsform_with_everything_in_it_is_valid(world, tmp_path):
    files = {"box.jpg": make_jpeg(), "hum.mp3": b"hum"}
    import_xlsform(election=world.election, source=FULL_FORM, file="form.xlsx", files=files, now=DAY)
    collect = CollectClient(world.first)
    path = tmp_path / "harbour.xml"
    path.write_bytes(collect.get("forms/harbour/1.xml").content)
    assert run_odk_validate(path) == "valid"
    manifest = collect.get("forms/harbour/1/manifest").content
    assert b"<filename>box.jpg</filename>" in manifest and b"<filename>hum.mp3</filename>" in manifest
    assert collect.get("forms/harbour/1/files/hum.mp3").content == b"hum"


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_form_whose_codes_are_no_xml_names_is_valid_and_comes_back_by_code(world, tmp_path):
    codes = ["1", "q1", "1.1", "_x", "meta", "V03", "v03b", "Сұрақ", "a-b", "yes_no", "rating"]
    made: list[dict[str, Any]] = [{"code": code, "type": "choice", "choices": ["a", "b"]} for code in codes]
    made[-1] |= {"relevant_question": "1", "relevant_answers": ["a"]}
    checklist = Checklist.objects.create(election=world.election, code="odd", stage="odd", titles={"en": "Odd"})
    make_version(checklist, 1, made)
    collect = CollectClient(world.first)
    path = tmp_path / "odd.xml"
    path.write_bytes(collect.get("forms/odd/1.xml").content)
    assert run_odk_validate(path) == "valid"
    answers = "".join(f"<{name}>b</{name}>" for name in build_xml_names(codes).values())
    assert collect.send(build_form_xml(answers, form="odd")).status_code == 201
    assert Report.objects.get().answers == dict.fromkeys(codes, "b")
