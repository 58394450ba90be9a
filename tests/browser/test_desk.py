"""A coordinator's first hour at the desk: signing in with a second step, finding one's way, asking for a name."""

import re
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from observer.models import Grant, User
from observer.services.accounts import two_factor
from reports.services.checklists.compiled import forget
from tests.browser.looking import accessibility, sideways
from tests.support.desk import fill
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
    fill(world, User.objects.create_superuser("root"))
    for language in ("kk", "ru", "en"):
        user = User.objects.create_user(f"coordinator-{language}", password=PASSWORD, is_staff=True, language=language)
        Grant.objects.create(user=user, role="territorial", commission=world.tree["KZ-1"])
    yield live_server.url
    forget()


class Reader:
    """Looks at each page as it is passed: does it fit, can everyone use it, does the policy stop anything."""

    def __init__(self, page: Page, shots: Path, name: str) -> None:
        self.page, self.shots, self.name = page, shots, name
        self.problems: dict[str, list[str]] = {}

    def look(self, step: str) -> None:
        self.page.screenshot(path=self.shots / f"desk-{step}-{self.name}.png", full_page=True)
        found = (
            sideways(self.page) if step not in (*LISTS, "observer") else []
        )  # Django's tables scroll within themselves
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append("the page scrolls sideways")
        found += accessibility(self.page)
        if found:
            self.problems[step] = found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_new_coordinator_signs_in_and_finds_the_way(browser: Browser, site, watch, shots, language, size):
    locale = {"kk": "kk-KZ", "ru": "ru-RU", "en": "en-GB"}[language]
    context = browser.new_context(viewport=SIZES[size], locale=locale)
    page = context.new_page()
    watched, reader = watch(page), Reader(page, shots, f"{language}-{size}")
    page.goto(f"{site}/desk/")
    reader.look("sign-in")
    page.locator("#id_username").fill(f"coordinator-{language}")
    page.locator("#id_password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-factor/")
    reader.look("second-step")
    secret = page.locator("code.anywhere").inner_text().replace(" ", "")
    step = int(timezone.now().timestamp()) // 30
    page.locator("#id_code").fill(two_factor.totp(secret=secret, step=step))
    page.keyboard.press("Enter")
    page.wait_for_selector(".codes")
    reader.look("recovery-codes")
    assert page.locator(".codes li").count() == 10
    page.locator("a.primary").click()
    page.wait_for_selector("#desk-nav")
    assert page.locator("html").get_attribute("lang") == language
    for name, address in LISTS.items():
        page.goto(site + address)
        reader.look(name)
    page.goto(f"{site}/admin/observer/observer/")
    page.locator("#result_list tbody tr th a").first.click()
    reader.look("observer")
    page.locator('a[href$="/person/"]').click()
    reader.look("person-asked")
    page.locator("main button.primary").click()
    page.wait_for_selector(".facts")
    reader.look("person")
    assert re.search(r"Name of OB-", page.locator(".facts").inner_text())
    context.close()
    assert reader.problems == {}
    assert watched.complaints == []
    assert watched.strangers == []


def test_dark_is_as_readable(browser: Browser, site, shots):
    context = browser.new_context(viewport=SIZES["desk"], color_scheme="dark")
    page = context.new_page()
    page.goto(f"{site}/admin/login/")
    page.screenshot(path=shots / "desk-sign-in-dark.png")
    assert accessibility(page) == []
    context.close()
