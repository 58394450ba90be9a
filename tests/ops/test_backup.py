"""Backup, restore and key rotation: a restored platform has the same rows, figures and files."""

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.deployment import Deployment

FILL = "import tests.ops.fill"
SHOW = "import tests.ops.show"
KEYS = ("SECRET_KEY", "FIELD_KEYS", "LOOKUP_KEY")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled_once(deploy_shared: Callable[..., Deployment]) -> Deployment:
    deployment = deploy_shared("filled").migrate()
    deployment.run_script(FILL)
    return deployment


@pytest.fixture
def filled(deploy: Callable[..., Deployment], filled_once: Deployment) -> Deployment:
    return deploy("first", **{name: filled_once.environment[name] for name in KEYS}).copy_from(filled_once)


@pytest.fixture
def empty(deploy: Callable[..., Deployment], filled: Deployment) -> Deployment:
    """An empty deployment with the keys of the first one."""
    return deploy("second", **{name: filled.environment[name] for name in KEYS})


class TestOnAnEmptyMachine:
    @pytest.mark.parametrize("name", ["all.tar", pytest.param("all.tar.gz", marks=pytest.mark.once)])
    def test_everything_is_restored(self, filled: Deployment, empty: Deployment, tmp_path: Path, name: str):
        before = filled.run_script(SHOW)
        filled.run_checked("backup", tmp_path / name)
        empty.run_checked("restore", tmp_path / name)
        assert empty.run_script(SHOW) == before
        assert before.count("reports.Report ") == 40
        assert before.count("\nparts/") == 1
        assert before.count("\nsealed/") == before.count("\npublic/") == 2  # the photo, and the paper of a case
        assert "жауап.pdf" in before and "what was said" in before
        empty.run_checked("check_summaries")

    def test_rows_can_be_added_after_a_restore(self, filled: Deployment, empty: Deployment, tmp_path: Path):
        filled.run_checked("backup", tmp_path / "all.tar")
        empty.migrate()
        empty.run_checked("restore", tmp_path / "all.tar")
        empty.run_script(
            "from reports.models import Due; from observer.models import Commission; from django.utils import timezone\n"
            "Due.objects.create(commission=Commission.objects.first(), created_at=timezone.now())"
        )
        empty.run_checked("refresh_summaries")

    def test_no_key_is_in_the_file(self, filled: Deployment, tmp_path: Path):
        filled.run_checked("backup", tmp_path / "all.tar.gz")
        content = gzip.decompress((tmp_path / "all.tar.gz").read_bytes())
        for name in KEYS:
            assert filled.environment[name].encode() not in content
        assert b"Name of OB-2222" not in content
        assert "жауап.pdf".encode() not in content and b"what was said" not in content
        assert (tmp_path / "all.tar.gz").stat().st_mode & 0o777 == 0o600


@pytest.mark.once
class TestNothingIsReplacedByAccident:
    def test_a_backup_never_replaces_another(self, filled: Deployment, tmp_path: Path):
        (tmp_path / "all.tar").write_bytes(b"an earlier one")
        assert filled.run_command("backup", tmp_path / "all.tar").returncode == 1
        assert (tmp_path / "all.tar").read_bytes() == b"an earlier one"

    def test_a_deployment_with_data_is_replaced_only_by_force(self, filled: Deployment, tmp_path: Path):
        filled.run_checked("backup", tmp_path / "all.tar")
        filled.run_script("from observer.models import Organisation; Organisation.objects.create(code='later')")
        refused = filled.run_command("restore", tmp_path / "all.tar")
        assert refused.returncode == 1
        assert "not empty" in refused.stderr
        assert "later" in filled.run_script(SHOW)
        filled.run_checked("restore", "--force", tmp_path / "all.tar")
        assert "later" not in filled.run_script(SHOW)

    def test_a_damaged_backup_changes_nothing(self, filled: Deployment, empty: Deployment, tmp_path: Path):
        filled.run_checked("backup", tmp_path / "all.tar")
        whole = (tmp_path / "all.tar").read_bytes()
        with tarfile.open(tmp_path / "all.tar") as tar:
            places = {member.name.split("/")[0]: member.offset_data for member in tar}
        broken = {"cut": whole[: len(whole) // 2], "empty": b""}
        for kind in ("manifest.json", "database", "sealed", "public", "parts", "sums"):
            changed = bytearray(whole)
            changed[places[kind] + 30] ^= 1
            broken[kind] = bytes(changed)
        empty.migrate()
        for kind, content in broken.items():
            (tmp_path / kind).write_bytes(content)
            refused = empty.run_command("restore", tmp_path / kind)
            assert refused.returncode == 1, kind
            assert "Nothing was changed" in refused.stderr, (kind, refused.stderr)
        assert "reports.Report " not in empty.run_script(SHOW)
        assert not (empty.data / "sealed").exists()


@pytest.mark.once
class TestADamagedDisk:
    @pytest.mark.parametrize("lost", ["of a report", "of a case"])
    def test_is_reported_and_the_rest_is_saved(self, filled: Deployment, empty: Deployment, tmp_path: Path, lost: str):
        sealed = [path for path in (filled.data / "sealed").rglob("*") if path.is_file() and path.stat().st_size > 1]
        least, most = sorted(sealed, key=lambda path: path.stat().st_size)
        (most if lost == "of a report" else least).unlink()
        done = filled.run_command("backup", tmp_path / "all.tar")
        assert done.returncode == 1
        assert "missing or damaged" in done.stderr
        empty.run_checked("restore", tmp_path / "all.tar")
        assert empty.run_script(SHOW).count("reports.Report ") == 40


class TestRotatingKeys:
    def test_everything_opens_under_the_new_keys_alone(self, filled: Deployment, empty: Deployment):
        before = filled.run_script(SHOW)
        new, lookup = empty.environment["SECRET_KEY"], "another look-up key, long enough to be one"
        both = {"FIELD_KEYS": f"{new},{filled.environment['FIELD_KEYS']}", "LOOKUP_KEY": lookup}
        output = filled.run_checked("rotate_keys", **both)
        assert "1 enrolment codes" in output
        assert filled.run_checked("rotate_keys", **both).startswith("0 values re-encrypted, 0 observers")
        filled.environment |= {"FIELD_KEYS": new, "LOOKUP_KEY": lookup}
        after = filled.run_script(SHOW)
        differ = {a.split()[0] for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b}
        assert differ == {"observer.Observer"}  # their look-ups, and nothing else
        found = (
            "from observer import crypto; from observer.models import Observer\n"
            "print(Observer.objects.filter(phone_lookup=crypto.compute_lookup('phone', '+7 701 000 00 00')).count())"
        )
        assert filled.run_script(found).strip() == "2"

    def test_a_lost_key_is_reported_and_changes_nothing(self, filled: Deployment, empty: Deployment):
        before = filled.run_script(SHOW)
        lost = filled.run_command("rotate_keys", FIELD_KEYS=filled.environment["SECRET_KEY"])
        assert lost.returncode == 1
        assert "open with none of FIELD_KEYS" in lost.stderr
        assert filled.run_script(SHOW) == before
