"""Names and phones are shown only on request, with a record."""

import pytest
from django.utils import timezone

from observer.models import Alert, Observer, Trail
from observer.services.accounts.disclosure_log import ReasonRequired, check_disclosure_rate, log_disclosure
from tests.support.desk import make_report
from tests.support.world import World

NAME, PHONE, MAIL = "Name of OB-2222", "+77010000000", "OB-2222@example.org"


def person(world: World) -> str:
    return f"/desk/test-2022/observers/{world.first.observer.pk}/person/"


def shows(page) -> bool:
    text = page.content.decode()
    return NAME in text and PHONE in text and MAIL in text


def hides(page) -> bool:
    text = page.content.decode()
    return not any(value in text for value in (NAME, PHONE, MAIL))


class TestBeforeTheClick:
    def test_no_page_of_the_admin_has_them(self, world, desk):
        key = world.first.observer.pk
        for address in ("", f"{key}/change/", f"{key}/history/"):
            assert hides(desk.get(f"/admin/observer/observer/{address}")), address
        assert hides(desk.get("/admin/observer/observer/", {"q": "+7 701 000 00 00"}))
        assert hides(desk.get(person(world)))

    def test_they_are_written_without_being_shown(self, world, desk):
        one = world.first.observer
        fields = {"code": one.code, "organisation": one.organisation_id, "language": "kk", "phone": "+77770000001"}
        rows = {
            f"{name}-{part}": 0
            for name in ("Assignment_observers", "consents", "devices")
            for part in ("TOTAL_FORMS", "INITIAL_FORMS")
        }
        answer = desk.post(f"/admin/observer/observer/{one.pk}/change/", fields | rows | {"email": "-"})
        assert answer.status_code == 302
        one.refresh_from_db()
        assert (one.name, one.phone, one.email) == (NAME, "+77770000001", "")
        assert Observer.objects.filter(email_lookup="").count() == 1
        assert Trail.objects.get(action="observer.change").detail == {"fields": ["email", "language", "phone"]}


class TestTheClick:
    def test_is_enough_within_ones_own_territory(self, world, as_role):
        client = as_role("territorial", "KZ-1")
        assert hides(client.get(person(world)))
        page = client.post(person(world))
        assert shows(page) and "no-store" in page["Cache-Control"]
        line = Trail.objects.get(action="observer.see")
        assert line.detail == {"fields": ["name", "phone", "email", "accreditation_number"], "own": True}
        assert (line.address, line.election, line.subject) == (
            "127.0.0.1",
            world.election,
            f"observer:{world.first.observer.pk}",
        )
        assert NAME not in str(list(Trail.objects.values())) and PHONE not in str(list(Trail.objects.values()))

    def test_needs_a_reason_for_an_observer_who_only_reported_about_the_territory(self, world, as_role):
        client = as_role("territorial", "KZ-2")
        assert client.post(person(world), {"reason": "A good reason"}).status_code == 404
        make_report(world, commission="KZ-2-1-1")
        for reason in ("", "  x "):
            assert hides(client.post(person(world), {"reason": reason}))
        assert not Trail.objects.filter(action="observer.see").exists()
        assert shows(client.post(person(world), {"reason": "The answer V03 is unclear"}))
        assert Trail.objects.get(action="observer.see").detail["reason"] == "The answer V03 is unclear"

    def test_a_superuser_has_no_territory(self, world, desk):
        assert hides(desk.post(person(world)))
        assert shows(desk.post(person(world), {"reason": "Testing the phone"}))

    @pytest.mark.parametrize("role", ["reader", "publisher", "analyst"])
    def test_is_refused_without_the_permission(self, world, as_role, role):
        client = as_role(role, "KZ")
        make_report(world)
        assert client.get(person(world)).status_code == 404
        assert client.post(person(world), {"reason": "Curious"}).status_code == 404


class TestAlerts:
    def test_are_shown_to_an_administrator_who_marks_them_seen(self, world, as_role, settings):
        settings.SIGHTS_PER_HOUR = 1
        clerk, administrator = as_role("national", "KZ"), as_role("administrator", "KZ")
        clerk.post(person(world))
        clerk.post(person(world))  # the same person again is one
        assert not Alert.objects.exists()
        clerk.post(person(world).replace(str(world.first.observer.pk), str(world.second.observer.pk)))
        alert = Alert.objects.get()
        assert alert.number == 2
        assert "national-KZ" in administrator.get("/admin/").content.decode()
        assert 'class="alert"' not in clerk.get("/admin/").content.decode()
        assert clerk.post(f"/desk/test-2022/alerts/{alert.pk}/").status_code == 404
        administrator.post(f"/desk/test-2022/alerts/{alert.pk}/")
        assert 'class="alert"' not in administrator.get("/admin/").content.decode()
        assert Trail.objects.filter(action__in=("alert.sights", "alert.close")).count() == 2

    def test_one_stays_open_and_its_number_grows(self, world, root, settings):
        settings.SIGHTS_PER_HOUR = 0
        now = timezone.now()
        for n in range(3):
            Trail.objects.create(at=now, user=root, action="observer.call", subject=f"observer:{n}")
            check_disclosure_rate(user=root, election=world.election, now=now)
        assert Alert.objects.get().number == 3


class TestLists:
    def test_of_names_need_a_reason_and_write_one_entry(self, world, root):
        given = {"number": 2, "what": "sheets", "fields": ["name"], "election": world.election, "user": root}
        now = timezone.now()
        with pytest.raises(ReasonRequired):
            log_disclosure(**given, reason=" ", now=now)
        log_disclosure(**given, reason="Badges", now=now)
        line = Trail.objects.get(action="observer.list")
        assert line.detail == {"fields": ["name"], "number": 2, "reason": "Badges"}
