"""Access to every screen: offline, by keyboard, with large fonts, in dark mode."""

import pytest
from playwright.sync_api import Browser, expect

from reports.models import Report
from tests.browser.conftest import CHROMIUM
from tests.browser.country import TITLES, Country
from tests.browser.phone_user import PhoneUser, answer_all_questions, make_photo

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
SCREENS = (
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


def save_full_report(user: PhoneUser, language: str) -> str:
    """Answers every question and saves; gives the report's id."""
    user.open_checklist(TITLES["every"][language])
    answer_all_questions(user)
    user.open_check()
    user.save_report()
    return user.current_id()


def test_every_screen_works_offline_and_requests_no_other_host(new_user, country: Country):
    user = new_user("ru")
    user.set_up(country.new_code())
    expect(user.page.locator("ul.day")).to_be_visible()
    user.context.set_offline(True)
    user.page.reload()
    user.expect_screen("day")
    report = save_full_report(user, "ru")
    for place in (*SCREENS, f"report/{report}"):
        user.go_to(place)
        user.page.reload()
        user.expect_screen(place.split("/")[0])
        assert user.page.locator("h1").inner_text() != "Этот экран нельзя показать", place
    user.go_to("removal")
    user.page.locator(".alarm").click()
    expect(user.page.locator(".notice.good")).to_be_visible()
    user.go_to("transfer")
    user.page.locator("main > button").click()
    expect(user.page.locator(".notice.bad")).to_be_visible()
    user.check_screen("90-transfer-offline")
    assert (user.foreign_requests, user.errors, user.problems) == ([], [], {})
    assert not Report.objects.exists()
    user.context.set_offline(False)
    user.wait_until_sent()
    assert Report.objects.count() == 2


def test_double_font_size(new_user, browser: Browser, country: Country):
    """Set in the browser's settings."""
    large = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--blink-settings=defaultFontSize=32"]
    )
    user = new_user("kk", languages=("kk", "ru"), label="-large", of=large)
    user.enrol(country.new_code())
    user.choose_language()
    expect(user.page.locator("main input[type=checkbox]")).to_be_visible()
    assert user.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    user.check_screen("04-conduct")
    user.accept_conduct()
    user.check_screen("05-test-report")
    user.postpone_rehearsal()
    user.check_screen("08-day")
    report = save_full_report(user, "kk")
    user.check_screen("14-saved")
    user.go_to("day")
    user.open_checklist(TITLES["every"]["kk"])
    user.page.locator("input[value=yes]").first.check()
    user.check_screen("12-every-question")
    user.open_check()
    user.check_screen("13-check")
    for place in (*SCREENS[1:], f"report/{report}"):
        user.go_to(place)
        user.check_screen(f"9-{place.split('/')[0]}")
    assert user.problems == {}
    large.close()


def test_dark_mode_is_as_readable(new_user, country: Country):
    user = new_user("kk", languages=("kk",), label="-dark", color_scheme="dark")
    user.set_up(country.new_code())
    user.check_screen("08-day")
    report = save_full_report(user, "kk")
    user.wait_until_sent()
    for place in (*SCREENS, f"report/{report}"):
        user.go_to(place)
        user.check_screen(f"9-{place.split('/')[0]}")
    user.go_to("day")
    user.open_checklist(TITLES["every"]["kk"])
    user.page.locator("input[value=yes]").first.check()
    user.page.locator("#answer-E06").fill("4000")
    user.check_screen("12-every-question")
    user.open_check()
    user.check_screen("13-check")
    assert user.problems == {}


def test_a_report_by_the_keyboard_alone(new_user, country: Country):
    user = new_user("en")
    page = user.page
    user.open(f"/phone/#enrol={country.new_code()}")
    user.expect_screen("enrol")
    press_by_keyboard(user, "English", "Space")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    press_by_keyboard(user, "Enrol this phone", "Enter")
    user.expect_screen("consent")
    press_by_keyboard(user, "I have read it and will keep to it", "Space")
    press_by_keyboard(user, "Accept", "Enter")
    user.expect_screen("rehearsal")
    press_by_keyboard(user, "Later: to the day", "Enter")
    user.expect_screen("day")
    press_by_keyboard(user, "Start", "Enter")
    user.expect_screen("fill")
    press_by_keyboard(user, "Yes", "Space")
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[value=no]").first).to_be_checked()
    press_by_keyboard(user, "How many voters are on the list?")
    page.keyboard.type("1171")
    press_by_keyboard(user, "Next question", "Enter")
    assert page.evaluate("document.activeElement.id") == "answer-E07"
    press_by_keyboard(user, "Check and save", "Enter")
    user.expect_screen("check")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    press_by_keyboard(user, "Save the report", "Enter")
    user.expect_screen("report")
    press_by_keyboard(user, "Done", "Enter")
    user.expect_screen("day")
    press_by_keyboard(user, "I am being thrown out", "Enter")
    user.expect_screen("removal")
    press_by_keyboard(user, "Yes, report it now", "Enter")
    expect(page.locator("h1")).to_have_text("It is reported")
    user.wait_until_sent()
    assert Report.objects.count() == 2


def press_by_keyboard(user: PhoneUser, name: str, key: str = "") -> None:
    """Presses Tab until `name` has a visible focus, then presses `key`."""
    for _ in range(120):
        user.page.keyboard.press("Tab")
        focused = user.page.evaluate(DESCRIBE_FOCUS)
        if focused["name"] == name:
            assert focused["seen"], f"{name} has the focus and nobody sees it"
            if key:
                user.page.keyboard.press(key)
            return
    raise AssertionError(f"{name} cannot be reached")


DESCRIBE_FOCUS = """(() => {
  const e = document.activeElement;
  const label = e.labels?.[0]?.textContent ?? e.textContent;
  const outlined = (x) => x && getComputedStyle(x).outlineStyle !== 'none';
  const box = e.getBoundingClientRect();
  const bar = document.querySelector('.thumb')?.getBoundingClientRect().top ?? innerHeight;
  const within = e.closest('.thumb') || (box.top >= 0 && box.top < bar);
  return { name: label.replace(/\\s+/g, ' ').trim(), seen: Boolean((outlined(e) || outlined(e.closest('label'))) && within) };
})()"""


def test_a_photo_with_an_unusual_file_name(new_user, country: Country):
    """File names may contain anything; phone and server accept them."""
    user = new_user("kk")
    user.set_up(country.new_code())
    user.open_checklist(TITLES["opening"]["kk"])
    user.open_check()
    user.page.locator("main input[type=file]").first.set_input_files(make_photo() | {"name": "Хаттама ұқ—№1 <b>.jpg"})
    expect(user.page.locator(".file img")).to_be_visible()
    user.save_report()
    user.wait_until_sent()
    expect(user.page.locator(".file .state.stored")).to_be_visible()
