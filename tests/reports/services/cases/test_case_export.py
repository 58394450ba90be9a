"""A case as one file that can be checked without us."""

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from observer.models import Trail, User
from reports.models import Case, CaseExport
from reports.services.cases import case_export, cases
from reports.services.cases.case_export import case_export_ask, export_open, exports_write
from reports.services.cases.case_files import case_file_add
from reports.services.evidence.uploads import upload_append
from tests.support.files import awaited, jpeg
from tests.support.world import DAY, World


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="lawyer")


@pytest.fixture
def case(world: World, user: User) -> Case:
    data = jpeg()
    evidence = awaited(world.first, data, report={"checklist": "incident", "location": {"lat": 43.1, "lon": 76.2}})
    upload_append(evidence=evidence, offset=0, stream=io.BytesIO(data), length=len(data), now=DAY)
    case = cases.case_open(violation=evidence.report.violations.get(), title="t", user=user, now=DAY)
    case_file_add(case=case, complaint=None, kind="receipt", name="r", stream=io.BytesIO(b"paper"), user=user, now=DAY)
    return case


def written(case: Case, user: User) -> CaseExport:
    case_export_ask(case=case, user=user, now=DAY)
    assert exports_write(now=DAY) == 1
    return CaseExport.objects.get()


class TestAnExport:
    def test_is_checked_by_a_tool_that_is_everywhere(self, case, user, tmp_path: Path):
        with export_open(written(case, user)) as file, zipfile.ZipFile(file) as archive:
            archive.extractall(tmp_path / "out")
        check = ["sha256sum", "--strict", "-c", "HASHES"]
        found = subprocess.run(check, cwd=tmp_path / "out", capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout
        (tmp_path / "out" / "case.json").write_text("{}")
        assert subprocess.run(check, cwd=tmp_path / "out", capture_output=True, check=False).returncode == 1

    def test_has_files_bodies_receipts_and_trail(self, case, user):
        export = written(case, user)
        with export_open(export) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            folder = next(name for name in names if name.startswith("reports/")).rpartition("/")[0]
            receipt = json.loads(archive.read(f"{folder}/receipt.json"))
            content = archive.read(f"{folder}/content.json")
            body = json.loads(archive.read(f"{folder}/body.bin"))
            trail = json.loads(archive.read("trail.json"))
            hashes = archive.read("HASHES")
            files = [name for name in names if name.startswith(("files/", "papers/"))]
            assert all(hashlib.sha256(archive.read(name)).hexdigest() == name.split("/")[1] for name in files)
        assert len(files) == 2
        assert hashlib.sha256(content).hexdigest() == receipt["content_sha256"]
        assert body["id"] == receipt["id"]
        assert {"case.open", "case.paper", "case.export"} <= {one["action"] for one in trail}
        assert hashlib.sha256(hashes).hexdigest() == export.sha256
        assert Trail.objects.get(action="case.exported").detail == {"hashes": export.sha256}

    def test_names_nobody_but_by_code(self, case, user, world):
        with export_open(written(case, user)) as file, zipfile.ZipFile(file) as archive:
            everything = b"".join(archive.read(name) for name in archive.namelist())
        assert world.first.observer.name.encode() not in everything
        assert world.first.observer.phone.encode() not in everything

    def test_asked_for_twice_is_written_once(self, case, user):
        assert case_export_ask(case=case, user=user, now=DAY) == case_export_ask(case=case, user=user, now=DAY)
        assert (exports_write(now=DAY), exports_write(now=DAY)) == (1, 0)

    def test_is_removed_after_a_day(self, case, user):
        export = written(case, user)
        exports_write(now=DAY + case_export.KEPT)
        assert export_open(export).read(2) == b"PK"
        exports_write(now=DAY + case_export.KEPT * 1.01)
        export.refresh_from_db()
        assert not list(case_export.exports_dir().iterdir())
        with pytest.raises(FileNotFoundError):
            export_open(export)

    def test_that_cannot_be_written_is_given_up_and_leaves_nothing(self, case, user, monkeypatch):
        def fail(*_):
            raise OSError("full")

        case_export_ask(case=case, user=user, now=DAY)
        monkeypatch.setattr(case_export, "_contents", fail)
        for _ in range(4):
            exports_write(now=DAY)
        export = CaseExport.objects.get()
        assert (export.failed, export.attempts) == (True, 3)
        assert not list(case_export.exports_dir().iterdir())
