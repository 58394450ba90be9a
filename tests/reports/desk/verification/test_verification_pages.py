"""The pages of the review queue, of reports, of quarantine and of cases."""

import io
import re
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from reports.models import Case, CaseExport, CaseFile, Check, Complaint, Evidence, Report, SetAside
from reports.services.cases.case_export import write_case_exports
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.evidence.uploads import append_to_upload
from reports.services.review.decisions import reject_report
from tests.reports.services.cases.test_cases import TERMS
from tests.support.files import announce_file, make_jpeg
from tests.support.intake import store_report
from tests.support.world import DAY, World, payload

DESK_URL = "/desk/test-2022"


@pytest.fixture
def report(world: World) -> Report:
    return store_report(
        world.first, payload(answers={"V03": "yes", "V15": "no"}, location={"lat": 43.26, "lon": 76.96, "accuracy": 20})
    )


def read_seen_stamp(client: Client, address: str, which: int = 0) -> str:
    return re.findall(r'name="seen" value="([^"]*)"', client.get(address).content.decode())[which]


def post_action(client: Client, report: Report, do: str, **fields):
    address = f"{DESK_URL}/reports/{report.pk}/"
    return client.post(address, {"do": do, "seen": read_seen_stamp(client, address)} | fields)


class TestQueuePage:
    def test_opens_the_next_report_after_each_decision(self, world, report, as_role):
        other = store_report(world.first, payload(answers={"V03": "yes", "V15": "no"}))
        client = as_role("verifier")
        assert client.post(f"{DESK_URL}/checks/", {"do": "next"})["Location"] == f"{DESK_URL}/reports/{report.pk}/"
        assert post_action(client, report, "verify")["Location"] == f"{DESK_URL}/reports/{other.pk}/"
        assert post_action(client, other, "reject", reason="x")["Location"] == f"{DESK_URL}/checks/"
        assert sorted(Report.objects.values_list("state", flat=True)) == ["rejected", "verified"]

    def test_gives_only_reports_of_the_readers_territory(self, world, report, as_role):
        client = as_role("verifier", "KZ-2")
        assert client.post(f"{DESK_URL}/checks/", {"do": "next"})["Location"] == f"{DESK_URL}/checks/"
        assert not Check.objects.filter(user__isnull=False).exists()

    def test_accepts_the_rest_of_the_readers_territory(self, world, report, as_role, monkeypatch):
        monkeypatch.setattr("reports.services.review.review_queue.RANDOM_SHARE_PERCENT", 0)
        plain = store_report(world.first, payload())
        as_role("verifier", "KZ-2").post(f"{DESK_URL}/checks/", {"do": "accept"})
        assert Report.objects.get(pk=plain.pk).state == "received"
        client = as_role("verifier")
        client.post(f"{DESK_URL}/checks/", {"do": "accept"})
        assert Report.objects.get(pk=plain.pk).state == "accepted"
        assert "accepted, not verified" in client.get(f"{DESK_URL}/reports/{plain.pk}/").content.decode()

    def test_takes_a_bounded_number_of_queries(self, world, desk, django_assert_max_num_queries):
        for _ in range(12):
            store_report(world.first, payload(answers={"V03": "yes", "V15": "no"}))
        desk.get(f"{DESK_URL}/checks/")
        with django_assert_max_num_queries(16):
            desk.get(f"{DESK_URL}/checks/")


