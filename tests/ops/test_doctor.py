"""`doctor` says what is not ready, and ends with 1 where it matters."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from reports.models import Due
from reports.services.operations.doctor import examine
from tests.support.deployment import Deployment
from tests.support.world import World

pytestmark = pytest.mark.django_db


def found() -> dict[str, str]:
    told = examine(now=timezone.now())
    return {name: " ".join(f"{finding.level}: {finding.text}" for finding in findings) for name, findings in told}


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path: Path) -> None:
    settings.KEYS_DIR = tmp_path.parent / "keys"


class TestAWellDeployment:
    def test_has_no_errors_in_what_this_process_sees(self, world: World):
        told = found()
        assert [name for name in ("database", "migrations", "keys", "disk", "figures", "clock") if told[name]] == []
        assert "error" not in told["elections"]


class TestWhatIsNotReady:
    def test_an_empty_platform_has_no_election_and_nobody_to_lead_it(self):
        told = found()
        assert "no election" in told["elections"]
        assert "createsuperuser" in told["people"]

    def test_an_election_without_checklists(self, world: World):
        other = type(world.election).objects.create(
            slug="bare", date=world.election.date, opens_at=world.election.opens_at, closes_at=world.election.closes_at
        )
        told = found()["elections"]
        assert f"{other.slug}: no checklist is published" in told
        assert f"{other.slug}: it has no commissions" in told

    def test_other_keys_than_the_data_were_written_with(self, world: World, settings):
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]
        assert "do not open what is stored" in found()["keys"]

    def test_another_lookup_key(self, world: World, settings):
        settings.LOOKUP_KEY = "another"
        assert "rotate_keys" in found()["keys"]

    def test_keys_among_the_data(self, settings):
        settings.KEYS_DIR = settings.DATA_DIR / "keys"
        assert "whoever takes the data" in found()["keys"]

    def test_a_disk_without_room(self, settings):
        settings.DISK_FREE_MIN_EVIDENCE = 10**18
        assert "photos are refused" in found()["disk"]
        settings.DISK_FREE_MIN_REPORTS = 10**18
        assert "reports are refused" in found()["disk"]

    def test_data_open_to_other_users(self, settings):
        settings.DATA_DIR.chmod(0o750)
        assert "chmod go=" in found()["disk"]
        settings.DATA_DIR.chmod(0o700)
        assert "chmod" not in found()["disk"]

    def test_figures_that_wait(self, world: World):
        Due.objects.create(commission=world.tree["KZ"], created_at=timezone.now() - timedelta(minutes=5))
        assert "is the worker alive" in found()["figures"]


@pytest.mark.slow
class TestTheCommand:
    def test_fails_before_migrations_and_says_so(self, deploy: Callable[..., Deployment]):
        deployment = deploy("bare")
        done = deployment.run("doctor")
        assert done.returncode == 1
        assert "run `manage.py migrate`" in done.stdout

    def test_says_ready_or_names_every_error(self, deploy: Callable[..., Deployment]):
        deployment = deploy("ready")
        deployment.migrated()
        done = deployment.run("doctor")
        named = done.stdout.count("  error: ")
        assert done.returncode == (1 if named else 0)
        assert ("no worker answers" in done.stdout) == ("DATABASE_URL" in deployment.environment)
