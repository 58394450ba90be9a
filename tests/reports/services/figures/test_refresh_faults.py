"""Recomputing under faults: killed workers, moved commissions, a broker that is down.

In whatever order things happen, the figures end equal to a second count from the reports.
"""

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from unittest import mock

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from observer.models import Commission
from reports import tasks, worker
from reports.models import Due, Report, Summary, Violation
from reports.services.background import wakeups
from reports.services.checklists import compiled
from reports.services.figures import child_cache, refresh
from reports.services.figures.recount import check_summaries
from reports.services.figures.refresh import recompute_due_summaries, recompute_summaries
from reports.services.publishing.live_summary import build_live_summary
from reports.services.review import decisions
from tests.support.intake import store_report
from tests.support.refresh import STATIONS, Killed, assert_figures_match, move_commission, store_station_report
from tests.support.world import DAY, World, payload


# ── one step at a time, on both databases ───────────────────────────────────────────────────
@pytest.mark.slow
class TestAnythingInAnyOrder:
    @given(data=st.data())
    @hypothesis_settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_reports_decisions_and_partial_refreshing_end_in_the_recomputed_figures(self, db, data):
        with rolled_back():
            world = World()
            phones = [world.first, world.second, world.enrol_phone("OB-4444")]
            sent: list[Report] = []
            for _ in range(data.draw(st.integers(3, 14))):
                step = data.draw(st.sampled_from(["send", "send", "correct", "decide", "violation", "move", "refresh"]))
                _step(step, data, world, phones, sent)
            assert_figures_match()


@contextmanager
def rolled_back():
    compiled.clear_cache()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    compiled.clear_cache()


def _step(step, data, world, phones, sent):
    def pick(options):
        return data.draw(st.sampled_from(options))

    one = pick(sent) if sent else None
    if step == "send" or one is None:
        answers = {"V03": pick(["yes", "no", "not_observed"]), "V90": pick(["good", "bad"]), "X05": pick([0, 7])}
        sent.append(store_station_report(world, pick(phones), pick(STATIONS[:4]), **answers))
    elif step == "correct":
        phone = next(p for p in phones if p.observer.pk == one.observer_id)
        place = Commission.objects.get(pk=one.commission_id)
        body = payload(commission=place.code, answers={"V03": "no", "V15": "no"}, supersedes=str(one.uuid))
        sent.append(store_report(phone, body))
    elif step == "decide":
        decision = pick(
            [decisions.verify_report, decisions.reject_report, decisions.hold_report, decisions.restore_report]
        )
        decision(report=Report.objects.get(pk=one.pk), user=None, now=DAY)
    elif step == "violation":
        violation = Violation.objects.filter(report=one).first()
        if violation is not None:
            decisions.decide_violation(
                violation=violation, state=pick(["confirmed", "refuted", "reported"]), user=None, now=DAY
            )
    elif step == "move":
        move_commission(world.tree[pick(STATIONS[:4])], world.tree[pick(["KZ-1-1", "KZ-2-2", "KZ-2"])])
    else:
        recompute_due_summaries(max_commissions=pick([1, 2, 5, 50]))


class TestAWorkerKilledInTheMiddle:
    """At every statement of its transaction: what it did is undone, what was due is still due."""

    def _killed_after(self, statements):
        """Recomputes one commission and dies after so many statements; whether it died."""
        left = statements

        def dying(execute, sql, params, many, context):
            nonlocal left
            if left <= 0:
                raise Killed
            left -= 1
            return execute(sql, params, many, context)

        keys = list(Due.objects.values_list("commission_id", flat=True))
        try:
            with connection.execute_wrapper(dying):
                recompute_summaries(commissions=keys, now=lambda: DAY)
        except Killed:
            return True
        return False

    def test_nothing_is_lost_at_any_step(self, transactional_db):
        world = World()
        assert_figures_match()
        store_station_report(world, V03="yes")
        died = statements = 0
        while self._killed_after(statements):
            died += 1
            statements += 1
            assert Due.objects.filter(commission=world.tree["KZ-1-1-1"]).exists()
            assert check_summaries().different == {}
        assert died > 6
        assert_figures_match()
        document = build_live_summary(commission=world.tree["KZ"], language="en")
        assert document["stages"]["voting"]["questions"]["V03"]["yes"] == 1


