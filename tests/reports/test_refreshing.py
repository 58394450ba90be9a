"""Recomputing while everything goes on: several workers, killed ones, moves, a broker that refuses all day.

Whatever the interleaving, the figures end as a recomputation from the reports has them.
"""

import io
import os
import random
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread, current_thread
from unittest import mock

import pytest
from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from observer.models import Commission
from reports import tasks, worker
from reports.models import Due, Report, Summary, Violation
from reports.services import decisions, forms, remembered, summaries, waking
from reports.services.checking import summaries_check
from reports.services.due import due_add
from reports.services.summaries import summaries_recompute, summaries_refresh, summary_document
from tests.door import stored
from tests.world import DAY, World, payload

STATIONS = [f"KZ-{r}-{d}-{p}" for r in (1, 2) for d in (1, 2) for p in (1, 2, 3)]


class Killed(BaseException):
    """The process is gone: nothing that catches exceptions may save it."""


def report(world, phone=None, commission="KZ-1-1-1", **answers):
    return stored(phone or world.first, payload(commission=commission, answers={"V03": "no", "V15": "no"} | answers))


def all_settled():
    """Nothing waits, and every figure is what the reports say."""
    summaries_refresh(patient=True)
    checked = summaries_check()
    assert checked.different == {}
    assert checked.waiting == 0


def in_threads(*jobs):
    """Runs each in a thread of its own, with a connection of its own; raises the first failure."""
    failed = []

    def run(job):
        try:
            job()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failed:
        raise failed[0]


def move(place, parent):
    """As an import does it: one transaction, with what is due."""
    with transaction.atomic():
        row = Commission.objects.select_for_update(no_key=True).get(pk=place.pk)
        due_add(commissions=[row.parent_id, parent.pk], at=DAY)
        row.parent, row.path = parent, f"{parent.path}{row.code}/"
        row.save(update_fields=["parent", "path"])


# ── one step at a time, on both databases ───────────────────────────────────────────────────
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
            phones = [world.first, world.second, world.enrolled("OB-4444")]
            sent: list[Report] = []
            for _ in range(data.draw(st.integers(3, 14))):
                step = data.draw(st.sampled_from(["send", "send", "correct", "decide", "violation", "move", "refresh"]))
                _step(step, data, world, phones, sent)
            all_settled()


@contextmanager
def rolled_back():
    forms.forget()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    forms.forget()


def _step(step, data, world, phones, sent):
    def pick(options):
        return data.draw(st.sampled_from(options))

    one = pick(sent) if sent else None
    if step == "send" or one is None:
        answers = {"V03": pick(["yes", "no", "not_observed"]), "V90": pick(["good", "bad"]), "X05": pick([0, 7])}
        sent.append(report(world, pick(phones), pick(STATIONS[:4]), **answers))
    elif step == "correct":
        phone = next(p for p in phones if p.observer.pk == one.observer_id)
        place = Commission.objects.get(pk=one.commission_id)
        body = payload(commission=place.code, answers={"V03": "no", "V15": "no"}, supersedes=str(one.uuid))
        sent.append(stored(phone, body))
    elif step == "decide":
        decision = pick(
            [decisions.report_verify, decisions.report_reject, decisions.report_hold, decisions.report_restore]
        )
        decision(report=Report.objects.get(pk=one.pk), user=None, at=DAY)
    elif step == "violation":
        violation = Violation.objects.filter(report=one).first()
        if violation is not None:
            decisions.violation_decide(
                violation=violation, state=pick(["confirmed", "refuted", "reported"]), user=None, at=DAY
            )
    elif step == "move":
        move(world.tree[pick(STATIONS[:4])], world.tree[pick(["KZ-1-1", "KZ-2-2", "KZ-2"])])
    else:
        summaries_refresh(most=pick([1, 2, 5, 50]))


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
                summaries_recompute(commissions=keys, at=lambda: DAY)
        except Killed:
            return True
        return False

    def test_nothing_is_lost_at_any_step(self, transactional_db):
        world = World()
        all_settled()
        report(world, V03="yes")
        died = statements = 0
        while self._killed_after(statements):
            died += 1
            statements += 1
            assert Due.objects.filter(commission=world.tree["KZ-1-1-1"]).exists()
            assert summaries_check().different == {}
        assert died > 6
        all_settled()
        document = summary_document(commission=world.tree["KZ"], language="en")
        assert document["stages"]["voting"]["questions"]["V03"]["yes"] == 1


