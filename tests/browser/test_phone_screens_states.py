"""What the screens say when something is wrong: each state real, each with what is safe and what to do."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from observer.models import Assignment, Device
from observer.services.devices.enrolment import device_revoke
from reports.models import Report, ViolationType
from tests.browser.country import STATION, TITLES, Country
from tests.browser.hand import Hand, photo
from tests.support.door import stored
from tests.support.world import make_observer, make_phone

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
TELEGRAM = "Mozilla/5.0 (Linux; Android 13; SM-A145F; wv) AppleWebKit/537.36 Version/4.0 Chrome/119.0 Mobile Safari/537.36 Telegram-Android/10.2"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1"

# No room for photos and reports, as the browser would say it.
FULL = """() => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...given) {
    if (['blobs', 'reports'].includes(this.name)) throw new DOMException('full', 'QuotaExceededError');
    return put.apply(this, given);
  };
  navigator.storage.estimate = async () => ({ quota: 50e6, usage: 49e6 });
}"""

FORGET = """(path) => import('/phone/files/core/store/store.js')
  .then((store) => store.transact(['reference'], (tx) => tx.store.delete(path)))"""


def clean(hand: Hand) -> None:
    assert (hand.found, hand.errors, hand.strangers) == ({}, [], [])


class TestBeforeEnrolling:
    def test_a_messengers_browser_is_left_first(self, hold, country: Country):
        hand = hold("en", user_agent=TELEGRAM)
        hand.open(f"/phone/#enrol={country.code()}")
        hand.at("enrol")
        hand.speak()
        expect(hand.page.locator("#code")).to_have_count(0)
        expect(hand.page.locator(".notice.care")).to_contain_text("Telegram")
        hand.look("70-inside-a-messenger")
        hand.page.locator("main button.quiet").click()
        expect(hand.page.locator("#code")).to_be_visible()
        clean(hand)

    def test_safari_is_installed_first(self, hold, country: Country):
        code = country.code()
        hand = hold("en", user_agent=IPHONE)
        hand.open(f"/phone/#enrol={code}")
        hand.at("enrol")
        hand.speak()
        expect(hand.page.locator("p.code")).to_have_text(code)
        hand.look("71-safari-not-installed")
        clean(hand)


class TestWhenSomethingIsWrong:
    def test_refused_is_corrected_and_received(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        hand.context.set_offline(True)
        hand.start(TITLES["incident"]["en"])
        hand.page.locator("#search-I01").fill("FRD-01")
        hand.page.locator("#q-I01 button.pick").click()
        hand.page.locator("#answer-I02").fill("Жәшікке бір топ бюллетень салынды.")
        hand.check()
        hand.save()
        report = hand.number()
        ViolationType.objects.filter(code="FRD-01").delete()  # the list changed while there was no network
        hand.context.set_offline(False)
        expect(hand.page.locator(".notice.bad")).to_be_visible(timeout=60_000)
        hand.look("72-refused")
        hand.go("outbox")
        expect(hand.page.locator(".state.refused")).to_be_visible()
        hand.look("73-outbox-with-refused")
        hand.go("day")
        hand.look("74-day-with-refused")
        hand.go(f"report/{report}")
        hand.page.locator(".notice.bad button.main").click()
        hand.at("fill")
        hand.look("75-correcting")
        hand.page.locator("#q-I01 .clear").click()
        hand.page.locator("#search-I01").fill("FRD-02")
        hand.page.locator("#q-I01 button.pick").click()
        hand.check()
        hand.save()
        expect(hand.page.locator(".big .state.received")).to_be_visible(timeout=60_000)
        assert Report.objects.get(uuid=report).answers["I01"] == "FRD-02"
        clean(hand)

    def test_a_conflict_keeps_both(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        hand.start(TITLES["opening"]["en"])
        hand.page.locator(".question input").first.check()
        report = hand.number()
        other = make_phone(make_observer("OB-9999", country.observer.organisation), country.election)
        theirs = {"id": report, "checklist": {"code": "incident", "version": 1}, "commission": STATION, "answers": {}}
        stored(other, theirs | {"observed_at": datetime.now(UTC).isoformat()}, datetime.now(UTC))
        hand.check()
        hand.save()
        expect(hand.page.locator(".notice.care")).to_be_visible(timeout=60_000)
        hand.look("76-conflict")
        hand.go("outbox")
        expect(hand.page.locator(".state.conflict")).to_be_visible()
        hand.look("77-outbox-with-conflict")
        clean(hand)

    def test_a_revoked_phone_keeps_everything_and_says_so(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        device_revoke(device=Device.objects.get(), user=None, now=datetime.now(UTC))
        hand.start(TITLES["opening"]["en"])
        hand.page.locator(".question input").first.check()
        hand.check()
        hand.save()
        hand.go("day")
        expect(hand.page.locator(".notice.bad a[href='#/relay']")).to_be_visible(timeout=60_000)
        hand.look("78-day-revoked")
        hand.go("outbox")
        expect(hand.page.locator(".notice.bad")).to_be_visible()
        expect(hand.page.locator("ul.rows li")).to_have_count(1)
        hand.look("79-outbox-revoked")
        clean(hand)

    def test_a_full_phone_says_what_is_kept(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        hand.start(TITLES["every"]["en"])
        hand.page.locator("#answer-E07").fill("7")
        hand.page.evaluate(FULL)
        hand.page.locator("#q-E11 input[type=file]").first.set_input_files(photo())
        expect(hand.page.locator("#q-E11 .notice.bad")).to_be_visible(timeout=30_000)
        hand.look("80-no-room-for-a-photo")
        hand.check()
        hand.page.locator(".thumb .step.main").click()
        expect(hand.page.locator(".notice.bad a[href='#/relay']")).to_be_visible()
        hand.look("80-no-room-for-a-report")
        hand.go("day")
        expect(hand.page.locator(".notice.care a[href='#/settings']").first).to_be_visible()
        hand.look("81-day-almost-full")
        clean(hand)

    def test_nothing_is_there_yet(self, hold, country: Country):
        Assignment.objects.all().delete()
        hand = hold()
        hand.ready(country.code())
        hand.look("82-no-station")
        hand.go("rehearsal")
        hand.look("82-test-report-without-station")
        hand.go("day")
        hand.start(TITLES["opening"]["en"])
        hand.check()
        hand.look("82-check-without-station")
        hand.page.locator(".thumb .step.main").click()
        hand.at("station")
        hand.page.locator("#search").fill("375")
        hand.page.locator("main ul.rows button").first.click()
        hand.at("check")
        expect(hand.page.locator("button.step.main")).to_be_enabled()
        hand.go("day")
        hand.page.locator("a.removal").click()
        hand.at("removal")
        expect(hand.page.locator(".alarm")).to_be_disabled()
        hand.look("83-removal-without-station")
        hand.go("station")
        hand.look("84-no-assignment")
        hand.go("report/018f0000-0000-7000-8000-000000000000")
        hand.look("85-no-such-report")
        hand.go("fill/018f0000-0000-7000-8000-000000000000")
        hand.look("86-no-such-draft")
        clean(hand)

    def test_a_checklist_that_is_not_here_yet_opens_when_it_comes(self, hold, country: Country):
        hand = hold("kk")
        hand.ready(country.code())
        hand.context.set_offline(True)
        hand.page.evaluate(FORGET, "/checklists/voting/1")
        hand.start(TITLES["voting"]["kk"])
        expect(hand.page.locator("h1")).to_have_text("Бұл бақылау парағы телефонда әлі жоқ")
        hand.look("88-checklist-not-here-yet")
        hand.context.set_offline(False)
        expect(hand.page.locator(".question").first).to_be_visible(timeout=30_000)
        clean(hand)

    def test_the_network_went_just_after_enrolling(self, hold, country: Country):
        hand = hold()
        code = country.code()
        hand.open(f"/phone/#enrol={code}")
        hand.at("enrol")
        hand.speak()
        hand.kept()
        hand.page.route(
            "**/api/v1/**", lambda route: route.continue_() if route.request.url.endswith("/enrol") else route.abort()
        )
        hand.page.locator("button[type=submit]").click()
        hand.at("consent")
        expect(hand.page.locator(".notice.off")).to_be_visible(timeout=30_000)
        hand.look("87-conduct-not-here-yet")
        hand.page.unroute_all()
        hand.page.locator("main button.main").click()
        expect(hand.page.locator("main input[type=checkbox]")).to_be_visible(timeout=30_000)
        clean(hand)


class TestByAccident:
    def test_two_taps_in_the_same_place_report_nothing(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        box = hand.page.locator("a.removal").bounding_box()
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in range(4):
            hand.page.mouse.dblclick(*middle)
        hand.at("removal")
        alarm = hand.page.locator(".alarm").bounding_box()
        assert alarm is not None
        assert alarm["y"] + alarm["height"] < box["y"] - 100
        hand.go("outbox")
        expect(hand.page.locator("ul.rows")).to_have_count(0)
        assert not Report.objects.exists()

    def test_a_rehearsal_left_unfinished_is_not_gone_on_with_in_earnest(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        hand.go("rehearsal")
        expect(hand.page.locator("main input[type=file]").first).to_be_attached()
        hand.go("day")
        hand.start(TITLES["incident"]["en"])
        hand.page.locator("#q-I01 button.pick").first.click()
        hand.check()
        hand.save()
        expect(hand.page.locator(".big .state.received")).to_be_visible(timeout=60_000)
        assert not Report.objects.get().rehearsal

    def test_what_was_written_is_deleted_only_when_asked_twice(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        hand.start(TITLES["voting"]["en"])
        hand.page.locator(".question input").first.check()
        hand.check()
        hand.page.get_by_role("button", name="Delete what I wrote").click()
        hand.page.get_by_role("button", name="No, keep it").click()
        hand.page.get_by_role("button", name="Delete what I wrote").click()
        hand.page.locator(".sure").get_by_role("button", name="Delete what I wrote").click()
        hand.at("day")
        expect(hand.page.locator(".state.draft")).to_have_count(0)

    def test_a_keystroke_is_there_after_the_page_is_killed(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        hand.start(TITLES["every"]["en"])
        hand.page.locator("input[value=yes]").first.check()
        hand.page.locator("#answer-E02").press_sequentially("The secretary signed for five")
        expect(hand.page.locator(".corner span").first).to_have_text("Saved")
        address = hand.page.url
        hand.page.close(run_before_unload=False)
        hand.page = hand.context.new_page()
        hand.page.goto(address)
        expect(hand.page.locator("#answer-E02")).to_have_value("The secretary signed for five")

    def test_two_windows_agree(self, hold, country: Country):
        hand = hold()
        hand.ready(country.code())
        hand.start(TITLES["every"]["en"])
        other = hand.context.new_page()
        other.goto(hand.page.url)
        hand.page.locator("input[value=yes]").first.check()
        expect(other.locator("input[value=yes]").first).to_be_checked()
        other.locator("#answer-E02").fill("the secretary")
        expect(hand.page.locator("#answer-E02")).to_have_value("the secretary")
        hand.check()
        hand.save()
        other.locator("a.back").click()
        expect(other.locator("main[data-screen=day]")).to_be_visible()


def test_files_are_saved_and_brought_in_by_another_phone(hold, country: Country, tmp_path):
    hand = hold()
    hand.ready(country.code())
    hand.context.set_offline(True)
    hand.start(TITLES["opening"]["en"])
    hand.page.locator(".question input").first.check()
    hand.check()
    hand.page.locator("main input[type=file]").first.set_input_files(photo())
    expect(hand.page.locator(".file img")).to_be_visible()
    hand.save()
    report = hand.number()
    hand.go("relay")
    saved = []
    for count in (1, 2):
        hand.page.locator("main > button.main").click()
        expect(hand.page.locator("main li a[download]")).to_have_count(count, timeout=30_000)
        with hand.page.expect_download() as download:
            hand.page.locator("main li a[download]").last.click()
        saved.append(tmp_path / download.value.suggested_filename)
        download.value.save_as(saved[-1])
    expect(hand.page.locator(".notice.good")).to_be_visible()
    hand.look("91-relay-saved")

    other = hold()
    other.ready(country.code())
    other.go("relay")
    other.page.locator("main input[type=file]").set_input_files(saved)
    expect(other.page.locator(".notice.good")).to_be_visible(timeout=30_000)
    other.look("92-relay-brought")
    (tmp_path / "broken.age").write_bytes(saved[0].read_bytes()[:-5])
    other.page.locator("main input[type=file]").set_input_files(tmp_path / "broken.age")
    expect(other.page.locator(".notice.bad")).to_be_visible(timeout=30_000)
    other.look("93-relay-unreadable")
    assert Report.objects.get(uuid=report).evidence.get().state == "stored"

    hand.context.set_offline(False)
    hand.sent()
    hand.go("day")
    hand.go("relay")
    hand.page.locator("main > button.main").click()
    hand.page.locator("main > button.main").click()
    expect(hand.page.locator(".notice.good")).to_be_visible()
    hand.look("94-relay-nothing-waits")
    assert Report.objects.count() == 1
    clean(hand)
    clean(other)
