"""Durability: a report with a receipt survives a power cut.

By the database's settings and behaviour.
"""

import sqlite3

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from observer.models import Trail
from reports.models import Due, Evidence, Report, Violation
from reports.services.background import wakeups
from reports.services.intake import intake
from tests.support.intake import build_photo, send_report
from tests.support.world import DAY, World, payload

IS_SQLITE = connection.vendor == "sqlite"


def read_setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}" if IS_SQLITE else f"SHOW {name}")
        return str(cursor.fetchone()[0])


class TestTheDatabaseIsTold:
    def test_to_have_every_commit_on_disk_before_it_answers(self, transactional_db):
        wanted = (
            {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
            if IS_SQLITE
            else {"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on"}
        )
        assert {name: read_setting(name) for name in wanted} == wanted

    def test_to_wait_for_its_turn_for_twenty_seconds(self, transactional_db):
        name, wanted = ("busy_timeout", "20000") if IS_SQLITE else ("lock_timeout", "20s")
        assert read_setting(name) == wanted

    def test_the_same_in_every_thread_and_after_every_reconnect(self, transactional_db):
        name, wanted = ("synchronous", "2") if IS_SQLITE else ("synchronous_commit", "on")
        connection.close()
        assert read_setting(name) == wanted

    def test_to_see_what_others_have_committed(self, transactional_db):
        """READ COMMITTED, or one writer at a time: refreshing a summary relies on it."""
        if IS_SQLITE:
            assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        else:
            assert read_setting("transaction_isolation") == "read committed"

    def test_nothing_of_whole_requests(self):
        """With a transaction around a request, the answer would be sent before its commit."""
        assert not connection.settings_dict["ATOMIC_REQUESTS"]
        assert connection.settings_dict["AUTOCOMMIT"]
        assert "django.middleware.transaction.TransactionMiddleware" not in settings.MIDDLEWARE


class TestAReceipt:
    def other_session(self) -> int:
        """How many reports another connection sees, which are the committed ones."""
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM reports_report")
                return int(cursor.fetchone()[0])
        finally:
            other.close()

    def test_is_given_after_the_commit(self, concurrent_world: World):
        assert send_report(concurrent_world.first, payload()).kind == "stored"
        assert self.other_session() == 1

    def test_is_not_lost_where_nobody_can_be_woken(self, concurrent_world: World, monkeypatch):
        def broken(task: str) -> None:
            raise ConnectionError("no broker")

        monkeypatch.setattr(wakeups, "wake_task", broken)
        assert send_report(concurrent_world.first, payload()).kind == "stored"
        assert self.other_session() == 1
        assert Due.objects.count() == 1

    def test_is_not_given_where_anything_fails_and_then_nothing_is_stored(self, concurrent_world: World, monkeypatch):
        def broken(**_: object) -> None:
            raise RuntimeError("the power is cut")

        monkeypatch.setattr(intake, "mark_due", broken)
        with pytest.raises(RuntimeError):
            send_report(concurrent_world.first, payload(answers={"V03": "yes"}, evidence=[build_photo()]))
        assert self.other_session() == 0
        for model in (Report, Violation, Evidence, Due, Trail):
            assert not model.objects.exists()


class TestATransaction:
    def test_of_the_embedded_database_takes_its_turn_at_its_beginning(self, transactional_db):
        """IMMEDIATE: taking the lock later in a transaction would fail at once, without waiting."""
        with transaction.atomic():
            assert connection.in_atomic_block
            if IS_SQLITE:
                other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    other.execute("BEGIN IMMEDIATE")
                other.execute("SELECT count(*) FROM reports_report")  # readers never wait
                other.close()

    def test_that_reads_first_and_writes_then_is_never_told_that_it_is_locked(self, concurrent_world: World):
        with transaction.atomic():
            assert not Report.objects.exists()
            assert send_report(concurrent_world.first, payload(), now=DAY).kind == "stored"
        assert Report.objects.count() == 1
