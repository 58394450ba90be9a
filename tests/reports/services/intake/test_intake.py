"""Intake: a report is stored once, and every retry gets an answer."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from observer import crypto
from observer.models import Assignment, Commission, Contest
from reports.models import Due, Evidence, Refusal, Report, Violation
from reports.services.checklists import compiled
from reports.services.intake.intake import accept_submission, accept_submissions
from tests.support.intake import (
    build_photo,
    build_submission,
    build_unreadable_submission,
    get_problem_code,
    list_kinds,
    send_report,
    send_reports,
    store_report,
)
from tests.support.world import DAY, World, get_uuid, make_election, payload

LATER = DAY + timedelta(days=9)


class TestAReport:
    def test_is_stored_with_everything_it_says(self, world: World):
        contest = Contest.objects.create(election=world.election, code="PRES")
        body = payload(
            contest="PRES",
            slot="10:05",
            comment=" Жәшік\r\n",
            outside=True,
            supersedes=str(uuid4()),
            location={"lat": 43.2500004, "lon": 76.95, "accuracy": 12},
            sent_at="2022-11-20T10:01:00+06:00",
        )
        report = store_report(world.first, body)
        assert report.uuid == get_uuid(body)
        assert report.commission == world.tree["KZ-1-1-1"]
        assert report.version == world.versions["voting"]
        assert (report.contest, report.slot, report.comment, report.outside) == (contest, "10:05", "Жәшік", True)
        assert (report.lat, report.lon, report.accuracy) == (43.25, 76.95, 12)
        assert report.observed_at == DAY
        assert report.sent_at == DAY + timedelta(minutes=1)
        assert report.received_at == report.changed_at == DAY
        assert report.answers == body["answers"]
        assert str(report.supersedes) == body["supersedes"]
        assert (report.observer, report.device) == (world.first.observer, world.first.device)
        assert (report.channel, report.source, report.state) == ("rest", "observer", "received")

    def test_gets_a_receipt_of_what_is_in_the_database(self, world: World):
        outcome = send_report(world.first, body := payload())
        report = Report.objects.get()
        assert outcome.kind == "stored"
        assert outcome.receipt is not None
        assert outcome.receipt.uuid == get_uuid(body)
        assert outcome.receipt.sequence == report.sequence
        assert outcome.receipt.received_at == DAY
        assert outcome.receipt.content_sha256 == report.content_sha256
        assert (outcome.receipt.flags, outcome.receipt.state, outcome.receipt.evidence) == ((), "received", ())

    def test_body_is_kept_to_the_byte_and_encrypted(self, world: World):
        body = payload(comment="A word that is found nowhere: Zhylqaidar")
        raw = json.dumps(body, indent=7).encode() + b"  \r\n"
        accept_submission(replace(build_submission(world.first, body), body=raw), now=DAY)
        kept = bytes(Report.objects.get().body)
        assert crypto.decrypt_body(kept) == raw
        assert b"Zhylqaidar" not in kept
        assert body["id"].encode() not in kept

    def test_leaves_exactly_one_row_due_and_touches_no_ancestor(self, world: World):
        store_report(world.first, payload())
        assert list(Due.objects.values_list("commission__code", flat=True)) == ["KZ-1-1-1"]

    def test_raises_each_violation_once(self, world: World):
        report = store_report(world.first, payload(answers={"V03": "yes", "V19": "no", "V20": "no"}))
        assert sorted(report.violations.values_list("code", "state")) == [
            ("ACC-03", "reported"),
            ("FRD-05", "reported"),
        ]

    def test_keeps_author_submitter_and_channel_apart(self, world: World, django_user_model):
        user = django_user_model.objects.create(username="desk")
        report = store_report(
            world.first, payload(), channel="desk", source="desk", author=user, submitter=world.second.device
        )
        assert (report.channel, report.source, report.author, report.submitter, report.device) == (
            "desk",
            "desk",
            user,
            world.second.device,
            world.first.device,
        )
        assert Report.objects.counted().count() == 1

    def test_of_another_source_than_observation_is_not_counted(self, world: World):
        store_report(world.first, payload(), source="official")
        assert Report.objects.count() == 1
        assert not Report.objects.counted().exists()


class TestTheSameReportAgain:
    def test_gets_the_same_receipt_however_often(self, world: World):
        body = payload(answers={"V03": "yes"}, evidence=[build_photo()])
        first = send_report(world.first, body)
        again = [send_report(world.first, body, now=DAY + timedelta(hours=n)) for n in range(1, 4)]
        assert list_kinds(again) == ["duplicate"] * 3
        assert [outcome.receipt for outcome in again] == [first.receipt] * 3
        counts = [model.objects.count() for model in (Report, Violation, Evidence, Due, Refusal)]
        assert counts == [1, 1, 1, 1, 0]

    def test_is_the_same_however_it_is_spelt(self, world: World):
        body = payload(answers={"V03": "no", "X05": 3}, comment="й")
        first = send_report(world.first, body)
        for change in (
            {"answers": {"X05": "3.0", "V03": "no", "V15": None}},
            {"comment": " и\u0306\r\n"},
            {"observed_at": "2022-11-20T04:00:00Z"},
            {"sent_at": "2022-11-20T12:00:00Z", "rehearsal": True},
        ):
            outcome = send_report(world.first, body | change)
            assert outcome.kind == "duplicate"
            assert outcome.receipt == first.receipt

    def test_from_the_observers_other_phone_is_the_same(self, world: World):
        body = payload()
        send_report(world.first, body)
        assert send_report(world.enrol_phone("OB-2222"), body).kind == "duplicate"
        assert Report.objects.get().device == world.first.device

    def test_tells_what_the_desk_has_decided_since(self, world: World):
        body = payload()
        send_report(world.first, body)
        Report.objects.update(state="verified")
        receipt = send_report(world.first, body).receipt
        assert receipt is not None
        assert receipt.state == "verified"


class TestAKnownIdIsLookedUpBeforeAnythingElse:
    def test_a_retry_after_the_day_gets_its_receipt(self, world: World):
        body = payload()
        first = send_report(world.first, body)
        outcome = send_report(world.first, body, now=LATER)
        assert (outcome.kind, outcome.receipt) == ("duplicate", first.receipt)

    def test_a_retry_after_the_assignment_is_gone_gets_its_receipt(self, world: World):
        body = payload()
        first = send_report(world.first, body)
        Assignment.objects.all().delete()
        assert send_report(world.first, body).receipt == first.receipt

    def test_a_retry_after_the_commission_was_renamed_gets_its_receipt(self, world: World):
        body = payload()
        first = send_report(world.first, body)
        Commission.objects.filter(code="KZ-1-1-1").update(code="KZ-9")
        assert send_report(world.first, body).receipt == first.receipt

    def test_a_retry_after_a_new_version_was_published_gets_its_receipt(self, world: World):
        body = payload()
        first = send_report(world.first, body)
        compiled.clear_cache()
        assert send_report(world.first, body).receipt == first.receipt

    def test_a_body_that_is_malformed_now_is_a_conflict_not_an_invalid_report(self, world: World):
        body = payload()
        send_report(world.first, body)
        outcome = accept_submission(build_unreadable_submission(world.first, body, uuid=get_uuid(body)), now=DAY)
        assert get_problem_code(outcome) == "changed_content"
        for change in (
            {"checklist": {"code": "gone", "version": 9}},
            {"answers": {"V03": "perhaps"}},
            {"commission": "KZ-77"},
            {"contest": "none"},
        ):
            assert get_problem_code(send_report(world.first, body | change)) == "changed_content"
        assert Report.objects.get().content_sha256


class TestTheSameIdWithOtherContent:
    def test_is_a_conflict_and_both_are_kept(self, world: World):
        body = payload()
        first = send_report(world.first, body)
        changed = body | {"comment": "another word"}
        outcome = send_report(world.first, changed, now=LATER)
        assert (outcome.kind, get_problem_code(outcome)) == ("conflict", "changed_content")
        report, refusal = Report.objects.get(), Refusal.objects.get()
        assert report.comment == ""
        assert (refusal.uuid, refusal.code, refusal.received_at) == (report.uuid, "changed_content", LATER)
        assert json.loads(crypto.decrypt_body(bytes(refusal.body))) == changed
        assert send_report(world.first, body).receipt == first.receipt

    def test_changes_no_figure(self, world: World):
        body = payload()
        send_report(world.first, body)
        send_report(world.first, body | {"answers": {"V03": "yes"}})
        assert Due.objects.count() == 1
        assert not Violation.objects.exists()

    def test_of_another_observer_shows_nothing_of_theirs(self, world: World):
        body = payload(comment="a secret", evidence=[build_photo()])
        store_report(world.first, body)
        for attempt in (body, body | {"evidence": []}, body | {"comment": ""}):
            outcome = send_report(world.second, attempt)
            assert (outcome.kind, get_problem_code(outcome)) == ("conflict", "changed_content")
            assert outcome.kept_evidence == ()
            assert "secret" not in json.dumps(outcome.problem.as_dict())
        assert Report.objects.get().observer == world.first.observer
        assert Evidence.objects.get().observer == world.first.observer


class TestABatch:
    def test_is_answered_in_its_order(self, world: World):
        bodies = [payload(commission=f"KZ-1-1-{n % 3 + 1}") for n in range(10)]
        outcomes = send_reports(world.first, bodies)
        assert [outcome.receipt and outcome.receipt.uuid for outcome in outcomes] == [get_uuid(body) for body in bodies]
        assert list_kinds(outcomes) == ["stored"] * 10

    def test_of_nothing_is_answered_with_nothing(self, world: World):
        assert accept_submissions([], now=DAY) == []

    def test_one_bad_report_spoils_no_other(self, world: World):
        known = payload()
        send_report(world.first, known)
        bodies = [
            payload(),
            payload(commission="XX"),
            payload("incident"),
            known,
            known | {"comment": "changed"},
            payload(answers={"V03": "?"}),
            payload(checklist="opening") | {"checklist": {"code": "?", "version": 1}},
            payload(),
        ]
        outcomes = send_reports(world.first, bodies)
        assert list_kinds(outcomes) == [
            "stored",
            "invalid",
            "stored",
            "duplicate",
            "conflict",
            "invalid",
            "invalid",
            "stored",
        ]
        assert (Report.objects.count(), Refusal.objects.count()) == (4, 4)

    def test_leaves_one_row_due_for_each_of_its_commissions(self, world: World):
        send_reports(world.first, [payload(commission=f"KZ-1-1-{n % 3 + 1}") for n in range(12)])
        assert sorted(Due.objects.values_list("commission__code", flat=True)) == ["KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"]

    def test_violations_hang_on_the_right_reports(self, world: World):
        said = [{"V03": "yes"}, {"V03": "no"}, {"V03": "no", "V19": "no", "V20": "no"}, {"V03": "yes", "V15": "yes"}]
        bodies = [payload(answers=answers) for answers in said]
        send_reports(world.first, bodies)
        found = [
            sorted(Violation.objects.filter(report__uuid=body["id"]).values_list("code", flat=True)) for body in bodies
        ]
        assert found == [["FRD-05"], [], ["ACC-03"], ["FRD-05", "UNA-01"]]

    def test_may_hold_reports_of_several_observers(self, world: World):
        bodies = [payload(), payload(commission="KZ-1-1-2")]
        outcomes = accept_submissions(
            [build_submission(phone, body) for phone, body in zip((world.first, world.second), bodies, strict=True)],
            now=DAY,
        )
        assert [outcome.receipt and outcome.receipt.flags for outcome in outcomes] == [(), ()]

    def test_may_hold_reports_of_several_elections(self, world: World):
        other = World(election=make_election("other"))
        phone = other.enrol_phone("OB-2222")
        outcomes = accept_submissions(
            [build_submission(world.first, payload()), build_submission(phone, payload())], now=DAY
        )
        assert list_kinds(outcomes) == ["stored", "stored"]
        elections = [report.commission.election for report in Report.objects.order_by("sequence")]
        assert elections == [world.election, other.election]

    def test_may_hold_more_than_a_hundred(self, world: World):
        assert list_kinds(send_reports(world.first, [payload() for _ in range(250)])) == ["stored"] * 250


class TestTheSameIdTwiceInABatch:
    def test_with_the_same_content(self, world: World):
        body = payload()
        outcomes = send_reports(world.first, [body, payload(), body, body])
        assert list_kinds(outcomes) == ["stored", "stored", "duplicate", "duplicate"]
        assert outcomes[0].receipt == outcomes[2].receipt == outcomes[3].receipt

    def test_with_other_content(self, world: World):
        body = payload()
        outcomes = send_reports(world.first, [body, body | {"comment": "x"}, body])
        assert list_kinds(outcomes) == ["stored", "conflict", "duplicate"]

    def test_first_refused_then_corrected(self, world: World):
        body = payload()
        outcomes = send_reports(world.first, [body | {"commission": "XX"}, body, body | {"commission": "XX"}])
        assert list_kinds(outcomes) == ["invalid", "stored", "conflict"]

    def test_refused_twice(self, world: World):
        body = payload(commission="XX")
        outcomes = send_reports(world.first, [body, body])
        assert [get_problem_code(outcome) for outcome in outcomes] == ["unknown_commission"] * 2
        assert Refusal.objects.count() == 1

    def test_known_before(self, world: World):
        body = payload()
        send_report(world.first, body)
        assert list_kinds(send_reports(world.first, [body, body | {"comment": "x"}, body])) == [
            "duplicate",
            "conflict",
            "duplicate",
        ]

    def test_from_two_observers(self, world: World):
        body = payload()
        outcomes = accept_submissions(
            [build_submission(world.first, body), build_submission(world.second, body)], now=DAY
        )
        assert list_kinds(outcomes) == ["stored", "conflict"]

    def test_with_more_evidence_the_second_time(self, world: World):
        body = payload(evidence=[build_photo()])
        more = body | {"evidence": [*body["evidence"], build_photo()]}
        outcomes = send_reports(world.first, [body, more])
        assert list_kinds(outcomes) == ["stored", "duplicate"]
        assert [len(outcome.receipt.evidence) for outcome in outcomes if outcome.receipt] == [1, 2]

    def test_two_bodies_without_an_id_are_two(self, world: World):
        unnamed = [build_unreadable_submission(world.first, payload(), raw) for raw in (b"1", b"2", b"1")]
        assert list_kinds(accept_submissions(unnamed, now=DAY)) == ["invalid"] * 3
        assert Refusal.objects.count() == 2


class TestSeveralElectionsOfOneObserver:
    def test_each_phone_speaks_in_its_own(self, world: World):
        other = World(election=make_election("other"))
        there = other.enrol_phone("OB-2222")
        Commission.objects.filter(pk=other.tree["KZ-2-2-3"].pk).update(code="ONLY-THERE")
        assert send_report(there, payload(commission="ONLY-THERE")).kind == "stored"
        assert get_problem_code(send_report(world.first, payload(commission="ONLY-THERE"))) == "unknown_commission"
        here = store_report(world.first, payload())
        assert here.commission.election == world.election

    def test_one_id_in_two_elections_is_a_conflict(self, world: World):
        """The canonical content names no election, but a stored report belongs to one only."""
        other = World(election=make_election("other"))
        body = payload()
        store_report(world.first, body)
        outcome = send_report(other.enrol_phone("OB-2222"), body)
        assert get_problem_code(outcome) == "changed_content"
