"""Paper sheets and checklists, a case handed to a colleague, and the menu on a phone."""

import io

import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from observer.models import Commission, Device, EnrolmentCode, Grant, User
from reports.models import Case
from tests.browser.page_checks import find_overflow
from tests.browser.test_desk_day import WORDS, check_page, sign_in, site

__all__ = ["site"]
pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
HERE = "/desk/test-2022"


def pdf(download) -> PdfReader:
    return PdfReader(io.BytesIO(download.value.path().read_bytes()))


LONG_NAME = "a-rather-long-name-of-a-coordinator@mission.example"


def check_on_phone(browser: Browser, site: str, screenshot_dir, language: str) -> list[str]:
    """Problems on a phone's screen; the menu must fit even with a long user name."""
    User.objects.filter(username="volunteer").update(username=LONG_NAME)
    context = sign_in(browser, site, language, "phone", name=LONG_NAME)
    page = context.new_page()
    problems = []
    for name in ("sheets", "papers", "cases/new"):
        page.goto(f"{site}{HERE}/{name}/")
        problems += check_page(page, screenshot_dir, f"{name.replace('/', '-')}-{language}-phone")
    page.locator("details.me summary").click()
    expect(page.locator("#logout-form button")).to_be_visible()
    problems += find_overflow(page, ".skip, .visually-hidden, thead, svg")
    problems += check_page(page, screenshot_dir, f"menu-{language}-phone")
    context.close()
    return problems


@pytest.mark.parametrize("language", WORDS)
def test_paper_and_a_case_from_the_list(browser: Browser, site, watch, screenshot_dir, language):
    problems: list[str] = []
    Device.objects.update(last_used_at=None)  # nobody has enrolled
    colleague = User.objects.create_user("colleague", is_staff=True)
    Grant.objects.create(user=colleague, role="lawyer", commission=Commission.objects.get(code="KZ-1"))
    context = sign_in(browser, site, language)
    page = context.new_page()
    watched = watch(page)

    # Sheets for those who have no phone: names only for a reason.
    page.goto(f"{site}{HERE}/sheets/")
    page.locator("[data-tick]").click()
    assert page.locator("[name=who]:checked").count() == 2
    page.locator("#id_names").check()
    page.locator("button.primary").click()
    expect(page.locator(".errorlist")).to_be_visible()
    problems += check_page(page, screenshot_dir, f"sheets-{language}")
    page.locator("#id_reason").fill("a training")
    with page.expect_download() as download:
        page.locator("button.primary").click()
    assert len(pdf(download).pages) == 2 == EnrolmentCode.objects.count()

    # A checklist in the reader's language.
    page.goto(f"{site}{HERE}/papers/")
    problems += check_page(page, screenshot_dir, f"papers-{language}")
    with page.expect_download() as download:
        page.locator(f"a[href$='/{language}/']").first.click()
    assert f"O01 {language}" in pdf(download).pages[0].extract_text()

    # Somebody told of an event on the telephone; a colleague takes it on.
    page.goto(f"{site}{HERE}/cases/")
    page.locator("a[href$='/cases/new/']").click()
    page.locator("#commission").fill("KZ-1-1-1")
    page.locator("#title").fill("…")
    page.locator("[name=severity][value=major]").check()
    problems += check_page(page, screenshot_dir, f"case-new-{language}")
    page.locator("main button.primary").click()
    page.locator("#holder").select_option(label="colleague")
    page.locator("#holder").locator("xpath=ancestor::form").locator("button").click()
    page.wait_for_load_state()
    assert Case.objects.get().holder == colleague
    problems += check_page(page, screenshot_dir, f"case-handed-{language}")
    context.close()
    problems += check_on_phone(browser, site, screenshot_dir, language)
    assert problems == [], "\n".join(problems)
    assert watched.console_errors == []
    assert watched.foreign_requests == []