class TestADeadBroker:
    def test_reports_are_taken_and_the_sweep_finds_them(self, transactional_db, settings):
        world = World()
        settings.EMBEDDED = False
        refused = mock.Mock(side_effect=ConnectionRefusedError("no broker today"))
        with mock.patch.object(current_app, "send_task", refused), mock.patch.object(waking, "_listeners", {}):
            for place in STATIONS[:3]:
                report(world, commission=place)
            assert Due.objects.count() == 3
            tasks.refresh_summaries()
        all_settled()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == 3

    def test_every_thread_publishes_through_the_configured_application(self):
        names = []
        in_threads(lambda: names.append(current_app.main))
        assert names == ["baqylau"]


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

        with mock.patch.object(worker, "wait", lambda task, seconds: True), mock.patch.object(worker.log, "exception"):
            thread = Thread(target=worker.run, args=("reports.refresh_summaries", work, stop), daemon=True)
            thread.start()
            assert done.wait(10)
            thread.join(10)
            assert worker.log.exception.call_count == 2

    def test_it_is_started_once_a_process(self):
        with mock.patch.object(worker, "run", lambda *_: Event().wait(5)), mock.patch.object(worker, "_running", {}):
            worker.start()
            first = {task: thread for task, (_pid, thread) in worker._running.items()}
            worker.start()
            assert {task: thread for task, (_pid, thread) in worker._running.items()} == first
            assert len(first) == 3
            assert all(thread.daemon for thread in first.values())

    def test_a_report_reaches_the_root_without_any_request(self, transactional_db):
        world = World()
        stop, reached = Event(), Event()

        def work():
            done = summaries_refresh()
            if Summary.objects.filter(commission=world.tree["KZ"], tally__reports=1).exists():
                stop.set()
                reached.set()
            return done

        thread = Thread(target=worker.run, args=("reports.refresh_summaries", work, stop), daemon=True)
        thread.start()
        report(world)
        assert reached.wait(20)
        thread.join(10)
        all_settled()


class TestTheCommandAndTheTasks:
    def test_refreshing_until_nothing_waits(self, world):
        report(world)
        output = io.StringIO()
        call_command("refresh_summaries", stdout=output)
        assert not Due.objects.exists()
        assert " summaries recomputed" in output.getvalue()

    def test_a_task_may_run_twice(self, world, monkeypatch):
        monkeypatch.setattr(tasks, "SECONDS", 600.0)
        report(world)
        assert tasks.refresh_summaries() > 0
        assert tasks.refresh_summaries() == 0
        assert tasks.process_evidence() == 0

    def test_they_go_by_the_names_that_services_wake(self):
        assert {
            tasks.refresh_summaries.name,
            tasks.process_evidence.name,
            tasks.write_exports.name,
        } == set(waking.TASKS)

    def test_a_task_stops_in_time_and_leaves_the_rest_due(self, world):
        report(world)
        with mock.patch.object(summaries.time, "monotonic", side_effect=iter(range(10_000))):
            summaries_refresh(seconds=2)
        assert Due.objects.exists()
        all_settled()


class TestReportsThatNeverStopComing:
    def test_the_root_is_not_starved(self, world):
        all_settled()
        depths = []
        original = summaries_recompute

        def recompute(*, commissions, at):
            """At every step another report comes in, at another station."""
            report(world, world.enrolled(f"OB-{7000 + len(depths)}"), STATIONS[len(depths) % len(STATIONS)])
            depths.append(set(Commission.objects.filter(pk__in=commissions).values_list("depth", flat=True)))
            return original(commissions=commissions, at=at)

        report(world)
        with mock.patch.object(summaries, "summaries_recompute", recompute):
            summaries_refresh(most=24)
        assert depths[:8] == [{3}, {2}, {1}, {0}] * 2
        all_settled()

    def test_a_crowd_at_the_deepest_level_is_climbed_in_rounds_and_the_longest_waiting_go_first(self, world):
        all_settled()
        for place in reversed(STATIONS):
            report(world, commission=place)
        done = []
        original = summaries_recompute

        def recompute(*, commissions, at):
            done.extend(Commission.objects.filter(pk__in=commissions).order_by("pk").values_list("code", flat=True))
            return original(commissions=commissions, at=at)

        with (
            mock.patch.object(summaries, "summaries_recompute", recompute),
            mock.patch.multiple(summaries, ROUND=-1.0, CHUNK=3, CHUNK_SQLITE=3),
        ):
            summaries_refresh()
        assert done[:6] == ["KZ-2-2-1", "KZ-2-2-2", "KZ-2-2-3", "KZ-2-2", "KZ-2", "KZ"]
        assert done.count("KZ") == 4
        all_settled()