class TestReportPage:
    def test_shows_answers_of_others_map_and_hash(self, world, report, desk):
        other = world.enrol_phone("OB-4444", "KZ-1-1-1")
        store_report(other, payload(answers={"V03": "no", "V15": "no"}))
        page = desk.get(f"{DESK_URL}/reports/{report.pk}/").content.decode()
        assert "OB-4444" in page and "≠ no" in page and "⚑ yes" in page
        assert "<svg" in page and report.content_sha256 in page
        assert Report.objects.get(pk=report.pk).read_at is not None

    def test_shows_no_names_or_phone_numbers(self, world, report, desk):
        page = desk.get(f"{DESK_URL}/reports/{report.pk}/").content.decode()
        assert "Name of" not in page and "+7701" not in page

    def test_takes_a_bounded_number_of_queries(self, world, report, desk, django_assert_max_num_queries):
        for n in range(6):
            phone = world.enrol_phone(f"OB-55{n}5", "KZ-1-1-1")
            store_report(phone, payload(answers={"V03": "no", "V15": "no"}))
        desk.get(f"{DESK_URL}/reports/{report.pk}/")
        with django_assert_max_num_queries(45):
            desk.get(f"{DESK_URL}/reports/{report.pk}/")

    def test_keeps_what_was_typed_on_an_edit_conflict(self, report, desk):
        before = read_seen_stamp(desk, f"{DESK_URL}/reports/{report.pk}/")
        reject_report(report=report, user=None, now=DAY, reason="theirs")
        answer = desk.post(
            f"{DESK_URL}/reports/{report.pk}/", {"do": "hold", "reason": "my long reason", "seen": before}
        )
        assert answer.status_code == 409
        assert "my long reason" in answer.content.decode()
        assert Report.objects.get().state == "rejected"

    def test_rejecting_needs_a_reason(self, report, desk):
        assert post_action(desk, report, "reject", reason=" ").status_code == 409
        assert Report.objects.get().state == "received"

    @pytest.mark.parametrize("do", ["verify", "violation", "case", "correct", "photo", "back", "nothing"])
    def test_reader_may_look_but_not_act(self, report, as_role, do):
        client = as_role("reader")
        assert client.get(f"{DESK_URL}/reports/{report.pk}/").status_code == 200
        assert client.post(f"{DESK_URL}/reports/{report.pk}/", {"do": do, "pk": "1"}).status_code == 404
        assert Report.objects.get().state == "received"

    def test_decides_a_violation_and_opens_its_case(self, world, report, desk):
        violation = report.violations.get()
        address = f"{DESK_URL}/reports/{report.pk}/"
        stamp = read_seen_stamp(desk, address, 1)
        desk.post(address, {"do": "violation", "pk": violation.pk, "state": "confirmed", "note": "n", "seen": stamp})
        violation.refresh_from_db()
        assert (violation.state, violation.note) == ("confirmed", "n")
        desk.post(address, {"do": "case", "pk": violation.pk, "case": "new", "seen": read_seen_stamp(desk, address, 2)})
        case = Case.objects.get()
        again = store_report(world.first, payload(answers={"V03": "yes", "V15": "no"}))
        desk.post(f"{DESK_URL}/reports/{again.pk}/", {"do": "case", "pk": again.violations.get().pk, "case": case.pk})
        assert case.violations.count() == 2

    def test_refuses_a_row_of_another_report(self, world, report, desk):
        other = store_report(world.first, payload(answers={"V03": "yes", "V15": "no"})).violations.get()
        answer = desk.post(
            f"{DESK_URL}/reports/{report.pk}/", {"do": "violation", "pk": other.pk, "state": "confirmed"}
        )
        assert answer.status_code == 404

    def test_corrects_one_answer(self, report, desk):
        page = desk.get(f"{DESK_URL}/reports/{report.pk}/", {"correct": "V15"}).content.decode()
        hidden = dict(re.findall(r'name="(uuid|newest|code)" value="([^"]*)"', page))
        answer = desk.post(f"{DESK_URL}/reports/{report.pk}/", {"do": "correct", "q-V15": "yes"} | hidden)
        new = Report.objects.counted().get()
        assert answer["Location"] == f"{DESK_URL}/reports/{new.pk}/"
        assert (new.supersedes, new.channel, new.answers["V15"]) == (report.uuid, "desk", "yes")
        wrong = desk.post(
            f"{DESK_URL}/reports/{new.pk}/", {"do": "correct", "code": "V15", "uuid": uuid4(), "newest": "x"}
        )
        assert wrong.status_code == 404

    def test_photo_is_approved_only_after_three_answers(self, world, desk):
        data = make_jpeg()
        evidence = announce_file(world.first, data)
        append_to_upload(evidence=evidence, offset=0, stream=io.BytesIO(data), length=len(data), now=DAY)
        process_waiting_evidence(now=DAY)
        address = f"{DESK_URL}/reports/{evidence.report_id}/"
        some = {"do": "photo", "pk": evidence.pk, "no_faces": "on", "no_marks": "on"}
        assert desk.post(address, some).status_code == 409
        assert Evidence.objects.get().approved_at is None
        desk.post(address, some | {"no_lists": "on"})
        assert Evidence.objects.get().approved_at is not None
        desk.post(address, {"do": "photo", "pk": evidence.pk, "withdraw": "yes"})
        assert Evidence.objects.get().approved_at is None


class TestQuarantine:
    def test_is_previewed_then_done_then_undone(self, world, report, desk):
        address = f"{DESK_URL}/observers/{world.first.observer.pk}/quarantine/"
        assert "takes 1 report" in desk.get(address).content.decode()
        assert not SetAside.objects.exists()
        desk.post(address, {"do": "aside"})
        assert Report.objects.get().quarantined
        assert "puts 1 report" in desk.get(address).content.decode()
        desk.post(address, {"do": "restore"})
        assert not Report.objects.get().quarantined


