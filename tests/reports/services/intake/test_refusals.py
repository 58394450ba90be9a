"""Refused reports: the reasons, and that their bodies and files are kept."""

from datetime import timedelta

import pytest

from observer import crypto
from observer.models import Commission, Contest
from reports.models import Checklist, Due, Evidence, Refusal, Report, Unkept
from reports.services.intake.intake import accept_submission
from tests.support.intake import (
    build_photo,
    build_submission,
    build_unreadable_submission,
    get_problem_code,
    send_report,
)
from tests.support.world import DAY, World, get_uuid, make_election, payload

LATER = DAY + timedelta(days=9)


class TestARefusedReport:
    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"commission": "KZ-77"}, "unknown_commission", "commission"),
            ({"commission": ""}, "unknown_commission", "commission"),
            ({"checklist": {"code": "voting", "version": 2}}, "unknown_checklist", "checklist"),
            ({"checklist": {"code": "nothing", "version": 1}}, "unknown_checklist", "checklist"),
            ({"contest": "PRES"}, "invalid_report", "contest"),
            ({"answers": {"V99": "yes"}}, "invalid_answers", "answers.V99"),
            ({"slot": "x" * 40}, "invalid_report", "slot"),
            ({"location": {"lat": 91, "lon": 0}}, "invalid_report", "location"),
        ],
        ids=str,
    )
    def test_says_why_and_where_and_is_kept_with_its_bytes(self, world: World, change, code, field):
        body = payload() | change
        outcome = send_report(world.first, body)
        assert (outcome.kind, get_problem_code(outcome)) == ("invalid", code)
        assert [error.field for error in outcome.problem.errors] == [field]
        refusal = Refusal.objects.get()
        raw = build_submission(world.first, body).body
        assert crypto.decrypt_body(bytes(refusal.body)) == raw
        assert (refusal.size, refusal.code, refusal.uuid) == (len(raw), code, get_uuid(body))
        assert (refusal.observer, refusal.device) == (world.first.observer, world.first.device)
        assert refusal.problem == outcome.problem.as_dict()
        assert not Report.objects.exists()
        assert not Due.objects.exists()

    def test_body_is_encrypted(self, world: World):
        send_report(world.first, payload(commission="KZ-77", comment="Zhylqaidar"))
        assert b"Zhylqaidar" not in bytes(Refusal.objects.get().body)

    def test_does_not_take_its_id(self, world: World):
        body = payload(commission="KZ-77")
        assert get_problem_code(send_report(world.first, body)) == "unknown_commission"
        assert send_report(world.first, body | {"commission": "KZ-1-1-2"}).kind == "stored"
        assert Refusal.objects.count() == 1

    def test_is_judged_afresh_where_the_same_bytes_can_be_taken_now(self, world: World):
        body = payload(commission="KZ-1-1-9")
        assert get_problem_code(send_report(world.first, body)) == "unknown_commission"
        place = world.tree["KZ-1-1-1"]
        Commission.objects.create(
            election=world.election,
            parent=place.parent,
            level=place.level,
            code="KZ-1-1-9",
            depth=3,
            path=place.parent.path + "KZ-1-1-9/",
        )
        assert send_report(world.first, body).kind == "stored"

    def test_again_is_refused_again_but_kept_once(self, world: World):
        body = payload(commission="KZ-77", evidence=[build_photo()])
        outcomes = [send_report(world.first, body) for _ in range(3)]
        assert [get_problem_code(outcome) for outcome in outcomes] == ["unknown_commission"] * 3
        assert len({outcome.kept_evidence for outcome in outcomes}) == 1
        assert (Refusal.objects.count(), Evidence.objects.count()) == (1, 1)

    def test_without_an_id_is_kept_too(self, world: World):
        for raw in (b"not json", b"nor this"):
            assert (
                get_problem_code(accept_submission(build_unreadable_submission(world.first, payload(), raw), now=DAY))
                == "invalid_report"
            )
        assert [refusal.uuid for refusal in Refusal.objects.all()] == [None, None]

    def test_of_a_commission_checklist_or_contest_of_another_election(self, world: World):
        other = World(election=make_election("other"))
        place = other.tree["KZ-1-1-1"]
        Commission.objects.filter(pk=place.pk).update(code="XX-1")
        other.election.checklists.filter(code="tabulation").update(code="elsewhere")
        Contest.objects.create(election=other.election, code="PRES")
        assert get_problem_code(send_report(world.first, payload(commission="XX-1"))) == "unknown_commission"
        body = payload(checklist="tabulation") | {"checklist": {"code": "elsewhere", "version": 1}}
        assert get_problem_code(send_report(world.first, body)) == "unknown_checklist"
        assert get_problem_code(send_report(world.first, payload(contest="PRES"))) == "invalid_report"

    def test_of_a_version_that_is_not_published(self, world: World):
        checklist = Checklist.objects.get(election=world.election, code="voting")
        checklist.versions.create(number=2)
        body = payload() | {"checklist": {"code": "voting", "version": 2}}
        assert get_problem_code(send_report(world.first, body)) == "unknown_checklist"