class TestMessagesToTheWorker:
    @pytest.fixture
    def sent(self, settings):
        """What is sent; with a cache of the test's own, which nobody else clears."""
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        with mock.patch.object(current_app, "send_task") as send_task:
            yield send_task

    def test_one_waits_at_a_time_and_none_is_missed_once_it_is_begun(self, sent, db):
        waking._publish("reports.refresh_summaries")
        waking._publish("reports.refresh_summaries")
        waking._publish("reports.process_evidence")
        assert sent.call_count == 2
        tasks.refresh_summaries()
        waking._publish("reports.refresh_summaries")
        assert sent.call_count == 3

    def test_one_that_could_not_be_sent_is_sent_the_next_time(self, sent):
        sent.side_effect = ConnectionRefusedError
        with pytest.raises(ConnectionRefusedError):
            waking._publish("reports.refresh_summaries")
        sent.side_effect = None
        waking._publish("reports.refresh_summaries")
        assert sent.call_count == 2


class TestWhatIsRemembered:
    def test_a_country_larger_than_the_memory_is_counted_all_the_same(self, world):
        with mock.patch.object(remembered, "LINES", 3):
            for place in STATIONS:
                report(world, commission=place)
            all_settled()
            assert remembered._lines <= 3
            report(world, world.second)
            all_settled()

    def test_children_that_did_not_change_are_not_read_again(self, world):
        for place in STATIONS:
            report(world, commission=place)
        all_settled()
        asked = []
        original = summaries.said_by
        with mock.patch.object(
            summaries, "said_by", lambda *, versions: asked.append(versions) or original(versions=versions)
        ):
            report(world, world.second)
            summaries_refresh()
        read = [known for versions in asked for known in versions if known in remembered._known]
        assert len(read) == sum(map(len, asked)) == 3 + 2 + 2
        assert remembered._lines == sum(len(one.flat) for one in remembered._known.values())

    def test_a_revision_that_was_undone_and_came_again_otherwise_is_read_anew(self, world):
        all_settled()
        with transaction.atomic():
            report(world, V03="yes")
            summaries_refresh()
            transaction.set_rollback(True)
        report(world, V03="no")
        all_settled()


class TestTheCostOfOneReport:
    def test_it_is_its_own_place_and_those_above_whatever_the_countrys_size(self, world):
        report(world)
        all_settled()
        report(world, world.second)
        with CaptureQueriesContext(connection) as queries:
            assert summaries_refresh() == 4
        assert len(queries) <= 4 * 13 + 3


# ── at the same moment, on PostgreSQL ───────────────────────────────────────────────────────
only_postgresql = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


class TestTwoWorkersAtOneCommission:
    pytestmark = only_postgresql

    @contextmanager
    def _recomputing(self, world, code, until):
        """Another worker is in the middle: it has read, and has not written. `until` lets it go on."""
        reading = Event()
        original = summaries._merge_children

        def slow(*arguments):
            found = original(*arguments)
            if current_thread() is thread:
                reading.set()
                assert until.wait(30)
            return found

        def job():
            with mock.patch.object(summaries, "_merge_children", slow):
                summaries_recompute(commissions=[world.tree[code].pk], at=lambda: DAY)

        errors = []
        thread = Thread(target=lambda: _guarded(job, errors))
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
        report(world)
        go = Event()
        with self._recomputing(world, "KZ-1-1-1", go):
            report(world, world.second, V03="yes")
        assert Due.objects.filter(commission=world.tree["KZ-1-1-1"]).exists()
        all_settled()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == 2

    def test_a_second_worker_leaves_it_and_goes_on_elsewhere(self, concurrent_world):
        world = concurrent_world
        report(world)
        all_settled()
        report(world)
        report(world, world.second, commission="KZ-2-1-1")
        go = Event()
        with self._recomputing(world, "KZ-1-1-1", go):
            # Its Due rows are deleted by the other, not yet for us; we pass by and finish the rest.
            assert summaries_refresh() == 4
            assert Summary.objects.get(commission=world.tree["KZ-2"]).tally["reports"] == 1
        all_settled()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == 3

    def test_a_patient_one_waits_for_it(self, concurrent_world):
        world = concurrent_world
        report(world)
        go, finished = Event(), Event()

        def patiently():
            summaries_refresh(patient=True)
            finished.set()

        errors = []
        with self._recomputing(world, "KZ-1-1-1", go):
            thread = Thread(target=lambda: _guarded(patiently, errors))
            thread.start()
            assert not finished.wait(0.5)
        thread.join(30)
        assert finished.is_set()
        assert not errors
        assert summaries_check().different == {}

    def test_a_commission_that_moves_meanwhile_tells_its_new_parent(self, concurrent_world):
        world = concurrent_world
        all_settled()
        report(world)
        go, moved = Event(), Event()
        errors = []

        def moving():
            move(world.tree["KZ-1-1-1"], world.tree["KZ-2-1"])
            moved.set()

        with self._recomputing(world, "KZ-1-1-1", go):
            mover = Thread(target=lambda: _guarded(moving, errors))
            mover.start()
            assert not moved.wait(0.5)  # it waits for the figures, a moment
        mover.join(30)
        assert not errors
        all_settled()
        assert Summary.objects.get(commission=world.tree["KZ-2"]).tally["reports"] == 1
        assert "reports" not in Summary.objects.get(commission=world.tree["KZ-1"]).tally


