"""Files that reports announce: awaited, announced later, in conflict, too many."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from reports.models import Due, Evidence, Report
from reports.problems import Rejected
from reports.services.intake.announcements import announce_evidence
from reports.services.intake.submission import Announcement, Sender
from tests.support.intake import build_photo, get_problem_code, list_kinds, send_report, send_reports, store_report
from tests.support.world import DAY, World, payload

LATER = DAY + timedelta(days=9)


class TestEvidence:
    def test_is_awaited_from_the_moment_it_is_announced(self, world: World):
        one = build_photo(publishable=True)
        outcome = send_report(world.first, body := payload(evidence=[one]))
        assert outcome.receipt is not None
        assert [(e.state, e.offset, str(e.uuid)) for e in outcome.receipt.evidence] == [("awaited", 0, one["id"])]
        row = Evidence.objects.get()
        assert (str(row.report.uuid), row.observer, row.device) == (
            body["id"],
            world.first.observer,
            world.first.device,
        )
        assert (row.sha256, row.size, row.type, row.question) == ("ab" * 32, 1000, "image/jpeg", "X11")
        assert (row.publishable, row.announced_at, row.part, row.refusal) == (True, DAY, "", None)

    def test_answers_a_required_photo(self, world: World):
        assert store_report(world.first, payload(evidence=[build_photo()])).flags == []

    def test_late_is_added_to_the_same_report(self, world: World):
        body = payload(evidence=[build_photo()])
        send_report(world.first, body)
        late = send_report(world.first, body | {"evidence": [build_photo()]}, now=LATER)
        assert late.kind == "duplicate"
        assert late.receipt is not None
        assert len(late.receipt.evidence) == 2
        assert Evidence.objects.filter(announced_at=LATER).count() == 1
        assert Due.objects.count() == 1

    def test_left_out_of_a_retry_is_not_forgotten(self, world: World):
        body = payload(evidence=[build_photo()])
        first = send_report(world.first, body)
        assert send_report(world.first, body | {"evidence": []}).receipt == first.receipt

    def test_announced_twice_in_one_body_is_one(self, world: World):
        one = build_photo()
        assert send_report(world.first, payload(evidence=[one, one])).kind == "stored"
        assert Evidence.objects.count() == 1

    def test_of_unknown_hash_and_size_is_the_same_as_with_them(self, world: World):
        one = build_photo()
        body = payload(evidence=[one])
        send_report(world.first, body)
        vague = body | {"evidence": [{"id": one["id"]}]}
        assert send_report(world.first, vague).kind == "duplicate"


class TestAnEvidenceConflict:
    @pytest.mark.parametrize("change", [{"sha256": "cd" * 32}, {"size": 1001}, {"size": 0}], ids=str)
    def test_the_same_id_for_another_file(self, world: World, change):
        one = build_photo()
        body = payload(evidence=[one])
        send_report(world.first, body)
        for attempt in (body | {"evidence": [one | change]}, payload(evidence=[one | change])):
            outcome = send_report(world.first, attempt)
            assert (outcome.kind, get_problem_code(outcome)) == ("conflict", "changed_content")
            assert [error.field for error in outcome.problem.errors] == ["evidence.0.id"]
        row = Evidence.objects.get()
        assert (row.sha256, row.size) == (one["sha256"], one["size"])
        assert Report.objects.count() == 1

    def test_two_files_under_one_id_in_one_body(self, world: World):
        one = build_photo()
        outcome = send_report(world.first, payload(evidence=[build_photo(), one, one | {"sha256": "cd" * 32}]))
        assert get_problem_code(outcome) == "changed_content"
        assert [error.field for error in outcome.problem.errors] == ["evidence.2.id"]

    def test_a_file_of_another_report(self, world: World):
        one = build_photo()
        store_report(world.first, payload(evidence=[one]))
        assert get_problem_code(send_report(world.first, payload(evidence=[one]))) == "changed_content"

    def test_a_file_of_another_observer_shows_nothing_of_theirs(self, world: World):
        one = build_photo()
        store_report(world.first, payload(evidence=[one]))
        outcome = send_report(world.second, payload(evidence=[one | {"sha256": "", "size": None}]))
        assert (get_problem_code(outcome), outcome.kept_evidence) == ("changed_content", ())
        assert Evidence.objects.get().observer == world.first.observer

    def test_adds_nothing_of_that_body_to_the_stored_report(self, world: World):
        one = build_photo()
        body = payload(evidence=[one])
        send_report(world.first, body)
        send_report(world.first, body | {"evidence": [build_photo(), one | {"size": 5}]})
        assert Report.objects.get().evidence.count() == 1

    def test_in_a_batch_spoils_no_other(self, world: World):
        one = build_photo()
        bodies = [payload(evidence=[one]), payload(evidence=[one]), payload(evidence=[build_photo()])]
        assert list_kinds(send_reports(world.first, bodies)) == ["stored", "conflict", "stored"]

    def test_a_refused_report_in_a_batch_claims_no_file(self, world: World):
        one = build_photo()
        bodies = [payload(commission="XX", evidence=[one]), payload(evidence=[one])]
        assert list_kinds(send_reports(world.first, bodies)) == ["invalid", "stored"]
        assert str(Evidence.objects.get().report.uuid) == bodies[1]["id"]


class TestTooManyFiles:
    def test_are_refused(self, world: World, settings):
        settings.FILES_PER_REPORT_MAX = 3
        outcome = send_report(world.first, payload(evidence=[build_photo() for _ in range(4)]))
        assert (get_problem_code(outcome), outcome.problem.errors[0].field) == ("invalid_report", "evidence")
        assert Evidence.objects.count() <= 3

    def test_are_refused_when_they_come_late_too(self, world: World, settings):
        settings.FILES_PER_REPORT_MAX = 3
        body = payload(evidence=[build_photo(), build_photo()])
        send_report(world.first, body)
        assert (
            get_problem_code(send_report(world.first, body | {"evidence": [build_photo(), build_photo()]}))
            == "invalid_report"
        )
        assert Report.objects.get().evidence.count() == 2
        assert send_report(world.first, body | {"evidence": [build_photo()]}).kind == "duplicate"
        assert send_report(world.first, body).kind == "duplicate"


class TestMoreFilesForAStoredReport:
    def announce(self, world: World, report: Report, *files: Announcement) -> list[str]:
        sender = Sender(election=world.election, observer=world.first.observer, device=world.first.device)
        return [one.state for one in announce_evidence(report=report, announcements=files, sender=sender, now=LATER)]

    def test_are_added_and_all_receipts_told(self, world: World):
        report = store_report(world.first, payload(evidence=[build_photo()]))
        assert self.announce(world, report, Announcement(uuid=uuid4()), Announcement(uuid=uuid4())) == ["awaited"] * 3
        assert Evidence.objects.filter(report=report, announced_at=LATER).count() == 2

    def test_again_are_the_same(self, world: World):
        report = store_report(world.first, payload())
        file = Announcement(uuid=uuid4())
        assert self.announce(world, report, file) == self.announce(world, report, file) == ["awaited"]

    def test_that_contradict_a_known_one_add_nothing(self, world: World):
        one = build_photo()
        report = store_report(world.first, payload(evidence=[one]))
        with pytest.raises(Rejected) as caught:
            self.announce(world, report, Announcement(uuid=uuid4()), Announcement(uuid=UUID(one["id"]), size=3))
        assert caught.value.code == "changed_content"
        assert [error.field for error in caught.value.errors] == ["evidence.1.id"]
        assert report.evidence.count() == 1

    def test_kept_with_a_refused_body_are_adopted(self, world: World):
        one = build_photo()
        send_report(world.first, payload(commission="XX", evidence=[one]))
        report = store_report(world.first, payload())
        self.announce(world, report, Announcement(uuid=UUID(one["id"])))
        assert Evidence.objects.get().report == report
