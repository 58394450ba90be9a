"""ODK Validate, the validator of ODK's own engine JavaRosa, on the forms of a whole country's pack."""

import subprocess
from pathlib import Path

import pytest
import pyxform
from django.conf import settings
from django.utils import timezone

from observer.models import Organisation
from reports.services.packs import election_create
from tests.api.openrosa.collect import Collect
from tests.world import DAY, make_observer, make_phone

JAR = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"


def validated(path: Path) -> str:
    """What it says; pytest's own failure tells where Java is missing."""
    command = ["java", "-Djava.awt.headless=true", "-jar", str(JAR), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr if done.returncode else "valid"


@pytest.mark.slow
@pytest.mark.sqlite
def test_every_form_of_the_pack_is_valid(db, tmp_path):
    election = election_create(
        slug="kz", name="Election", date=DAY.date(), pack_dir=settings.PACKS_DIR / "kz", publication="live",
        at=timezone.now(),
    )  # fmt: skip
    observer = make_observer("OB-4444", Organisation.objects.create(code="org", names={"en": "org"}))
    collect = Collect(make_phone(observer, election))
    codes = list(election.checklists.values_list("code", flat=True))
    assert len(codes) == 5
    for code in codes:
        path = tmp_path / f"{code}.xml"
        path.write_bytes(collect.get(f"forms/{code}/1.xml").content)
        assert validated(path) == "valid"