def _guarded(job, errors):
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
        phones = [world.first, world.second, *(world.enrolled(f"OB-5{n}55") for n in range(3))]
        over = Event()

        def observing(phone, chance):
            mine = []
            for _ in range(40):
                answers = {"V03": chance.choice(["yes", "no"]), "X05": chance.randrange(9)}
                mine.append(report(world, phone, chance.choice(STATIONS), **answers))
                if chance.random() < 0.3:
                    old = chance.choice(mine)
                    place = Commission.objects.get(pk=old.commission_id)
                    body = payload(commission=place.code, supersedes=str(old.uuid))
                    mine.append(stored(phone, body))

        def deciding(chance):
            while not over.is_set():
                one = Report.objects.order_by("?").first()
                if one is None:
                    continue
                chance.choice(
                    [decisions.report_verify, decisions.report_reject, decisions.report_restore, decisions.report_hold]
                )(report=one, user=None, at=DAY)
                violation = Violation.objects.order_by("?").first()
                if violation is not None:
                    state = chance.choice(["confirmed", "refuted", "reported"])
                    decisions.violation_decide(violation=violation, state=state, user=None, at=DAY)

        def moving(chance):
            while not over.is_set():
                place, parent = chance.choice(STATIONS), chance.choice(["KZ-1-1", "KZ-1-2", "KZ-2-1", "KZ-2-2"])
                move(world.tree[place], world.tree[parent])

        def refreshing(chance):
            while not over.is_set():
                try:
                    if chance.random() < 0.3:
                        _refresh_and_die(chance.randrange(12))
                    else:
                        summaries_refresh(most=chance.choice([1, 3, None]))
                except Killed:
                    connection.close()

        def all_observing():
            try:
                in_threads(*(lambda p=p, n=n: observing(p, random.Random(seed * 10 + n)) for n, p in enumerate(phones)))
            finally:
                over.set()

        chances = [random.Random(seed * 100 + n) for n in range(5)]
        in_threads(
            all_observing,
            lambda: deciding(chances[0]),
            lambda: moving(chances[1]),
            *(lambda chance=chance: refreshing(chance) for chance in chances[2:]),
        )
        all_settled()
        assert Summary.objects.get(commission=world.tree["KZ"]).tally["reports"] == Report.objects.counted().count()


def _refresh_and_die(statements):
    left = [statements]

    def dying(execute, sql, params, many, context):
        if left[0] <= 0:
            raise Killed
        left[0] -= 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(dying):
        summaries_refresh()


class TestAProcessKilled:
    pytestmark = [*only_postgresql, pytest.mark.slow]

    def test_by_the_system_in_the_middle_of_its_transaction(self, concurrent_world):
        world = concurrent_world
        report(world, V03="yes")
        program = (
            "import django, os, signal; django.setup();"
            "from reports.services import summaries;"
            "summaries._merge_children = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
            "summaries.summaries_refresh()"
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
        all_settled()
        after = DAY + timedelta(days=3)
        document = summary_document(commission=world.tree["KZ-1-1"], language="en", at=after)
        assert document["coverage"]["reports"] == 1
