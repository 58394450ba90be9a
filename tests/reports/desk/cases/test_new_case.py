"""Opening a case from the list and from a violation; handing one to a colleague; the trail in words."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils.translation import override

from observer.desk.trail_words import ACTIONS, action_words
from observer.models import Grant, Organisation, Trail, User
from reports.models import Case
from tests.reports.desk.verification.test_verification_pages import HERE, report, seen
from tests.support.threads import at_once
from tests.support.world import World, words

__all__ = ["report"]
SAID = {"commission": "kz-1-1-1", "title": "The door is locked", "severity": "major"}
NEW = f"{HERE}/cases/new/"


class TestFromTheList:
    def test_a_case_is_opened_about_what_was_told_on_the_telephone(self, world: World, as_role):
        client = as_role("lawyer")
        assert NEW in client.get(f"{HERE}/cases/").content.decode()
        answer = client.post(NEW, SAID)
        case = Case.objects.get()
        assert answer["Location"] == f"{HERE}/cases/{case.pk}/"
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
    def test_what_is_wrong_is_told_and_what_was_typed_stays(self, world: World, as_role, wrong):
        answer = as_role("lawyer").post(NEW, SAID | wrong)
        assert answer.status_code == 409
        assert 'role="alert"' in answer.content.decode()
        assert wrong.get("title", "The door is locked") in answer.content.decode()
        assert not Case.objects.exists()

    def test_pressing_twice_opens_one(self, world: World, as_role):
        client = as_role("lawyer")
        assert client.post(NEW, SAID)["Location"] == client.post(NEW, SAID)["Location"]
        assert Case.objects.count() == Trail.objects.filter(action="case.open").count() == 1

    def test_is_not_for_whoever_only_looks(self, world: World, as_role):
        reader = as_role("reader")
        assert NEW not in reader.get(f"{HERE}/cases/").content.decode()
        assert reader.get(NEW).status_code == reader.post(NEW, SAID).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_pressing_twice_at_once_opens_one(concurrent_world: World):
    user = User.objects.create_superuser("root")

    def press() -> int:
        client = Client()
        client.force_login(user)
        return client.post(NEW, SAID).status_code

    at_once([press, press])
    assert Case.objects.count() == 1


class TestFromAViolation:
    def test_its_page_leads_to_the_case(self, report, as_role):
        client, violation = as_role("lawyer"), report.violations.get()
        page = f"/admin/reports/violation/{violation.pk}/change/"
        assert f"{NEW}?violation={violation.pk}" in client.get(page).content.decode()
        address = f"{NEW}?violation={violation.pk}"
        answer = client.post(address, {"title": "", "seen": seen(client, address)})
        case = Case.objects.get()
        assert answer["Location"] == f"{HERE}/cases/{case.pk}/"
        assert case.violations.get() == violation and case.severity == "critical"
        assert client.get(address)["Location"] == answer["Location"]
        assert f"{HERE}/cases/{case.pk}/" in client.get(page).content.decode()
        assert client.post(address, {"title": "", "seen": "-"}).status_code == 409

    def test_of_another_territory_is_unknown(self, report, as_role):
        far = as_role("lawyer", "KZ-2")
        for key in (report.violations.get().pk, 987654321, "x", "9" * 30):
            assert far.get(f"{NEW}?violation={key}").status_code == 404
            assert far.post(f"{NEW}?violation={key}", SAID).status_code == 404
        assert not Case.objects.exists()


class TestHandingOver:
    @pytest.fixture
    def address(self, world: World, as_role) -> str:
        address: str = as_role("lawyer").post(NEW, SAID)["Location"]
        return address

    def hand(self, client: Client, address: str, to: object, **fields):
        return client.post(address, {"do": "hand", "holder": to, "seen": seen(client, address)} | fields)

    def test_gives_it_to_a_colleague_who_works_there(self, address, as_role):
        client = as_role("territorial")
        as_role("verifier", "KZ")
        to = User.objects.get(username="verifier-KZ")
        assert "lawyer-KZ-1" in client.get(address).content.decode()
        assert self.hand(client, address, to.pk).status_code == 302
        assert Case.objects.get().holder == to
        line = Trail.objects.filter(action="case.take").get()
        assert line.detail["to"] == "verifier-KZ"

    def test_offers_nobody_who_may_not_work_there(self, world: World, address, as_role):
        client = as_role("territorial")
        for role, code in (("lawyer", "KZ-2"), ("reader", "KZ-1"), ("lawyer", "KZ-1-1-2")):
            as_role(role, code)
        partner = Organisation.objects.create(code="other", names=words("other"))
        limited = User.objects.create_user("limited", is_staff=True)
        Grant.objects.create(user=limited, role="lawyer", commission=world.tree["KZ-1"], organisation=partner)
        gone = User.objects.create_user("gone", is_staff=True, is_active=False)
        Grant.objects.create(user=gone, role="lawyer", commission=world.tree["KZ-1"])
        offered = re.findall(r'<option value="\d+">([^<]+)</option>', client.get(address).content.decode())
        assert {"limited", "gone", "lawyer-KZ-2", "reader-KZ-1", "lawyer-KZ-1-1-2"} & set(offered) == set()
        for name in ("limited", "gone", "lawyer-KZ-2", "reader-KZ-1"):
            assert self.hand(client, address, User.objects.get(username=name).pk).status_code == 409
        for key in ("", "x", "9" * 30):
            assert self.hand(client, address, key).status_code == 409
        assert Case.objects.get().holder.username == "lawyer-KZ-1"

    def test_on_what_a_colleague_changed_meanwhile_does_nothing(self, address, as_role):
        client = as_role("territorial")
        mine = User.objects.get(username="territorial-KZ-1")
        assert self.hand(client, address, mine.pk, seen="7").status_code == 409
        assert Case.objects.get().holder != mine


class TestTheTrailInWords:
    def test_is_shown_where_the_codes_were(self, report, desk):
        address = f"{HERE}/reports/{report.pk}/"
        desk.post(address, {"do": "verify", "seen": seen(desk, address)})
        assert ">Verified a report</span>" in desk.get(address).content.decode()
        listed = desk.get("/admin/observer/trail/").content.decode()
        assert "Verified a report<br><code>report.verify</code>" in listed

    @pytest.mark.parametrize("asked", ["q=report.verify", "q=verified+a+rep", "action=report.verify"])
    def test_is_found_by_code_and_by_words(self, report, desk, asked):
        address = f"{HERE}/reports/{report.pk}/"
        desk.post(address, {"do": "verify", "seen": seen(desk, address)})
        shown = desk.get(f"/admin/observer/trail/?{asked}").content.decode()
        assert "<code>report.verify</code>" in shown
        assert "<code>user.sign_in</code>" not in shown

    def test_has_words_for_every_code_that_is_written(self, settings):
        written = set()
        for app in ("observer", "reports", "api"):
            for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
                written |= set(re.findall(r'action="([a-z]+\.[a-z_]+)"', path.read_text(encoding="utf-8")))
        assert written - set(ACTIONS) == set()

    def test_of_a_plain_form_names_the_noun(self, db):
        assert action_words("commission.change") == "commission: changed"
        with override("ru"):
            assert action_words("commission.change") == "комиссия: изменено"
            assert action_words("report.verify") == "Отчёт проверен"
        assert action_words("nobody.knows") == "nobody.knows"
        assert action_words("") == ""
