"""Election day, as a volunteer at the desk uses it.

From the board to a call, a dictated report, another phone and a message.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from observer.models import Assignment, Call, Commission, Device, Election, Grant, User
from reports.models import Checklist, Message, Report
from reports.services.checklists.compiled import clear_cache
from reports.services.figures.refresh import recompute_due_summaries
from tests.browser.page_checks import find_accessibility_problems, find_overflow
from tests.browser.test_pages import LONG, PLACE
from tests.reports.services.schedule.test_expectations import SCHEDULE
from tests.support.intake import store_report
from tests.support.world import World, make_texts, payload

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 800}}
WORDS = {
    "en": {
        "silent": "Silent",
        "call": "Call OB-3333",
        "reached": "reached",
        "log": "Write into the call log",
        "fill": "Fill a checklist for them",
        "store": "Store the report",
        "another": "Another phone",
        "revoke": "Revoke and make a code",
        "message": "Message",
        "look": "Look at it and at the number of people",
        "send": "Send",
    },
    "ru": {
        "silent": "Молчат",
        "call": "Позвонить OB-3333",
        "reached": "дозвонились",
        "log": "Записать в журнал звонков",
        "fill": "Заполнить за него контрольный лист",
        "store": "Сохранить отчёт",
        "another": "Другой телефон",
        "revoke": "Отключить и выдать код",
        "message": "Сообщение",
        "look": "Посмотреть, и сколько людей его получит",
        "send": "Отправить",
    },
    "kk": {
        "silent": "Үнсіз",
        "call": "Қоңырау шалу: OB-3333",
        "reached": "байланысты",
        "log": "Қоңыраулар журналына жазу",
        "fill": "Ол үшін бақылау парағын толтыру",
        "store": "Есепті сақтау",
        "another": "Басқа телефон",
        "revoke": "Ажыратып, код беру",
        "message": "Хабарлама",
        "look": "Қарап шығу және қанша адам алатынын көру",
        "send": "Жіберу",
    },
}
TITLES = {
    "opening": ("Opening of the polling station", "Открытие участка", "Сайлау учаскесінің ашылуы"),
    "voting": ("Voting", "Голосование", "Дауыс беру"),
    "incident": ("Incident", "Происшествие", "Оқиға"),
    "tabulation": ("Tabulation", "Подведение итогов", "Қорытындылау"),
}


@pytest.fixture
def site(transactional_db, live_server, monkeypatch) -> Iterator[str]:
    """Eleven hours into the day; one station has reported, one is silent. Names are long."""
    monkeypatch.setattr(
        "tests.support.world.make_texts", lambda text: LONG if text in ("V03", "V17", "V30") else make_texts(text)
    )
    world = World()
    for code, (en, ru, kk) in TITLES.items():
        Checklist.objects.filter(code=code).update(titles={"en": en, "ru": ru, "kk": kk})
    now = timezone.now()
    Election.objects.update(
        rules={"schedule": SCHEDULE}, opens_at=now - timedelta(hours=12), closes_at=now + timedelta(hours=12)
    )
    Commission.objects.filter(code__in=("KZ", "KZ-1", "KZ-1-1")).update(names=PLACE)
    world.election.refresh_from_db()
    seen = _minutes_ago(now, 90)
    store_report(world.first, payload("opening", observed_at=seen), now)
    store_report(world.first, payload("incident", observed_at=seen), now)
    store_report(world.first, payload("voting", observed_at=seen, rehearsal=True), now)
    recompute_due_summaries()
    volunteer = User.objects.create_user("volunteer", is_staff=True)
    Grant.objects.create(user=volunteer, role="territorial", commission=world.tree["KZ-1"])
    yield live_server.url
    clear_cache()


def _minutes_ago(now: datetime, minutes: int) -> str:
    return (now - timedelta(minutes=minutes)).isoformat()


def sign_in(
    browser: Browser, site: str, language: str, size: str = "desk", name: str = "volunteer", **options
) -> BrowserContext:
    client = Client()
    client.force_login(User.objects.get(username=name))
    context = browser.new_context(viewport=SIZES[size], **options)
    cookies = {
        settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value,
        settings.LANGUAGE_COOKIE_NAME: language,
    }
    context.add_cookies([{"name": name, "value": value, "url": site} for name, value in cookies.items()])
    return context


def check_page(page: Page, screenshot_dir, name: str) -> list[str]:
    page.screenshot(path=screenshot_dir / f"desk-{name}.png", full_page=True)
    return [
        f"{name}: {problem}"
        for problem in find_overflow(page, ".skip, .away, .wide, .me, thead, svg") + find_accessibility_problems(page)
    ]


@pytest.mark.parametrize("language", WORDS)
def test_the_day_of_a_volunteer(browser: Browser, site, watch, screenshot_dir, language):
    texts, problems = WORDS[language], []
    context = sign_in(browser, site, language)
    page = context.new_page()
    watched = watch(page)
    page.goto(f"{site}/desk/test-2022/board/")
    assert page.locator("html").get_attribute("lang") == language
    problems += check_page(page, screenshot_dir, f"board-{language}")

    # From the board to the silent stations, and in two presses to the number.
    page.locator("dt", has_text=texts["silent"]).locator("xpath=..").get_by_role("link").click()
    problems += check_page(page, screenshot_dir, f"silent-{language}")
    page.get_by_role("button", name=texts["call"]).click()
    expect(page.locator("#number")).to_have_text("+77010000000")
    problems += check_page(page, screenshot_dir, f"call-{language}")
    assert Call.objects.get().outcome == ""

    # What was said, and the checklist that the observer dictates, filled in by keyboard alone.
    page.get_by_label(texts["reached"], exact=True).check()
    page.locator("textarea[name=said]").fill("…")
    page.get_by_role("button", name=texts["log"]).click()
    assert Call.objects.get().outcome == "reached"
    page.locator("a[href*='/dictate/'][href*='checklist=opening']").first.click()
    problems += check_page(page, screenshot_dir, f"opening-{language}")
    page.goto(page.url.replace("opening", "voting"))
    assert page.locator("#a-V16").is_hidden()
    page.locator("[name=q-V15]").first.focus()
    page.keyboard.press("Space")
    assert page.locator("#a-V16").is_visible()
    page.locator("[name=q-V03][value=no]").focus()
    page.keyboard.press("Space")
    page.locator("[name=q-X05]").fill("1 200")
    problems += check_page(page, screenshot_dir, f"dictate-{language}")
    page.get_by_role("button", name=texts["store"]).click()
    page.wait_for_url("**/stations/*/")
    report = Report.objects.get(channel="desk")
    assert (report.answers["X05"], report.answers["V15"], report.author.username) == (1200, "yes", "volunteer")
    problems += check_page(page, screenshot_dir, f"station-{language}")

    # Another phone: the code is read out.
    page.get_by_role("link", name=texts["another"]).first.click()
    page.get_by_role("button", name=texts["revoke"]).click()
    assert len(page.locator(".read-out").inner_text()) == 9
    problems += check_page(page, screenshot_dir, f"code-{language}")
    assert Device.objects.filter(revoked_at__isnull=False).count() == 1

    # A message to those who have not reported.
    page.goto(f"{site}/desk/test-2022/messages/new/")
    page.locator("[name=silent]").select_option("opening")
    page.locator(f"#text-{language}").fill("…!")
    problems += check_page(page, screenshot_dir, f"message-{language}")
    page.get_by_role("button", name=texts["look"]).click()
    page.get_by_role("button", name=texts["send"], exact=True).click()
    page.wait_for_url("**/messages/*/")
    assert [one.code for one in Message.objects.get().recipients.all()] == ["OB-3333"]
    problems += check_page(page, screenshot_dir, f"read-{language}")
    for name in ("messages", "calls", "rehearsals", "stations"):
        page.goto(f"{site}/desk/test-2022/{name}/")
        problems += check_page(page, screenshot_dir, f"{name}-{language}")
    context.close()
    assert problems == [], "\n".join(problems)
    assert watched.console_errors == []
    assert watched.foreign_requests == []


@pytest.mark.parametrize("language", WORDS)
def test_every_page_of_the_day_fits_a_phone(browser: Browser, site, screenshot_dir, language):
    context = sign_in(browser, site, language, "phone")
    page = context.new_page()
    place = Commission.objects.get(code="KZ-1-1-2")
    observer = place.assignments.get().observers.get()
    problems = []
    for name, path in {
        "board": "board/",
        "stations": "stations/",
        "station": f"stations/{place.pk}/",
        "calls": "calls/",
        "dictate": f"stations/{place.pk}/dictate/{observer.pk}/?checklist=voting",
        "messages": "messages/",
        "message": "messages/new/",
        "rehearsals": "rehearsals/",
        "replace": f"assignments/{place.assignments.get().pk}/replace/{observer.pk}/",
    }.items():
        page.goto(f"{site}/desk/test-2022/{path}")
        problems += check_page(page, screenshot_dir, f"{name}-{language}-phone")
    context.close()
    assert problems == [], "\n".join(problems)


def test_the_board_changes_in_place_and_keeps_the_focus(browser: Browser, site):
    context = sign_in(browser, site, "en")
    page = context.new_page()
    page.goto(f"{site}/desk/test-2022/board/")
    link = page.locator("dt", has_text="Silent").locator("xpath=..").get_by_role("link")
    expect(link).to_have_text("1")
    link.focus()
    page.evaluate("document.activeElement.mark = 'the same'")
    Assignment.objects.filter(commission__code="KZ-1-1-2").delete()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("dt", has_text="Silent").locator("xpath=..").locator("dd")).to_have_text("0", timeout=15_000)
    assert page.evaluate("document.activeElement.mark") == "the same"
    page.route("**/board/?part=1", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#board-stale")).to_contain_text("Not fresh")
    context.close()


def test_the_day_works_without_a_script(browser: Browser, site):
    context = sign_in(browser, site, "en", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/desk/test-2022/board/")
    page.get_by_role("link", name="1", exact=True).first.click()
    page.get_by_role("button", name="Call OB-3333").click()
    page.get_by_role("link", name="Fill a checklist for them").click()
    page.get_by_role("link", name="Voting").click()
    expect(page.locator("#a-V16")).to_contain_text("Only if")
    page.locator("[name=q-V03][value=no]").check()
    page.get_by_role("button", name="Store the report").click()
    assert Report.objects.get(channel="desk").answers == {"V03": "no"}
    context.close()
