"""Several workers recompute at once, and some are killed.

Only PostgreSQL can show it: there one transaction runs while another has not committed.
"""

import os
import random
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread, current_thread
from unittest import mock

import pytest
from django.conf import settings
from django.db import connection, connections

from observer.models import Commission
from reports.models import Due, Report, Summary, Violation
from reports.services.figures import refresh
from reports.services.figures.recount import check_summaries
from reports.services.figures.refresh import recompute_due_summaries, recompute_summaries
from reports.services.publishing.live_summary import build_live_summary
from reports.services.review import decisions
from tests.support.intake import store_report
from tests.support.refresh import STATIONS, Killed, assert_figures_match, move_commission, store_station_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, payload

# ── at the same moment, on PostgreSQL ───────────────────────────────────────────────────────
only_postgresql = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


class TestTwoWorkersAtOneCommission:
    pytestmark = only_postgresql

    @contextmanager
    def _recomputing(self, world, code, until):
        """Another worker is in the middle: it has read, and has not written. `until` lets it go on."""
        reading = Event()
        original = refresh._merge_children

        def slow(*arguments):
            found = original(*arguments)
            if current_thread() is thread:
                reading.set()
                assert until.wait(30)
            return found

        def job():
            with mock.patch.object(refresh, "_merge_children", slow):
                recompute_summaries(commissions=[world.tree[code].pk], now=lambda: DAY)

        errors = []
        thread = Thread(target=lambda: _run_and_collect_errors(job, errors))
        thread.start()
        assert reading.wait(30)
        try:
            yield
        finally:
            until.set()
            thread.join(30)
            assert not errors

    def test_a_report_that_comes_after_the_reading_is_not_lost(self, concurrent_world):
        world = concurrent_world
        store_station_report(world)
        resume = Event()
        with self._recomputing(world, "KZ-1-1-1", resume):
            store_station_report(world, world.second, V03="yes")
        assert Due.objects.filter(commission=world.tree["KZ-1-1-1"]).exists()
        assert_figures_match()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == 2

    def test_a_second_worker_leaves_it_and_goes_on_elsewhere(self, concurrent_world):
        world = concurrent_world
        store_station_report(world)
        assert_figures_match()
        store_station_report(world)
        store_station_report(world, world.second, commission="KZ-2-1-1")
        resume = Event()
        with self._recomputing(world, "KZ-1-1-1", resume):
            # The other has deleted its Due rows and not committed; this worker skips it and finishes the rest.
            assert recompute_due_summaries() == 4
            assert Summary.objects.get(commission=world.tree["KZ-2"]).tally["reports"] == 1
        assert_figures_match()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == 3

    def test_a_patient_one_waits_for_it(self, concurrent_world):
        world = concurrent_world
        store_station_report(world)
        resume, finished = Event(), Event()

        def refresh_and_finish():
            recompute_due_summaries(wait_for_others=True)
            finished.set()

        errors = []
        with self._recomputing(world, "KZ-1-1-1", resume):
            thread = Thread(target=lambda: _run_and_collect_errors(refresh_and_finish, errors))
            thread.start()
            assert not finished.wait(0.5)
        thread.join(30)
        assert finished.is_set()
        assert not errors
        assert check_summaries().different == {}

    def test_a_commission_that_moves_meanwhile_tells_its_new_parent(self, concurrent_world):
        world = concurrent_world
        assert_figures_match()
        store_station_report(world)
        resume, moved = Event(), Event()
        errors = []

        def moving():
            move_commission(world.tree["KZ-1-1-1"], world.tree["KZ-2-1"])
            moved.set()

        with self._recomputing(world, "KZ-1-1-1", resume):
            mover = Thread(target=lambda: _run_and_collect_errors(moving, errors))
            mover.start()
            assert not moved.wait(0.5)  # it waits for the lock of the figures
        mover.join(30)
        assert not errors
        assert_figures_match()
        assert Summary.objects.get(commission=world.tree["KZ-2"]).tally["reports"] == 1
        assert "reports" not in Summary.objects.get(commission=world.tree["KZ-1"]).tally


