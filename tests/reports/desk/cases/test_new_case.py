"""Opening a case from the list and from a violation, handing it over, and the labels of trail actions."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils.translation import override

from observer.desk.trail_labels import ACTION_LABELS, get_action_label
from observer.models import Grant, Organisation, Trail, User
from reports.models import Case
from tests.reports.desk.verification.test_verification_pages import DESK_URL, read_seen_stamp, report
from tests.support.threads import run_concurrently
from tests.support.world import World, make_texts

__all__ = ["report"]
FORM_DATA = {"commission": "kz-1-1-1", "title": "The door is locked", "severity": "major"}
NEW_CASE_URL = f"{DESK_URL}/cases/new/"


class TestNewCaseByStation:
    def test_opens_a_case_without_a_report(self, world: World, as_role):
        client = as_role("lawyer")
        assert NEW_CASE_URL in client.get(f"{DESK_URL}/cases/").content.decode()
        answer = client.post(NEW_CASE_URL, FORM_DATA)
        case = Case.objects.get()
        assert answer["Location"] == f"{DESK_URL}/cases/{case.pk}/"
        assert (case.commission, case.severity, case.holder.username) == (
            world.tree["KZ-1-1-1"],
            "major",
            "lawyer-KZ-1",
        )
        assert case.due_at and case.step == "open"
        assert Trail.objects.filter(action="case.open", subject=f"case:{case.pk}", election=world.election).exists()
        assert client.get(answer["Location"]).status_code == 200

    @pytest.mark.parametrize(
        "wrong",
        [{"commission": "KZ-2-1-1"}, {"commission": "nowhere"}, {"title": " "}, {"severity": "x"}, {"severity": ""}],
    )
    def test_shows_errors_and_keeps_what_was_typed(self, world: World, as_role, wrong):
        answer = as_role("lawyer").post(NEW_CASE_URL, FORM_DATA | wrong)
        assert answer.status_code == 409
        assert 'role="alert"' in answer.content.decode()
        assert wrong.get("title", "The door is locked") in answer.content.decode()
        assert not Case.objects.exists()

    def test_posting_twice_opens_one_case(self, world: World, as_role):
        client = as_role("lawyer")
        assert client.post(NEW_CASE_URL, FORM_DATA)["Location"] == client.post(NEW_CASE_URL, FORM_DATA)["Location"]
        assert Case.objects.count() == Trail.objects.filter(action="case.open").count() == 1

    def test_is_not_for_readers(self, world: World, as_role):
        reader = as_role("reader")
        assert NEW_CASE_URL not in reader.get(f"{DESK_URL}/cases/").content.decode()
        assert reader.get(NEW_CASE_URL).status_code == reader.post(NEW_CASE_URL, FORM_DATA).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_posting_twice_at_once_opens_one_case(concurrent_world: World):
    user = User.objects.create_superuser("root")

    def press() -> int:
        client = Client()
        client.force_login(user)
        return client.post(NEW_CASE_URL, FORM_DATA).status_code

    run_concurrently([press, press])
    assert Case.objects.count() == 1


class TestNewCaseByViolation:
    def test_the_violations_page_links_to_the_case(self, report, as_role):
        client, violation = as_role("lawyer"), report.violations.get()
        page = f"/admin/reports/violation/{violation.pk}/change/"
        assert f"{NEW_CASE_URL}?violation={violation.pk}" in client.get(page).content.decode()
        address = f"{NEW_CASE_URL}?violation={violation.pk}"
        answer = client.post(address, {"title": "", "seen": read_seen_stamp(client, address)})
        case = Case.objects.get()
        assert answer["Location"] == f"{DESK_URL}/cases/{case.pk}/"
        assert case.violations.get() == violation and case.severity == "critical"
        assert client.get(address)["Location"] == answer["Location"]
        assert f"{DESK_URL}/cases/{case.pk}/" in client.get(page).content.decode()
        assert client.post(address, {"title": "", "seen": "-"}).status_code == 409

    def test_another_territory_is_not_found(self, report, as_role):
        far = as_role("lawyer", "KZ-2")
        for key in (report.violations.get().pk, 987654321, "x", "9" * 30):
            assert far.get(f"{NEW_CASE_URL}?violation={key}").status_code == 404
            assert far.post(f"{NEW_CASE_URL}?violation={key}", FORM_DATA).status_code == 404
        assert not Case.objects.exists()


class TestHandingOver:
    @pytest.fixture
    def address(self, world: World, as_role) -> str:
        address: str = as_role("lawyer").post(NEW_CASE_URL, FORM_DATA)["Location"]
        return address

    def hand_over(self, client: Client, address: str, to: object, **fields):
        return client.post(address, {"do": "hand", "holder": to, "seen": read_seen_stamp(client, address)} | fields)

    def test_hands_a_case_to_a_colleague_who_works_there(self, address, as_role):
        client = as_role("territorial")
        as_role("verifier", "KZ")
        to = User.objects.get(username="verifier-KZ")
        assert "lawyer-KZ-1" in client.get(address).content.decode()
        assert self.hand_over(client, address, to.pk).status_code == 302
        assert Case.objects.get().holder == to
        line = Trail.objects.filter(action="case.take").get()
        assert line.detail["to"] == "verifier-KZ"

    def test_offers_nobody_who_may_not_work_there(self, world: World, address, as_role):
        client = as_role("territorial")
        for role, code in (("lawyer", "KZ-2"), ("reader", "KZ-1"), ("lawyer", "KZ-1-1-2")):
            as_role(role, code)
        partner = Organisation.objects.create(code="other", names=make_texts("other"))
        limited = User.objects.create_user("limited", is_staff=True)
        Grant.objects.create(user=limited, role="lawyer", commission=world.tree["KZ-1"], organisation=partner)
        gone = User.objects.create_user("gone", is_staff=True, is_active=False)
        Grant.objects.create(user=gone, role="lawyer", commission=world.tree["KZ-1"])
        offered = re.findall(r'<option value="\d+">([^<]+)</option>', client.get(address).content.decode())
        assert {"limited", "gone", "lawyer-KZ-2", "reader-KZ-1", "lawyer-KZ-1-1-2"} & set(offered) == set()
        for name in ("limited", "gone", "lawyer-KZ-2", "reader-KZ-1"):
            assert self.hand_over(client, address, User.objects.get(username=name).pk).status_code == 409
        for key in ("", "x", "9" * 30):
            assert self.hand_over(client, address, key).status_code == 409
        assert Case.objects.get().holder.username == "lawyer-KZ-1"

    def test_edit_conflict_changes_nothing(self, address, as_role):
        client = as_role("territorial")
        mine = User.objects.get(username="territorial-KZ-1")
        assert self.hand_over(client, address, mine.pk, seen="7").status_code == 409
        assert Case.objects.get().holder != mine


class TestTrailLabels:
    def test_pages_show_the_label_of_an_action(self, report, desk):
        address = f"{DESK_URL}/reports/{report.pk}/"
        desk.post(address, {"do": "verify", "seen": read_seen_stamp(desk, address)})
        assert ">Verified a report</span>" in desk.get(address).content.decode()
        listed = desk.get("/admin/observer/trail/").content.decode()
        assert "Verified a report<br><code>report.verify</code>" in listed

    @pytest.mark.parametrize("query", ["q=report.verify", "q=verified+a+rep", "action=report.verify"])
    def test_is_found_by_code_and_by_words(self, report, desk, query):
        address = f"{DESK_URL}/reports/{report.pk}/"
        desk.post(address, {"do": "verify", "seen": read_seen_stamp(desk, address)})
        page = desk.get(f"/admin/observer/trail/?{query}").content.decode()
        assert "<code>report.verify</code>" in page
        assert "<code>user.sign_in</code>" not in page

    def test_every_action_code_has_a_label(self, settings):
        written = set()
        for app in ("observer", "reports", "api"):
            for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
                written |= set(re.findall(r'action="([a-z]+\.[a-z_]+)"', path.read_text(encoding="utf-8")))
        assert written - set(ACTION_LABELS) == set()

    def test_generic_actions_name_the_model(self, db):
        assert get_action_label("commission.change") == "commission: changed"
        with override("ru"):
            assert get_action_label("commission.change") == "комиссия: изменено"
            assert get_action_label("report.verify") == "Отчёт проверен"
        assert get_action_label("nobody.knows") == "nobody.knows"
        assert get_action_label("") == ""