class TestCasePages:
    @pytest.fixture
    def case(self, world, report, desk) -> Case:
        world.election.rules = {"deadlines": TERMS}
        world.election.save()
        address = f"{DESK_URL}/reports/{report.pk}/"
        desk.post(address, {"do": "case", "pk": report.violations.get().pk, "case": "new"})
        return Case.objects.get()

    def post_case_action(self, client: Client, case: Case, do: str, **fields):
        address = f"{DESK_URL}/cases/{case.pk}/"
        return client.post(address, {"do": do, "seen": read_seen_stamp(client, address)} | fields)

    def test_case_goes_from_open_to_closed(self, case, desk):
        assert f"#{case.pk}" in desk.get(f"{DESK_URL}/cases/").content.decode()
        for step in ("checking", "closed"):
            self.post_case_action(desk, case, "step", step=step)
        assert Case.objects.get().closed_at
        assert f"#{case.pk}" not in desk.get(f"{DESK_URL}/cases/").content.decode()
        assert f"#{case.pk}" in desk.get(f"{DESK_URL}/cases/?show=all").content.decode()

    def test_edit_conflict_is_reported_and_comments_are_kept(self, case, desk):
        before = read_seen_stamp(desk, f"{DESK_URL}/cases/{case.pk}/")
        self.post_case_action(desk, case, "step", step="closed")
        late = desk.post(f"{DESK_URL}/cases/{case.pk}/", {"do": "step", "step": "checking", "seen": before})
        assert late.status_code == 409
        assert "colleague" in late.content.decode()
        answer = desk.post(f"{DESK_URL}/cases/{case.pk}/", {"do": "comment", "text": "kept words"}, follow=True)
        assert "kept words" in answer.content.decode() and "is closed" in answer.content.decode()

    def test_complaint_is_drafted_filed_answered_and_appealed(self, case, desk, world):
        self.post_case_action(desk, case, "complaint", term="file", starts_at="2022-11-20T10:00")
        complaint = Complaint.objects.get()
        address = f"{DESK_URL}/cases/{case.pk}/complaints/{complaint.pk}/"
        desk.post(address, {"do": "write", "forum": "The court", "text": "We <b>ask</b>", "seen": 0})
        late = desk.post(address, {"do": "write", "forum": "x", "text": "other words", "seen": 0})
        assert late.status_code == 409 and "other words" in late.content.decode()
        desk.post(address, {"do": "file", "filed_at": "2022-11-21T10:00", "answer_term": "answer", "seen": 1})
        paper = SimpleUploadedFile("receipt.pdf", b"%PDF-1")
        desk.post(address, {"do": "paper", "kind": "receipt", "file": paper})
        desk.post(address, {"do": "answer", "answered_at": "2022-11-22T10:00", "outcome": "denied", "seen": 2})
        complaint.refresh_from_db()
        assert (complaint.outcome, complaint.answer_due_at is not None) == ("denied", True)
        self.post_case_action(desk, case, "complaint", term="file", starts_at="2022-11-22T10:00", appeals=complaint.pk)
        assert Complaint.objects.get(appeals=complaint)
        kept = CaseFile.objects.get()
        got = desk.get(f"{DESK_URL}/cases/{case.pk}/papers/{kept.pk}/")
        assert b"".join(got.streaming_content) == b"%PDF-1"
        assert "attachment" in got["Content-Disposition"]

    def test_witness_is_named_only_with_consent(self, case, desk, world):
        self.post_case_action(desk, case, "complaint", term="file", starts_at="2022-11-20T10:00")
        address = f"{DESK_URL}/cases/{case.pk}/complaints/{Complaint.objects.get().pk}/print/"
        assert "Name of OB-2222" not in desk.get(address).content.decode()
        self.post_case_action(desk, case, "consent", observer="OB-2222", given="yes", how="by phone")
        assert "Name of OB-2222" in desk.get(address).content.decode()
        self.post_case_action(desk, case, "consent", observer="OB-2222", given="no")
        assert "Name of OB-2222" not in desk.get(address).content.decode()

    def test_case_export_is_for_lawyers_only(self, case, desk, as_role):
        assert as_role("territorial").post(f"{DESK_URL}/cases/{case.pk}/", {"do": "export"}).status_code == 404
        lawyer = as_role("lawyer")
        lawyer.post(f"{DESK_URL}/cases/{case.pk}/", {"do": "export"})
        write_case_exports(now=DAY)
        address = f"{DESK_URL}/cases/{case.pk}/exports/{CaseExport.objects.get().pk}/"
        assert b"".join(lawyer.get(address).streaming_content).startswith(b"PK")
        assert as_role("verifier").get(address).status_code == 404

    def test_hostile_fields_are_answered(self, case, desk):
        huge = "9" * 400
        for fields in (
            {"do": "step", "step": "\0", "seen": huge},
            {"do": "complaint", "term": "x", "starts_at": huge},
            {"do": "complaint", "term": "file", "starts_at": "0001-01-01T00:00", "appeals": huge},
            {"do": "consent", "observer": "\0"},
            {"do": "paper", "kind": "x"},
            {"do": "take", "seen": "-1"},
        ):
            assert desk.post(f"{DESK_URL}/cases/{case.pk}/", fields).status_code in (302, 404, 409)

    def test_take_a_bounded_number_of_queries(self, case, desk, django_assert_max_num_queries):
        desk.get(f"{DESK_URL}/cases/")
        with django_assert_max_num_queries(14):
            desk.get(f"{DESK_URL}/cases/")
        with django_assert_max_num_queries(40):
            desk.get(f"{DESK_URL}/cases/{case.pk}/")