def _run_and_collect_errors(job, errors):
    try:
        job()
    except BaseException as error:
        errors.append(error)
    finally:
        connections.close_all()


class TestEverythingAtOnce:
    pytestmark = [*only_postgresql, pytest.mark.slow]

    @pytest.mark.parametrize("seed", range(3))
    def test_workers_reports_decisions_and_moves_end_in_the_recomputed_figures(self, concurrent_world, seed):
        world = concurrent_world
        phones = [world.first, world.second, *(world.enrol_phone(f"OB-5{n}55") for n in range(3))]
        finished = Event()

        def observing(phone, chance):
            mine = []
            for _ in range(40):
                answers = {"V03": chance.choice(["yes", "no"]), "X05": chance.randrange(9)}
                mine.append(store_station_report(world, phone, chance.choice(STATIONS), **answers))
                if chance.random() < 0.3:
                    old = chance.choice(mine)
                    place = Commission.objects.get(pk=old.commission_id)
                    body = payload(commission=place.code, supersedes=str(old.uuid))
                    mine.append(store_report(phone, body))

        def deciding(chance):
            while not finished.is_set():
                one = Report.objects.order_by("?").first()
                if one is None:
                    continue
                chance.choice(
                    [decisions.verify_report, decisions.reject_report, decisions.restore_report, decisions.hold_report]
                )(report=one, user=None, now=DAY)
                violation = Violation.objects.order_by("?").first()
                if violation is not None:
                    state = chance.choice(["confirmed", "refuted", "reported"])
                    decisions.decide_violation(violation=violation, state=state, user=None, now=DAY)

        def moving(chance):
            while not finished.is_set():
                place, parent = chance.choice(STATIONS), chance.choice(["KZ-1-1", "KZ-1-2", "KZ-2-1", "KZ-2-2"])
                move_commission(world.tree[place], world.tree[parent])

        def refreshing(chance):
            while not finished.is_set():
                try:
                    if chance.random() < 0.3:
                        _refresh_and_die(chance.randrange(12))
                    else:
                        recompute_due_summaries(max_commissions=chance.choice([1, 3, None]))
                except Killed:
                    connection.close()

        def all_observing():
            try:
                run_concurrently(
                    [lambda p=p, n=n: observing(p, random.Random(seed * 10 + n)) for n, p in enumerate(phones)]
                )
            finally:
                finished.set()

        chances = [random.Random(seed * 100 + n) for n in range(5)]
        run_concurrently(
            [
                all_observing,
                lambda: deciding(chances[0]),
                lambda: moving(chances[1]),
                *(lambda chance=chance: refreshing(chance) for chance in chances[2:]),
            ]
        )
        assert_figures_match()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == Report.objects.counted().count()


def _refresh_and_die(statements):
    remaining = [statements]

    def dying(execute, sql, params, many, context):
        if remaining[0] <= 0:
            raise Killed
        remaining[0] -= 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(dying):
        recompute_due_summaries()


class TestAProcessKilled:
    pytestmark = [*only_postgresql, pytest.mark.slow]

    def test_by_the_system_in_the_middle_of_its_transaction(self, concurrent_world):
        world = concurrent_world
        store_station_report(world, V03="yes")
        program = (
            "import django, os, signal; django.setup();"
            "from reports.services.figures import refresh;"
            "refresh._merge_children = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
            "refresh.recompute_due_summaries()"
        )
        name = connection.settings_dict["NAME"]
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}",
        }
        ended = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=settings.BASE_DIR, check=False, timeout=60
        )
        assert ended.returncode == -9
        assert Due.objects.filter(commission=world.tree["KZ-1-1-1"]).exists()
        assert_figures_match()
        after = DAY + timedelta(days=3)
        document = build_live_summary(commission=world.tree["KZ-1-1"], language="en", now=after)
        assert document["coverage"]["reports"] == 1
