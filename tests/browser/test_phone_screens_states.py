"""Screens in error and empty states: each says what is safe and what to do."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from observer.models import Assignment, Device
from observer.services.devices.enrolment import revoke_device
from reports.models import Report, ViolationType
from tests.browser.country import STATION, TITLES, Country
from tests.browser.phone_user import PhoneUser, make_photo
from tests.support.intake import store_report
from tests.support.world import make_observer, make_phone

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
TELEGRAM = "Mozilla/5.0 (Linux; Android 13; SM-A145F; wv) AppleWebKit/537.36 Version/4.0 Chrome/119.0 Mobile Safari/537.36 Telegram-Android/10.2"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1"

# Simulates a full phone: no room for photos and reports.
SIMULATE_FULL_STORAGE = """() => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...given) {
    if (['blobs', 'reports'].includes(this.name)) throw new DOMException('full', 'QuotaExceededError');
    return put.apply(this, given);
  };
  navigator.storage.estimate = async () => ({ quota: 50e6, usage: 49e6 });
}"""

DELETE_REFERENCE = """(path) => import('/phone/files/core/store/database.js')
  .then((database) => database.runTransaction(['reference'], (tx) => tx.store.delete(path)))"""


def assert_no_problems(user: PhoneUser) -> None:
    assert (user.problems, user.errors, user.foreign_requests) == ({}, [], [])


class TestBeforeEnrolling:
    def test_a_messengers_browser_is_left_first(self, new_user, country: Country):
        user = new_user("en", user_agent=TELEGRAM)
        user.open(f"/phone/#enrol={country.new_code()}")
        user.expect_screen("enrol")
        user.choose_language()
        expect(user.page.locator("#code")).to_have_count(0)
        expect(user.page.locator(".notice.care")).to_contain_text("Telegram")
        user.check_screen("70-inside-a-messenger")
        user.page.locator("main button.quiet").click()
        expect(user.page.locator("#code")).to_be_visible()
        assert_no_problems(user)

    def test_safari_is_installed_first(self, new_user, country: Country):
        code = country.new_code()
        user = new_user("en", user_agent=IPHONE)
        user.open(f"/phone/#enrol={code}")
        user.expect_screen("enrol")
        user.choose_language()
        expect(user.page.locator("p.code")).to_have_text(code)
        user.check_screen("71-safari-not-installed")
        assert_no_problems(user)


class TestWhenSomethingIsWrong:
    def test_refused_is_corrected_and_received(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        user.context.set_offline(True)
        user.open_checklist(TITLES["incident"]["en"])
        user.page.locator("#search-I01").fill("FRD-01")
        user.page.locator("#q-I01 button.pick").click()
        user.page.locator("#answer-I02").fill("Жәшікке бір топ бюллетень салынды.")
        user.open_check()
        user.save_report()
        report = user.current_id()
        ViolationType.objects.filter(code="FRD-01").delete()  # the list changed while there was no network
        user.context.set_offline(False)
        expect(user.page.locator(".notice.bad")).to_be_visible(timeout=60_000)
        user.check_screen("72-refused")
        user.go_to("outbox")
        expect(user.page.locator(".state.refused")).to_be_visible()
        user.check_screen("73-outbox-with-refused")
        user.go_to("day")
        user.check_screen("74-day-with-refused")
        user.go_to(f"report/{report}")
        user.page.locator(".notice.bad button.main").click()
        user.expect_screen("fill")
        user.check_screen("75-correcting")
        user.page.locator("#q-I01 .clear").click()
        user.page.locator("#search-I01").fill("FRD-02")
        user.page.locator("#q-I01 button.pick").click()
        user.open_check()
        user.save_report()
        expect(user.page.locator(".big .state.received")).to_be_visible(timeout=60_000)
        assert Report.objects.get(uuid=report).answers["I01"] == "FRD-02"
        assert_no_problems(user)

    def test_a_conflict_keeps_both(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        user.open_checklist(TITLES["opening"]["en"])
        user.page.locator(".question input").first.check()
        report = user.current_id()
        other = make_phone(make_observer("OB-9999", country.observer.organisation), country.election)
        theirs = {"id": report, "checklist": {"code": "incident", "version": 1}, "commission": STATION, "answers": {}}
        store_report(other, theirs | {"observed_at": datetime.now(UTC).isoformat()}, datetime.now(UTC))
        user.open_check()
        user.save_report()
        expect(user.page.locator(".notice.care")).to_be_visible(timeout=60_000)
        user.check_screen("76-conflict")
        user.go_to("outbox")
        expect(user.page.locator(".state.conflict")).to_be_visible()
        user.check_screen("77-outbox-with-conflict")
        assert_no_problems(user)

    def test_a_revoked_phone_keeps_everything_and_says_so(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        revoke_device(device=Device.objects.get(), user=None, now=datetime.now(UTC))
        user.open_checklist(TITLES["opening"]["en"])
        user.page.locator(".question input").first.check()
        user.open_check()
        user.save_report()
        user.go_to("day")
        expect(user.page.locator(".notice.bad a[href='#/relay']")).to_be_visible(timeout=60_000)
        user.check_screen("78-day-revoked")
        user.go_to("outbox")
        expect(user.page.locator(".notice.bad")).to_be_visible()
        expect(user.page.locator("ul.rows li")).to_have_count(1)
        user.check_screen("79-outbox-revoked")
        assert_no_problems(user)

    def test_a_full_phone_says_what_is_kept(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        user.open_checklist(TITLES["every"]["en"])
        user.page.locator("#answer-E07").fill("7")
        user.page.evaluate(SIMULATE_FULL_STORAGE)
        user.page.locator("#q-E11 input[type=file]").first.set_input_files(make_photo())
        expect(user.page.locator("#q-E11 .notice.bad")).to_be_visible(timeout=30_000)
        user.check_screen("80-no-room-for-a-photo")
        user.open_check()
        user.page.locator(".thumb .step.main").click()
        expect(user.page.locator(".notice.bad a[href='#/relay']")).to_be_visible()
        user.check_screen("80-no-room-for-a-report")
        user.go_to("day")
        expect(user.page.locator(".notice.care a[href='#/settings']").first).to_be_visible()
        user.check_screen("81-day-almost-full")
        assert_no_problems(user)

    def test_empty_states(self, new_user, country: Country):
        Assignment.objects.all().delete()
        user = new_user()
        user.set_up(country.new_code())
        user.check_screen("82-no-station")
        user.go_to("rehearsal")
        user.check_screen("82-test-report-without-station")
        user.go_to("day")
        user.open_checklist(TITLES["opening"]["en"])
        user.open_check()
        user.check_screen("82-check-without-station")
        user.page.locator(".thumb .step.main").click()
        user.expect_screen("station")
        user.page.locator("#search").fill("375")
        user.page.locator("main ul.rows button").first.click()
        user.expect_screen("check")
        expect(user.page.locator("button.step.main")).to_be_enabled()
        user.go_to("day")
        user.page.locator("a.removal").click()
        user.expect_screen("removal")
        expect(user.page.locator(".alarm")).to_be_disabled()
        user.check_screen("83-removal-without-station")
        user.go_to("station")
        user.check_screen("84-no-assignment")
        user.go_to("report/018f0000-0000-7000-8000-000000000000")
        user.check_screen("85-no-such-report")
        user.go_to("fill/018f0000-0000-7000-8000-000000000000")
        user.check_screen("86-no-such-draft")
        assert_no_problems(user)

    def test_a_checklist_that_is_not_here_yet_opens_when_it_comes(self, new_user, country: Country):
        user = new_user("kk")
        user.set_up(country.new_code())
        user.context.set_offline(True)
        user.page.evaluate(DELETE_REFERENCE, "/checklists/voting/1")
        user.open_checklist(TITLES["voting"]["kk"])
        expect(user.page.locator("h1")).to_have_text("Бұл бақылау парағы телефонда әлі жоқ")
        user.check_screen("88-checklist-not-here-yet")
        user.context.set_offline(False)
        expect(user.page.locator(".question").first).to_be_visible(timeout=30_000)
        assert_no_problems(user)

    def test_the_network_is_lost_just_after_enrolling(self, new_user, country: Country):
        user = new_user()
        code = country.new_code()
        user.open(f"/phone/#enrol={code}")
        user.expect_screen("enrol")
        user.choose_language()
        user.wait_for_service_worker()
        user.page.route(
            "**/api/v1/**", lambda route: route.continue_() if route.request.url.endswith("/enrol") else route.abort()
        )
        user.page.locator("button[type=submit]").click()
        user.expect_screen("consent")
        expect(user.page.locator(".notice.off")).to_be_visible(timeout=30_000)
        user.check_screen("87-conduct-not-here-yet")
        user.page.unroute_all()
        user.page.locator("main button.main").click()
        expect(user.page.locator("main input[type=checkbox]")).to_be_visible(timeout=30_000)
        assert_no_problems(user)


class TestByAccident:
    def test_two_taps_in_the_same_place_report_nothing(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        box = user.page.locator("a.removal").bounding_box()
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in range(4):
            user.page.mouse.dblclick(*middle)
        user.expect_screen("removal")
        alarm = user.page.locator(".alarm").bounding_box()
        assert alarm is not None
        assert alarm["y"] + alarm["height"] < box["y"] - 100
        user.go_to("outbox")
        expect(user.page.locator("ul.rows")).to_have_count(0)
        assert not Report.objects.exists()

    def test_an_unfinished_rehearsal_is_not_continued_as_a_report(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        user.go_to("rehearsal")
        expect(user.page.locator("main input[type=file]").first).to_be_attached()
        user.go_to("day")
        user.open_checklist(TITLES["incident"]["en"])
        user.page.locator("#q-I01 button.pick").first.click()
        user.open_check()
        user.save_report()
        expect(user.page.locator(".big .state.received")).to_be_visible(timeout=60_000)
        assert not Report.objects.get().rehearsal

    def test_what_was_written_is_deleted_only_when_asked_twice(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        user.open_checklist(TITLES["voting"]["en"])
        user.page.locator(".question input").first.check()
        user.open_check()
        user.page.get_by_role("button", name="Delete what I wrote").click()
        user.page.get_by_role("button", name="No, keep it").click()
        user.page.get_by_role("button", name="Delete what I wrote").click()
        user.page.locator(".sure").get_by_role("button", name="Delete what I wrote").click()
        user.expect_screen("day")
        expect(user.page.locator(".state.draft")).to_have_count(0)

    def test_a_keystroke_is_there_after_the_page_is_killed(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        user.open_checklist(TITLES["every"]["en"])
        user.page.locator("input[value=yes]").first.check()
        user.page.locator("#answer-E02").press_sequentially("The secretary signed for five")
        expect(user.page.locator(".corner span").first).to_have_text("Saved")
        address = user.page.url
        user.page.close(run_before_unload=False)
        user.page = user.context.new_page()
        user.page.goto(address)
        expect(user.page.locator("#answer-E02")).to_have_value("The secretary signed for five")

    def test_two_windows_agree(self, new_user, country: Country):
        user = new_user()
        user.set_up(country.new_code())
        user.open_checklist(TITLES["every"]["en"])
        other = user.context.new_page()
        other.goto(user.page.url)
        user.page.locator("input[value=yes]").first.check()
        expect(other.locator("input[value=yes]").first).to_be_checked()
        other.locator("#answer-E02").fill("the secretary")
        expect(user.page.locator("#answer-E02")).to_have_value("the secretary")
        user.open_check()
        user.save_report()
        other.locator("a.back").click()
        expect(other.locator("main[data-screen=day]")).to_be_visible()


def test_relay_files_are_uploaded_by_another_phone(new_user, country: Country, tmp_path):
    user = new_user()
    user.set_up(country.new_code())
    user.context.set_offline(True)
    user.open_checklist(TITLES["opening"]["en"])
    user.page.locator(".question input").first.check()
    user.open_check()
    user.page.locator("main input[type=file]").first.set_input_files(make_photo())
    expect(user.page.locator(".file img")).to_be_visible()
    user.save_report()
    report = user.current_id()
    user.go_to("relay")
    saved = []
    for count in (1, 2):
        user.page.locator("main > button.main").click()
        expect(user.page.locator("main li a[download]")).to_have_count(count, timeout=30_000)
        with user.page.expect_download() as download:
            user.page.locator("main li a[download]").last.click()
        saved.append(tmp_path / download.value.suggested_filename)
        download.value.save_as(saved[-1])
    expect(user.page.locator(".notice.good")).to_be_visible()
    user.check_screen("91-relay-saved")

    other = new_user()
    other.set_up(country.new_code())
    other.go_to("relay")
    other.page.locator("main input[type=file]").set_input_files(saved)
    expect(other.page.locator(".notice.good")).to_be_visible(timeout=30_000)
    other.check_screen("92-relay-brought")
    (tmp_path / "broken.age").write_bytes(saved[0].read_bytes()[:-5])
    other.page.locator("main input[type=file]").set_input_files(tmp_path / "broken.age")
    expect(other.page.locator(".notice.bad")).to_be_visible(timeout=30_000)
    other.check_screen("93-relay-unreadable")
    assert Report.objects.get(uuid=report).evidence.get().state == "stored"

    user.context.set_offline(False)
    user.wait_until_sent()
    user.go_to("day")
    user.go_to("relay")
    user.page.locator("main > button.main").click()
    user.page.locator("main > button.main").click()
    expect(user.page.locator(".notice.good")).to_be_visible()
    user.check_screen("94-relay-nothing-waits")
    assert Report.objects.count() == 1
    assert_no_problems(user)
    assert_no_problems(other)
