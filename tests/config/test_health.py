"""Health checks and metrics."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from reports.models import Due, Refusal, Unkept
from reports.services.operations import health
from tests.support.world import World

OPERATIONS = Path(__file__).resolve().parent.parent.parent / "docs" / "operations.md"


@pytest.fixture
def from_machine(settings) -> Client:
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    return Client(REMOTE_ADDR="127.0.0.1")


class TestAlive:
    def test_answers_without_a_database(self, client: Client):
        answer = client.get("/healthz")
        assert (answer.status_code, answer.content) == (200, b"ok\n")
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
class TestReady:
    def test_says_yes(self, client: Client):
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {
            "ready": True,
            "checks": {"database": True, "migrations": True, "disk": True},
            "figures": {"late": False},
        }

    def test_says_no_when_the_disk_has_no_room_for_reports(self, client: Client, settings):
        settings.DISK_FREE_MIN_REPORTS = 10**18
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"]["disk"] is False

    def test_says_no_before_migrations_have_run(self, client: Client, monkeypatch):
        monkeypatch.setattr(health, "_migrated", False)
        monkeypatch.setattr(health, "list_missing_migrations", lambda: ["reports.0009_later"])
        assert client.get("/readyz").status_code == 503

    def test_late_figures_do_not_close_the_door(self, client: Client, world: World):
        long_ago = timezone.now() - timedelta(minutes=10)
        Due.objects.create(commission=world.tree["KZ-1-1-1"], created_at=long_ago)
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["figures"] == {"late": True}


@pytest.mark.django_db
class TestMetrics:
    def test_are_called_what_the_operators_guide_calls_them(self, from_machine: Client, world: World):
        said = from_machine.get("/metrics").content.decode()
        told = re.findall(r"`(baqylau_\w+)(\{\w+\})?`", OPERATIONS.read_text())
        assert told
        for name, label in told:
            assert f"# HELP {name} " in said, name
            assert (f"\n{name} " in said) == (not label), name

    def test_count_what_was_accepted_refused_and_waits(self, from_machine: Client, world: World):
        now = timezone.now() - timedelta(seconds=90)
        Due.objects.create(commission=world.tree["KZ-1-1-1"], created_at=now)
        Refusal.objects.create(
            observer=world.first.observer,
            device=world.first.device,
            channel="rest",
            received_at=now,
            code="invalid_answers",
            body=b"x",
            body_sha256="0" * 64,
            size=1,
        )
        Unkept.objects.create(device=world.first.device, bodies=3, size=9, first_at=now, last_at=now)
        lines = dict(
            line.rsplit(" ", 1)
            for line in from_machine.get("/metrics").content.decode().splitlines()
            if not line.startswith("#")
        )
        assert lines['baqylau_reports_refused_total{code="invalid_answers"}'] == "1.0"
        assert lines["baqylau_refused_unkept_total"] == "3.0"
        assert lines["baqylau_reports_accepted_total"] == "0.0"
        assert lines["baqylau_due_rows"] == "1.0"
        assert float(lines["baqylau_due_oldest_seconds"]) >= 90
        assert float(lines["baqylau_disk_free_bytes"]) > 0
        assert lines["baqylau_evidence_unprocessed"] == "0.0"

    def test_are_not_for_strangers(self, settings):
        settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
        assert Client(REMOTE_ADDR="203.0.113.9").get("/metrics").status_code == 404
        through_proxy = Client(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9")
        assert through_proxy.get("/metrics").status_code == 404

    def test_are_for_whoever_knows_the_token_and_nobody_else(self, from_machine: Client, settings):
        settings.METRICS_TOKEN = "known"
        assert from_machine.get("/metrics").status_code == 404
        assert from_machine.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 404
        assert from_machine.get("/metrics", headers={"authorization": "Bearer known"}).status_code == 200
