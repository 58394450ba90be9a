"""Export of a case as an archive that can be verified without the platform."""

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
from reports.services.cases.case_export import open_case_export, request_case_export, write_case_exports
from reports.services.cases.case_files import add_case_file
from reports.services.evidence.uploads import append_to_upload
from tests.support.files import announce_file, make_jpeg
from tests.support.world import DAY, World


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="lawyer")


@pytest.fixture
def case(world: World, user: User) -> Case:
    data = make_jpeg()
    evidence = announce_file(
        world.first, data, report={"checklist": "incident", "location": {"lat": 43.1, "lon": 76.2}}
    )
    append_to_upload(evidence=evidence, offset=0, stream=io.BytesIO(data), length=len(data), now=DAY)
    case = cases.open_case_from_violation(violation=evidence.report.violations.get(), title="t", user=user, now=DAY)
    add_case_file(case=case, complaint=None, kind="receipt", name="r", stream=io.BytesIO(b"paper"), user=user, now=DAY)
    return case


def export_case(case: Case, user: User) -> CaseExport:
    request_case_export(case=case, user=user, now=DAY)
    assert write_case_exports(now=DAY) == 1
    return CaseExport.objects.get()


class TestCaseExport:
    def test_can_be_verified_with_sha256sum(self, case, user, tmp_path: Path):
        with open_case_export(export_case(case, user)) as file, zipfile.ZipFile(file) as archive:
            archive.extractall(tmp_path / "out")
        check = ["sha256sum", "--strict", "-c", "HASHES"]
        found = subprocess.run(check, cwd=tmp_path / "out", capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout
        (tmp_path / "out" / "case.json").write_text("{}")
        assert subprocess.run(check, cwd=tmp_path / "out", capture_output=True, check=False).returncode == 1

    def test_has_files_bodies_receipts_and_trail(self, case, user):
        export = export_case(case, user)
        with open_case_export(export) as file, zipfile.ZipFile(file) as archive:
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

    def test_contains_codes_but_no_names(self, case, user, world):
        with open_case_export(export_case(case, user)) as file, zipfile.ZipFile(file) as archive:
            everything = b"".join(archive.read(name) for name in archive.namelist())
        assert world.first.observer.name.encode() not in everything
        assert world.first.observer.phone.encode() not in everything

    def test_requested_twice_is_written_once(self, case, user):
        assert request_case_export(case=case, user=user, now=DAY) == request_case_export(case=case, user=user, now=DAY)
        assert (write_case_exports(now=DAY), write_case_exports(now=DAY)) == (1, 0)

    def test_is_deleted_after_a_day(self, case, user):
        export = export_case(case, user)
        write_case_exports(now=DAY + case_export.RETENTION)
        assert open_case_export(export).read(2) == b"PK"
        write_case_exports(now=DAY + case_export.RETENTION * 1.01)
        export.refresh_from_db()
        assert not list(case_export.get_case_exports_dir().iterdir())
        with pytest.raises(FileNotFoundError):
            open_case_export(export)

    def test_that_fails_is_given_up_and_leaves_no_file(self, case, user, monkeypatch):
        def fail(*_):
            raise OSError("full")

        request_case_export(case=case, user=user, now=DAY)
        monkeypatch.setattr(case_export, "_iterate_members", fail)
        for _ in range(4):
            write_case_exports(now=DAY)
        export = CaseExport.objects.get()
        assert (export.failed, export.attempts) == (True, 3)
        assert not list(case_export.get_case_exports_dir().iterdir())
