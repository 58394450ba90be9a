"""Backups of earlier versions: restored and migrated, they give the same figures and the same evidence."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, Deployment

pytestmark = pytest.mark.slow
RELEASES = sorted((ROOT / "tests" / "data").glob("upgrade-*"))
# The public summary of the country and its regions, without what a recomputation may change.
SHOW_FIGURES = """
import json
from datetime import UTC, datetime
from observer.models import Election
from reports.services.publishing.live_summary import build_live_summary
found = {}
election = Election.objects.get(slug="kz-2022-president")
for place in election.commissions.filter(depth__lt=2):
    document = build_live_summary(commission=place, language="en", now=datetime(2022, 11, 22, tzinfo=UTC))
    found[place.code] = {key: value for key, value in document.items() if key not in VOLATILE}
print(json.dumps(found, sort_keys=True))
"""
SHOW_EVIDENCE = """
import hashlib
from reports.models import Evidence
from reports.services.storage.sealed_store import open_sealed_file
rows = Evidence.objects.filter(state="stored").values_list("sha256", flat=True)
print(sum(hashlib.sha256(open_sealed_file(sha256=name).read()).hexdigest() == name for name in rows), len(rows))
"""
VOLATILE = ("revision", "as_of", "children", "children_withheld")


def test_there_is_a_backup_of_the_first_version():
    assert "upgrade-0.1.0" in {folder.name for folder in RELEASES}


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_a_backup_of_an_earlier_version_gives_the_same_figures(
    release: Path, deploy: Callable[..., Deployment], tmp_path: Path
):
    deployment = deploy("upgraded", **json.loads((release / "keys.json").read_text()))
    engine = "postgresql" if os.environ.get("DATABASE_URL") else "sqlite"
    deployment.run_checked("restore", release / f"{engine}.tar.gz")
    expected = json.loads((release / "figures.json").read_text())
    show = SHOW_FIGURES.replace("VOLATILE", repr(VOLATILE))
    assert json.loads(deployment.run_script(show)) == expected  # as stored by the earlier version
    deployment.run_checked("check_summaries")  # as recounted by this one
    assert deployment.run_script(SHOW_EVIDENCE).split() == ["8", "8"]
