"""Everybody reaches everything: without a network, without a touch, in large letters, in the dark."""

import pytest
from playwright.sync_api import Browser, expect

from reports.models import Report
from tests.browser.conftest import CHROMIUM
from tests.browser.country import TITLES, Country
from tests.browser.hand import Hand, answer_all, photo

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
ROOMS = (
    "day",
    "station",
    "outbox",
    "messages",
    "guide",
    "template/act",
    "template/complaint",
    "menu",
    "settings",
    "transfer",
    "relay",
    "rehearsal",
    "removal",
)


def written_offline(hand: Hand, language: str) -> str:
    """Every question answered and saved; the report's id."""
    hand.start(TITLES["every"][language])
    answer_all(hand)
    hand.check()
    hand.save()
    return hand.number()


def test_every_screen_works_without_a_network_and_asks_nobody_else(hold, country: Country):
    hand = hold("ru")
    hand.ready(country.code())
    expect(hand.page.locator("ul.day")).to_be_visible()
    hand.context.set_offline(True)
    hand.page.reload()
    hand.at("day")
    report = written_offline(hand, "ru")
    for place in (*ROOMS, f"report/{report}"):
        hand.go(place)
        hand.page.reload()
        hand.at(place.split("/")[0])
        assert hand.page.locator("h1").inner_text() != "Этот экран нельзя показать", place
    hand.go("removal")
    hand.page.locator(".alarm").click()
    expect(hand.page.locator(".notice.good")).to_be_visible()
    hand.go("transfer")
    hand.page.locator("main > button").click()
    expect(hand.page.locator(".notice.bad")).to_be_visible()
    hand.look("90-transfer-offline")
    assert (hand.strangers, hand.errors, hand.found) == ([], [], {})
    assert not Report.objects.exists()
    hand.context.set_offline(False)
    hand.sent()
    assert Report.objects.count() == 2


def test_letters_twice_as_large(hold, browser: Browser, country: Country):
    """By the browser's own setting."""
    large = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--blink-settings=defaultFontSize=32"]
    )
    hand = hold("kk", looks=("kk", "ru"), label="-large", of=large)
    hand.enrol(country.code())
    hand.speak()
    expect(hand.page.locator("main input[type=checkbox]")).to_be_visible()
    assert hand.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    hand.look("04-conduct")
    hand.accept()
    hand.look("05-test-report")
    hand.put_off()
    hand.look("08-day")
    report = written_offline(hand, "kk")
    hand.look("14-saved")
    hand.go("day")
    hand.start(TITLES["every"]["kk"])
    hand.page.locator("input[value=yes]").first.check()
    hand.look("12-every-question")
    hand.check()
    hand.look("13-check")
    for place in (*ROOMS[1:], f"report/{report}"):
        hand.go(place)
        hand.look(f"9-{place.split('/')[0]}")
    assert hand.found == {}
    large.close()


def test_the_dark_is_as_readable(hold, country: Country):
    hand = hold("kk", looks=("kk",), label="-dark", color_scheme="dark")
    hand.ready(country.code())
    hand.look("08-day")
    report = written_offline(hand, "kk")
    hand.sent()
    for place in (*ROOMS, f"report/{report}"):
        hand.go(place)
        hand.look(f"9-{place.split('/')[0]}")
    hand.go("day")
    hand.start(TITLES["every"]["kk"])
    hand.page.locator("input[value=yes]").first.check()
    hand.page.locator("#answer-E06").fill("4000")
    hand.look("12-every-question")
    hand.check()
    hand.look("13-check")
    assert hand.found == {}


def test_a_report_by_the_keyboard_alone(hold, country: Country):
    hand = hold("en")
    page = hand.page
    hand.open(f"/phone/#enrol={country.code()}")
    hand.at("enrol")
    press(hand, "English", "Space")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    press(hand, "Enrol this phone", "Enter")
    hand.at("consent")
    press(hand, "I have read it and will keep to it", "Space")
    press(hand, "Accept", "Enter")
    hand.at("rehearsal")
    press(hand, "Later: to the day", "Enter")
    hand.at("day")
    press(hand, "Start", "Enter")
    hand.at("fill")
    press(hand, "Yes", "Space")
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[value=no]").first).to_be_checked()
    press(hand, "How many voters are on the list?")
    page.keyboard.type("1171")
    press(hand, "Next question", "Enter")
    assert page.evaluate("document.activeElement.id") == "answer-E07"
    press(hand, "Check and save", "Enter")
    hand.at("check")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    press(hand, "Save the report", "Enter")
    hand.at("report")
    press(hand, "Done", "Enter")
    hand.at("day")
    press(hand, "I am being thrown out", "Enter")
    hand.at("removal")
    press(hand, "Yes, report it now", "Enter")
    expect(page.locator("h1")).to_have_text("It is reported")
    hand.sent()
    assert Report.objects.count() == 2


def press(hand: Hand, name: str, key: str = "") -> None:
    """Goes on by Tab until what is called `name` has the focus, seen by an outline, and presses `key` there."""
    for _ in range(120):
        hand.page.keyboard.press("Tab")
        focused = hand.page.evaluate(FOCUSED)
        if focused["name"] == name:
            assert focused["seen"], f"{name} has the focus and nobody sees it"
            if key:
                hand.page.keyboard.press(key)
            return
    raise AssertionError(f"{name} cannot be reached")


FOCUSED = """(() => {
  const e = document.activeElement;
  const label = e.labels?.[0]?.textContent ?? e.textContent;
  const outlined = (x) => x && getComputedStyle(x).outlineStyle !== 'none';
  const box = e.getBoundingClientRect();
  const bar = document.querySelector('.thumb')?.getBoundingClientRect().top ?? innerHeight;
  const within = e.closest('.thumb') || (box.top >= 0 && box.top < bar);
  return { name: label.replace(/\\s+/g, ' ').trim(), seen: Boolean((outlined(e) || outlined(e.closest('label'))) && within) };
})()"""


def test_a_photo_in_the_dark_corner_of_the_alphabet(hold, country: Country):
    """A file's name is anything; the phone keeps it and the server takes it."""
    hand = hold("kk")
    hand.ready(country.code())
    hand.start(TITLES["opening"]["kk"])
    hand.check()
    hand.page.locator("main input[type=file]").first.set_input_files(photo() | {"name": "Хаттама ұқ—№1 <b>.jpg"})
    expect(hand.page.locator(".file img")).to_be_visible()
    hand.save()
    hand.sent()
    expect(hand.page.locator(".file .state.stored")).to_be_visible()
