"""The one door: what is stored, once, and what is answered to a retry."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from observer import crypto
from observer.models import Assignment, Commission, Contest
from reports.models import Due, Evidence, Refusal, Report, Violation
from reports.services.checklists import compiled
from reports.services.intake.intake import accept, accept_many
from tests.support.door import kinds, photo, problem, send, send_all, stored, submission, unreadable
from tests.support.world import DAY, World, make_election, payload, uuid_of

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
        report = stored(world.first, body)
        assert report.uuid == uuid_of(body)
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
        outcome = send(world.first, body := payload())
        report = Report.objects.get()
        assert outcome.kind == "stored"
        assert outcome.receipt is not None
        assert outcome.receipt.uuid == uuid_of(body)
        assert outcome.receipt.sequence == report.sequence
        assert outcome.receipt.received_at == DAY
        assert outcome.receipt.content_sha256 == report.content_sha256
        assert (outcome.receipt.flags, outcome.receipt.state, outcome.receipt.evidence) == ((), "received", ())

    def test_body_is_kept_to_the_byte_and_encrypted(self, world: World):
        body = payload(comment="A word that is found nowhere: Zhylqaidar")
        raw = json.dumps(body, indent=7).encode() + b"  \r\n"
        accept(replace(submission(world.first, body), body=raw), now=DAY)
        kept = bytes(Report.objects.get().body)
        assert crypto.decrypt_body(kept) == raw
        assert b"Zhylqaidar" not in kept
        assert body["id"].encode() not in kept

    def test_leaves_exactly_one_row_due_and_touches_no_ancestor(self, world: World):
        stored(world.first, payload())
        assert list(Due.objects.values_list("commission__code", flat=True)) == ["KZ-1-1-1"]

    def test_raises_each_violation_once(self, world: World):
        report = stored(world.first, payload(answers={"V03": "yes", "V19": "no", "V20": "no"}))
        assert sorted(report.violations.values_list("code", "state")) == [
            ("ACC-03", "reported"),
            ("FRD-05", "reported"),
        ]

    def test_keeps_author_submitter_and_channel_apart(self, world: World, django_user_model):
        user = django_user_model.objects.create(username="desk")
        report = stored(
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
        stored(world.first, payload(), source="official")
        assert Report.objects.count() == 1
        assert not Report.objects.counted().exists()


class TestTheSameReportAgain:
    def test_gets_the_same_receipt_however_often(self, world: World):
        body = payload(answers={"V03": "yes"}, evidence=[photo()])
        first = send(world.first, body)
        again = [send(world.first, body, now=DAY + timedelta(hours=n)) for n in range(1, 4)]
        assert kinds(again) == ["duplicate"] * 3
        assert [outcome.receipt for outcome in again] == [first.receipt] * 3
        counts = [model.objects.count() for model in (Report, Violation, Evidence, Due, Refusal)]
        assert counts == [1, 1, 1, 1, 0]

    def test_is_the_same_however_it_is_spelt(self, world: World):
        body = payload(answers={"V03": "no", "X05": 3}, comment="й")
        first = send(world.first, body)
        for change in (
            {"answers": {"X05": "3.0", "V03": "no", "V15": None}},
            {"comment": " и\u0306\r\n"},
            {"observed_at": "2022-11-20T04:00:00Z"},
            {"sent_at": "2022-11-20T12:00:00Z", "rehearsal": True},
        ):
            outcome = send(world.first, body | change)
            assert outcome.kind == "duplicate"
            assert outcome.receipt == first.receipt

    def test_from_the_observers_other_phone_is_the_same(self, world: World):
        body = payload()
        send(world.first, body)
        assert send(world.enrolled("OB-2222"), body).kind == "duplicate"
        assert Report.objects.get().device == world.first.device

    def test_tells_what_the_desk_has_decided_since(self, world: World):
        body = payload()
        send(world.first, body)
        Report.objects.update(state="verified")
        receipt = send(world.first, body).receipt
        assert receipt is not None
        assert receipt.state == "verified"


class TestAKnownIdIsLookedUpBeforeAnythingElse:
    def test_a_retry_after_the_day_gets_its_receipt(self, world: World):
        body = payload()
        first = send(world.first, body)
        outcome = send(world.first, body, now=LATER)
        assert (outcome.kind, outcome.receipt) == ("duplicate", first.receipt)

    def test_a_retry_after_the_assignment_is_gone_gets_its_receipt(self, world: World):
        body = payload()
        first = send(world.first, body)
        Assignment.objects.all().delete()
        assert send(world.first, body).receipt == first.receipt

    def test_a_retry_after_the_commission_was_renamed_gets_its_receipt(self, world: World):
        body = payload()
        first = send(world.first, body)
        Commission.objects.filter(code="KZ-1-1-1").update(code="KZ-9")
        assert send(world.first, body).receipt == first.receipt

    def test_a_retry_after_a_new_version_was_published_gets_its_receipt(self, world: World):
        body = payload()
        first = send(world.first, body)
        compiled.forget()
        assert send(world.first, body).receipt == first.receipt

    def test_a_body_that_is_malformed_now_is_a_conflict_not_an_invalid_report(self, world: World):
        body = payload()
        send(world.first, body)
        outcome = accept(unreadable(world.first, body, uuid=uuid_of(body)), now=DAY)
        assert problem(outcome) == "changed_content"
        for change in (
            {"checklist": {"code": "gone", "version": 9}},
            {"answers": {"V03": "perhaps"}},
            {"commission": "KZ-77"},
            {"contest": "none"},
        ):
            assert problem(send(world.first, body | change)) == "changed_content"
        assert Report.objects.get().content_sha256


class TestTheSameIdWithOtherContent:
    def test_is_a_conflict_and_both_are_kept(self, world: World):
        body = payload()
        first = send(world.first, body)
        changed = body | {"comment": "another word"}
        outcome = send(world.first, changed, now=LATER)
        assert (outcome.kind, problem(outcome)) == ("conflict", "changed_content")
        report, refusal = Report.objects.get(), Refusal.objects.get()
        assert report.comment == ""
        assert (refusal.uuid, refusal.code, refusal.received_at) == (report.uuid, "changed_content", LATER)
        assert json.loads(crypto.decrypt_body(bytes(refusal.body))) == changed
        assert send(world.first, body).receipt == first.receipt

    def test_changes_no_figure(self, world: World):
        body = payload()
        send(world.first, body)
        send(world.first, body | {"answers": {"V03": "yes"}})
        assert Due.objects.count() == 1
        assert not Violation.objects.exists()

    def test_of_another_observer_shows_nothing_of_theirs(self, world: World):
        body = payload(comment="a secret", evidence=[photo()])
        stored(world.first, body)
        for attempt in (body, body | {"evidence": []}, body | {"comment": ""}):
            outcome = send(world.second, attempt)
            assert (outcome.kind, problem(outcome)) == ("conflict", "changed_content")
            assert outcome.kept_evidence == ()
            assert "secret" not in json.dumps(outcome.problem.as_dict())
        assert Report.objects.get().observer == world.first.observer
        assert Evidence.objects.get().observer == world.first.observer


class TestABatch:
    def test_is_answered_in_its_order(self, world: World):
        bodies = [payload(commission=f"KZ-1-1-{n % 3 + 1}") for n in range(10)]
        outcomes = send_all(world.first, bodies)
        assert [outcome.receipt and outcome.receipt.uuid for outcome in outcomes] == [uuid_of(body) for body in bodies]
        assert kinds(outcomes) == ["stored"] * 10

    def test_of_nothing_is_answered_with_nothing(self, world: World):
        assert accept_many([], now=DAY) == []

    def test_one_bad_report_spoils_no_other(self, world: World):
        known = payload()
        send(world.first, known)
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
        outcomes = send_all(world.first, bodies)
        assert kinds(outcomes) == [
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
        send_all(world.first, [payload(commission=f"KZ-1-1-{n % 3 + 1}") for n in range(12)])
        assert sorted(Due.objects.values_list("commission__code", flat=True)) == ["KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"]

    def test_violations_hang_on_the_right_reports(self, world: World):
        said = [{"V03": "yes"}, {"V03": "no"}, {"V03": "no", "V19": "no", "V20": "no"}, {"V03": "yes", "V15": "yes"}]
        bodies = [payload(answers=answers) for answers in said]
        send_all(world.first, bodies)
        found = [
            sorted(Violation.objects.filter(report__uuid=body["id"]).values_list("code", flat=True)) for body in bodies
        ]
        assert found == [["FRD-05"], [], ["ACC-03"], ["FRD-05", "UNA-01"]]

    def test_may_hold_reports_of_several_observers(self, world: World):
        bodies = [payload(), payload(commission="KZ-1-1-2")]
        outcomes = accept_many(
            [submission(phone, body) for phone, body in zip((world.first, world.second), bodies, strict=True)], now=DAY
        )
        assert [outcome.receipt and outcome.receipt.flags for outcome in outcomes] == [(), ()]

    def test_may_hold_reports_of_several_elections(self, world: World):
        other = World(election=make_election("other"))
        phone = other.enrolled("OB-2222")
        outcomes = accept_many([submission(world.first, payload()), submission(phone, payload())], now=DAY)
        assert kinds(outcomes) == ["stored", "stored"]
        elections = [report.commission.election for report in Report.objects.order_by("sequence")]
        assert elections == [world.election, other.election]

    def test_may_hold_more_than_a_hundred(self, world: World):
        assert kinds(send_all(world.first, [payload() for _ in range(250)])) == ["stored"] * 250


class TestTheSameIdTwiceInABatch:
    def test_with_the_same_content(self, world: World):
        body = payload()
        outcomes = send_all(world.first, [body, payload(), body, body])
        assert kinds(outcomes) == ["stored", "stored", "duplicate", "duplicate"]
        assert outcomes[0].receipt == outcomes[2].receipt == outcomes[3].receipt

    def test_with_other_content(self, world: World):
        body = payload()
        outcomes = send_all(world.first, [body, body | {"comment": "x"}, body])
        assert kinds(outcomes) == ["stored", "conflict", "duplicate"]

    def test_first_refused_then_corrected(self, world: World):
        body = payload()
        outcomes = send_all(world.first, [body | {"commission": "XX"}, body, body | {"commission": "XX"}])
        assert kinds(outcomes) == ["invalid", "stored", "conflict"]

    def test_refused_twice(self, world: World):
        body = payload(commission="XX")
        outcomes = send_all(world.first, [body, body])
        assert [problem(outcome) for outcome in outcomes] == ["unknown_commission"] * 2
        assert Refusal.objects.count() == 1

    def test_known_before(self, world: World):
        body = payload()
        send(world.first, body)
        assert kinds(send_all(world.first, [body, body | {"comment": "x"}, body])) == [
            "duplicate",
            "conflict",
            "duplicate",
        ]

    def test_from_two_observers(self, world: World):
        body = payload()
        outcomes = accept_many([submission(world.first, body), submission(world.second, body)], now=DAY)
        assert kinds(outcomes) == ["stored", "conflict"]

    def test_with_more_evidence_the_second_time(self, world: World):
        body = payload(evidence=[photo()])
        more = body | {"evidence": [*body["evidence"], photo()]}
        outcomes = send_all(world.first, [body, more])
        assert kinds(outcomes) == ["stored", "duplicate"]
        assert [len(outcome.receipt.evidence) for outcome in outcomes if outcome.receipt] == [1, 2]

    def test_two_bodies_without_an_id_are_two(self, world: World):
        unnamed = [unreadable(world.first, payload(), raw) for raw in (b"1", b"2", b"1")]
        assert kinds(accept_many(unnamed, now=DAY)) == ["invalid"] * 3
        assert Refusal.objects.count() == 2


class TestSeveralElectionsOfOneObserver:
    def test_each_phone_speaks_in_its_own(self, world: World):
        other = World(election=make_election("other"))
        there = other.enrolled("OB-2222")
        Commission.objects.filter(pk=other.tree["KZ-2-2-3"].pk).update(code="ONLY-THERE")
        assert send(there, payload(commission="ONLY-THERE")).kind == "stored"
        assert problem(send(world.first, payload(commission="ONLY-THERE"))) == "unknown_commission"
        here = stored(world.first, payload())
        assert here.commission.election == world.election

    def test_one_id_in_two_elections_is_a_conflict(self, world: World):
        """The canonical content names no election, but the stored report stands in one only."""
        other = World(election=make_election("other"))
        body = payload()
        stored(world.first, body)
        outcome = send(other.enrolled("OB-2222"), body)
        assert problem(outcome) == "changed_content"
