"""A coordinator's first hour at the desk: two-factor sign-in, lists, an observer's name."""

import re
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from observer.models import Grant, User
from observer.services.accounts import two_factor
from reports.services.checklists.compiled import clear_cache
from tests.browser.page_checks import find_accessibility_problems, find_overflow
from tests.support.desk import fill_world
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long password indeed"
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
LISTS = {
    "start": "/admin/",
    "reports": "/admin/reports/report/",
    "observers": "/admin/observer/observer/",
    "commissions": "/admin/observer/commission/",
    "account": "/desk/me/",
    "password": "/admin/password_change/",
}


@pytest.fixture
def site(transactional_db, live_server, settings):
    settings.TWO_FACTOR = ["all"]
    world = World()
    fill_world(world, User.objects.create_superuser("root"))
    for language in ("kk", "ru", "en"):
        user = User.objects.create_user(f"coordinator-{language}", password=PASSWORD, is_staff=True, language=language)
        Grant.objects.create(user=user, role="territorial", commission=world.tree["KZ-1"])
    yield live_server.url
    clear_cache()


class PageChecker:
    """Checks each page on the way: overflow and accessibility."""

    def __init__(self, page: Page, screenshot_dir: Path, name: str) -> None:
        self.page, self.screenshot_dir, self.name = page, screenshot_dir, name
        self.problems: dict[str, list[str]] = {}

    def check(self, step: str) -> None:
        self.page.screenshot(path=self.screenshot_dir / f"desk-{step}-{self.name}.png", full_page=True)
        found = (
            find_overflow(self.page) if step not in (*LISTS, "observer") else []
        )  # Django's tables have their own scrolling
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append("the page scrolls sideways")
        found += find_accessibility_problems(self.page)
        if found:
            self.problems[step] = found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_new_coordinator_signs_in_and_opens_the_lists(browser: Browser, site, watch, screenshot_dir, language, size):
    locale = {"kk": "kk-KZ", "ru": "ru-RU", "en": "en-GB"}[language]
    context = browser.new_context(viewport=SIZES[size], locale=locale)
    page = context.new_page()
    watched, checker = watch(page), PageChecker(page, screenshot_dir, f"{language}-{size}")
    page.goto(f"{site}/desk/")
    checker.check("sign-in")
    page.locator("#id_username").fill(f"coordinator-{language}")
    page.locator("#id_password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-factor/")
    checker.check("second-step")
    secret = page.locator("code.anywhere").inner_text().replace(" ", "")
    step = int(timezone.now().timestamp()) // 30
    page.locator("#id_code").fill(two_factor.compute_totp(secret=secret, step=step))
    page.keyboard.press("Enter")
    page.wait_for_selector(".codes")
    checker.check("recovery-codes")
    assert page.locator(".codes li").count() == 10
    page.locator("a.primary").click()
    page.wait_for_selector("#desk-nav")
    assert page.locator("html").get_attribute("lang") == language
    for name, address in LISTS.items():
        page.goto(site + address)
        checker.check(name)
    page.goto(f"{site}/admin/observer/observer/")
    page.locator("#result_list tbody tr th a").first.click()
    checker.check("observer")
    page.locator('a[href$="/person/"]').click()
    checker.check("person-asked")
    page.locator("main button.primary").click()
    page.wait_for_selector(".facts")
    checker.check("person")
    assert re.search(r"Name of OB-", page.locator(".facts").inner_text())
    context.close()
    assert checker.problems == {}
    assert watched.console_errors == []
    assert watched.foreign_requests == []


def test_dark_mode_is_as_readable(browser: Browser, site, screenshot_dir):
    context = browser.new_context(viewport=SIZES["desk"], color_scheme="dark")
    page = context.new_page()
    page.goto(f"{site}/admin/login/")
    page.screenshot(path=screenshot_dir / "desk-sign-in-dark.png")
    assert find_accessibility_problems(page) == []
    context.close()
