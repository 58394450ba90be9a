"""The command `doctor`: its findings, and its exit status."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from reports.models import Due
from reports.services.operations.doctor import run_all_checks
from tests.support.deployment import Deployment
from tests.support.world import World

pytestmark = pytest.mark.django_db


def run_doctor() -> dict[str, str]:
    findings = run_all_checks(now=timezone.now())
    return {name: " ".join(f"{finding.level}: {finding.text}" for finding in findings) for name, findings in findings}


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path: Path) -> None:
    settings.KEYS_DIR = tmp_path.parent / "keys"


class TestHealthyDeployment:
    def test_has_no_errors(self, world: World):
        findings = run_doctor()
        assert [name for name in ("database", "migrations", "keys", "disk", "figures", "clock") if findings[name]] == []
        assert "error" not in findings["elections"]


class TestFindings:
    def test_an_empty_platform_has_no_election_and_no_superuser(self):
        findings = run_doctor()
        assert "no election" in findings["elections"]
        assert "createsuperuser" in findings["people"]

    def test_an_election_without_checklists(self, world: World):
        other = type(world.election).objects.create(
            slug="bare", date=world.election.date, opens_at=world.election.opens_at, closes_at=world.election.closes_at
        )
        findings = run_doctor()["elections"]
        assert f"{other.slug}: no checklist is published" in findings
        assert f"{other.slug}: it has no commissions" in findings

    def test_other_keys_than_the_data_were_written_with(self, world: World, settings):
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]
        assert "do not open what is stored" in run_doctor()["keys"]

    def test_another_lookup_key(self, world: World, settings):
        settings.LOOKUP_KEY = "another"
        assert "rotate_keys" in run_doctor()["keys"]

    def test_keys_in_the_data_folder(self, settings):
        settings.KEYS_DIR = settings.DATA_DIR / "keys"
        assert "whoever takes the data" in run_doctor()["keys"]

    def test_a_full_disk(self, settings):
        settings.DISK_FREE_MIN_EVIDENCE = 10**18
        assert "photos are refused" in run_doctor()["disk"]
        settings.DISK_FREE_MIN_REPORTS = 10**18
        assert "reports are refused" in run_doctor()["disk"]

    def test_data_open_to_other_users(self, settings):
        settings.DATA_DIR.chmod(0o750)
        assert "chmod go=" in run_doctor()["disk"]
        settings.DATA_DIR.chmod(0o700)
        assert "chmod" not in run_doctor()["disk"]

    def test_figures_that_wait(self, world: World):
        Due.objects.create(commission=world.tree["KZ"], created_at=timezone.now() - timedelta(minutes=5))
        assert "is the worker alive" in run_doctor()["figures"]


@pytest.mark.slow
class TestTheCommand:
    def test_fails_before_migrations_and_says_so(self, deploy: Callable[..., Deployment]):
        deployment = deploy("bare")
        done = deployment.run_command("doctor")
        assert done.returncode == 1
        assert "run `manage.py migrate`" in done.stdout

    def test_says_ready_or_names_every_error(self, deploy: Callable[..., Deployment]):
        deployment = deploy("ready")
        deployment.migrate()
        done = deployment.run_command("doctor")
        named = done.stdout.count("  error: ")
        assert done.returncode == (1 if named else 0)
        assert ("no worker answers" in done.stdout) == ("DATABASE_URL" in deployment.environment)