class TestADeadBroker:
    def test_reports_are_taken_and_the_sweep_finds_them(self, transactional_db, settings):
        world = World()
        settings.EMBEDDED = False
        refused = mock.Mock(side_effect=ConnectionRefusedError("no broker today"))
        with mock.patch.object(current_app, "send_task", refused), mock.patch.object(wakeups, "_listeners", {}):
            for place in STATIONS[:3]:
                store_station_report(world, commission=place)
            assert Due.objects.count() == 3
            tasks.refresh_summaries()
        assert_figures_match()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == 3

    def test_every_thread_publishes_through_the_configured_application(self):
        with ThreadPoolExecutor(1) as another:
            name = another.submit(lambda: current_app.main).result()
        assert name == "baqylau"


@pytest.mark.slow
class TestTheEmbeddedThread:
    def test_it_works_when_woken_and_survives_what_fails(self, transactional_db):
        done, stop = Event(), Event()
        outcomes = iter([RuntimeError("a bad moment"), ZeroDivisionError(), 3])

        def work():
            outcome = next(outcomes)
            if isinstance(outcome, Exception):
                raise outcome
            stop.set()
            done.set()
            return outcome

        with (
            mock.patch.object(worker, "wait_for_wake", lambda task, seconds: True),
            mock.patch.object(worker.log, "exception"),
        ):
            thread = Thread(target=worker.run_loop, args=("reports.refresh_summaries", work, stop), daemon=True)
            thread.start()
            assert done.wait(10)
            thread.join(10)
            assert worker.log.exception.call_count == 2

    def test_it_is_started_once_a_process(self):
        with (
            mock.patch.object(worker, "run_loop", lambda *_: Event().wait(5)),
            mock.patch.object(worker, "_running", {}),
        ):
            worker.start_threads()
            first = {task: thread for task, (_pid, thread) in worker._running.items()}
            worker.start_threads()
            assert {task: thread for task, (_pid, thread) in worker._running.items()} == first
            assert len(first) == 4
            assert all(thread.daemon for thread in first.values())

    def test_a_report_reaches_the_root_without_any_request(self, transactional_db):
        world = World()
        stop, reached = Event(), Event()

        def work():
            done = recompute_due_summaries()
            if Summary.objects.filter(commission=world.tree["KZ"], tally__reports=1).exists():
                stop.set()
                reached.set()
            return done

        thread = Thread(target=worker.run_loop, args=("reports.refresh_summaries", work, stop), daemon=True)
        thread.start()
        store_station_report(world)
        assert reached.wait(20)
        thread.join(10)
        assert_figures_match()


class TestTheCommandAndTheTasks:
    def test_refreshing_until_nothing_waits(self, world):
        store_station_report(world)
        output = io.StringIO()
        call_command("refresh_summaries", stdout=output)
        assert not Due.objects.exists()
        assert " summaries recomputed" in output.getvalue()

    def test_a_task_may_run_twice(self, world, monkeypatch):
        monkeypatch.setattr(tasks, "MAX_TASK_SECONDS", 600.0)
        store_station_report(world)
        assert tasks.refresh_summaries() > 0
        assert tasks.refresh_summaries() == 0
        assert tasks.process_evidence() == 0

    def test_they_go_by_the_names_that_services_wake(self):
        assert {
            tasks.refresh_summaries.name,
            tasks.process_evidence.name,
            tasks.write_exports.name,
            tasks.write_lists.name,
        } == set(wakeups.TASKS)

    def test_a_task_stops_in_time_and_leaves_the_rest_due(self, world):
        store_station_report(world)
        with mock.patch.object(refresh.time, "monotonic", side_effect=iter(range(10_000))):
            recompute_due_summaries(max_seconds=2)
        assert Due.objects.exists()
        assert_figures_match()