class TestTheQuarantinesQuota:
    def test_of_bodies_a_device(self, world: World, settings):
        settings.QUARANTINE_BODIES_PER_DEVICE = 2
        bodies = [payload(commission=f"XX-{n}") for n in range(3)]
        codes = [get_problem_code(send_report(world.first, body)) for body in bodies]
        assert codes == ["unknown_commission"] * 3
        assert Refusal.objects.count() == 2
        assert get_problem_code(send_report(world.second, bodies[2])) == "unknown_commission"

    def test_of_bytes_a_device(self, world: World, settings):
        settings.QUARANTINE_BYTES_PER_DEVICE = 2_000
        assert (
            get_problem_code(send_report(world.first, payload(commission="XX", comment="x" * 1_000)))
            == "unknown_commission"
        )
        assert (
            get_problem_code(send_report(world.first, payload(commission="XX", comment="y" * 1_000)))
            == "unknown_commission"
        )
        assert Refusal.objects.count() == 1
        assert get_problem_code(send_report(world.first, payload(commission="XX"))) == "unknown_commission"
        assert Refusal.objects.count() == 2

    def test_over_which_an_operator_sees_how_much_was_not_kept_of_whom(self, world: World, settings):
        settings.QUARANTINE_BODIES_PER_DEVICE = 0
        bodies = [payload(commission=f"XX-{n}") for n in range(3)]
        for body, now in zip(bodies, (DAY, LATER, LATER), strict=True):
            outcome = send_report(world.first, body, now)
            assert outcome.problem.detail.startswith("This election has no such commission. No copy was kept here")
            assert [error.field for error in outcome.problem.errors] == ["commission"]
        send_report(world.second, bodies[0])
        row = Unkept.objects.get(device=world.first.device)
        sizes = [len(build_submission(world.first, body).body) for body in bodies]
        assert (row.bodies, row.size, row.first_at, row.last_at) == (3, sum(sizes), DAY, LATER)
        assert Unkept.objects.get(device=world.second.device).bodies == 1

    def test_over_which_a_changed_content_is_a_conflict_still(self, world: World, settings):
        settings.QUARANTINE_BODIES_PER_DEVICE = 0
        body = payload()
        send_report(world.first, body)
        outcome = send_report(world.first, body | {"comment": "other"})
        assert (outcome.kind, get_problem_code(outcome)) == ("conflict", "changed_content")

    def test_does_not_stop_what_is_kept_already_nor_good_reports(self, world: World, settings):
        settings.QUARANTINE_BODIES_PER_DEVICE = 1
        body = payload(commission="XX")
        assert get_problem_code(send_report(world.first, body)) == "unknown_commission"
        assert get_problem_code(send_report(world.first, body)) == "unknown_commission"
        assert send_report(world.first, payload()).kind == "stored"

    def test_keeps_no_files_of_what_it_does_not_keep(self, world: World, settings):
        settings.QUARANTINE_BODIES_PER_DEVICE = 0
        outcome = send_report(world.first, payload(commission="XX", evidence=[build_photo()]))
        assert (get_problem_code(outcome), outcome.kept_evidence) == ("unknown_commission", ())
        assert not Evidence.objects.exists()


class TestEvidenceOfARefusedReport:
    def test_is_awaited_and_adopted_when_the_report_is_corrected(self, world: World):
        one = build_photo()
        body = payload(commission="XX", evidence=[one])
        refused = send_report(world.first, body)
        assert [(str(e.uuid), e.state) for e in refused.kept_evidence] == [(one["id"], "awaited")]
        row = Evidence.objects.get()
        assert (row.report, row.refusal) == (None, Refusal.objects.get())
        Evidence.objects.update(state="partial", offset=400)
        corrected = send_report(world.first, body | {"commission": "KZ-1-1-1"})
        assert corrected.kind == "stored"
        assert corrected.receipt is not None
        assert [(e.state, e.offset) for e in corrected.receipt.evidence] == [("partial", 400)]
        row.refresh_from_db()
        assert row.report == Report.objects.get()

    def test_has_its_address_told_however_often_it_is_refused(self, world: World):
        one = build_photo()
        body = payload(commission="XX", evidence=[one])
        first = send_report(world.first, body)
        second = send_report(world.first, body | {"commission": "YY"})
        assert first.kept_evidence == second.kept_evidence != ()

    def test_is_adopted_under_a_new_id_too(self, world: World):
        one = build_photo()
        send_report(world.first, payload(commission="XX", evidence=[one]))
        assert send_report(world.first, payload(evidence=[one])).kind == "stored"

    def test_is_not_adopted_by_another_observer(self, world: World):
        one = build_photo()
        send_report(world.first, payload(commission="XX", evidence=[one]))
        assert get_problem_code(send_report(world.second, payload(evidence=[one]))) == "changed_content"