class TestReportsThatNeverStopComing:
    def test_the_root_is_not_starved(self, world):
        assert_figures_match()
        depths = []
        original = recompute_summaries

        def recompute(*, commissions, now):
            """At every step another report comes in, at another station."""
            store_station_report(
                world, world.enrol_phone(f"OB-{7000 + len(depths)}"), STATIONS[len(depths) % len(STATIONS)]
            )
            depths.append(set(Commission.objects.filter(pk__in=commissions).values_list("depth", flat=True)))
            return original(commissions=commissions, now=now)

        store_station_report(world)
        with mock.patch.object(refresh, "recompute_summaries", recompute):
            recompute_due_summaries(max_commissions=24)
        assert depths[:8] == [{3}, {2}, {1}, {0}] * 2
        assert_figures_match()

    def test_a_crowd_at_the_deepest_level_is_climbed_in_rounds_and_the_longest_waiting_go_first(self, world):
        assert_figures_match()
        for place in reversed(STATIONS):
            store_station_report(world, commission=place)
        done = []
        original = recompute_summaries

        def recompute(*, commissions, now):
            done.extend(Commission.objects.filter(pk__in=commissions).order_by("pk").values_list("code", flat=True))
            return original(commissions=commissions, now=now)

        with (
            mock.patch.object(refresh, "recompute_summaries", recompute),
            mock.patch.multiple(
                refresh,
                DEEPEST_LEVEL_SECONDS=-1.0,
                MAX_COMMISSIONS_PER_TRANSACTION=3,
                MAX_COMMISSIONS_PER_TRANSACTION_SQLITE=3,
            ),
        ):
            recompute_due_summaries()
        assert done[:6] == ["KZ-2-2-1", "KZ-2-2-2", "KZ-2-2-3", "KZ-2-2", "KZ-2", "KZ"]
        assert done.count("KZ") == 4
        assert_figures_match()


class TestMessagesToTheWorker:
    @pytest.fixture
    def sent(self, settings):
        """What is sent; with a cache of the test's own, which nobody else clears."""
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        with mock.patch.object(current_app, "send_task") as send_task:
            yield send_task

    def test_one_waits_at_a_time_and_none_is_missed_once_it_is_begun(self, sent, db):
        wakeups._publish_task("reports.refresh_summaries")
        wakeups._publish_task("reports.refresh_summaries")
        wakeups._publish_task("reports.process_evidence")
        assert sent.call_count == 2
        tasks.refresh_summaries()
        wakeups._publish_task("reports.refresh_summaries")
        assert sent.call_count == 3

    def test_one_that_could_not_be_sent_is_sent_the_next_time(self, sent):
        sent.side_effect = ConnectionRefusedError
        with pytest.raises(ConnectionRefusedError):
            wakeups._publish_task("reports.refresh_summaries")
        sent.side_effect = None
        wakeups._publish_task("reports.refresh_summaries")
        assert sent.call_count == 2


class TestTheChildCache:
    def test_a_country_larger_than_the_memory_is_counted_all_the_same(self, world):
        with mock.patch.object(child_cache, "MAX_CACHED_LINES", 3):
            for place in STATIONS:
                store_station_report(world, commission=place)
            assert_figures_match()
            assert child_cache._cached_lines <= 3
            store_station_report(world, world.second)
            assert_figures_match()

    def test_children_that_did_not_change_are_not_read_again(self, world):
        for place in STATIONS:
            store_station_report(world, commission=place)
        assert_figures_match()
        asked = []
        original = refresh.load_child_figures
        with mock.patch.object(
            refresh, "load_child_figures", lambda *, versions: asked.append(versions) or original(versions=versions)
        ):
            store_station_report(world, world.second)
            recompute_due_summaries()
        read = [known for versions in asked for known in versions if known in child_cache._cache]
        assert len(read) == sum(map(len, asked)) == 3 + 2 + 2
        assert child_cache._cached_lines == sum(len(one.flat) for one in child_cache._cache.values())

    def test_a_revision_that_was_undone_and_came_again_otherwise_is_read_anew(self, world):
        assert_figures_match()
        with transaction.atomic():
            store_station_report(world, V03="yes")
            recompute_due_summaries()
            transaction.set_rollback(True)
        store_station_report(world, V03="no")
        assert_figures_match()


class TestTheCostOfOneReport:
    def test_it_is_its_own_place_and_those_above_whatever_the_countrys_size(self, world):
        store_station_report(world)
        assert_figures_match()
        store_station_report(world, world.second)
        with CaptureQueriesContext(connection) as queries:
            assert recompute_due_summaries() == 4
        assert len(queries) <= 4 * 13 + 3
