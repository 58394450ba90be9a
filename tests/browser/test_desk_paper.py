"""Sheets and checklists taken out on paper, a case opened and handed on, as a coordinator does it; and the menu on a phone."""

import io

import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from observer.models import Commission, Device, EnrolmentCode, Grant, User
from reports.models import Case
from tests.browser.looking import sideways
from tests.browser.test_desk_day import WORDS, looked_at, signed_in, site

__all__ = ["site"]
pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
HERE = "/desk/test-2022"


def pdf(download) -> PdfReader:
    return PdfReader(io.BytesIO(download.value.path().read_bytes()))


LONG_NAME = "a-rather-long-name-of-a-coordinator@mission.example"


def on_a_phone(browser: Browser, site: str, shots, language: str) -> list[str]:
    """What does not fit one; the menu opens within the page, however long the name is."""
    User.objects.filter(username="volunteer").update(username=LONG_NAME)
    context = signed_in(browser, site, language, "phone", name=LONG_NAME)
    page = context.new_page()
    problems = []
    for name in ("sheets", "papers", "cases/new"):
        page.goto(f"{site}{HERE}/{name}/")
        problems += looked_at(page, shots, f"{name.replace('/', '-')}-{language}-phone")
    page.locator("details.me summary").click()
    expect(page.locator("#logout-form button")).to_be_visible()
    problems += sideways(page, ".skip, .visually-hidden, thead, svg")
    problems += looked_at(page, shots, f"menu-{language}-phone")
    context.close()
    return problems


@pytest.mark.parametrize("language", WORDS)
def test_paper_and_a_case_from_the_list(browser: Browser, site, watch, shots, language):
    problems: list[str] = []
    Device.objects.update(last_used_at=None)  # nobody has enrolled
    colleague = User.objects.create_user("colleague", is_staff=True)
    Grant.objects.create(user=colleague, role="lawyer", commission=Commission.objects.get(code="KZ-1"))
    context = signed_in(browser, site, language)
    page = context.new_page()
    watched = watch(page)

    # Sheets for those who have no phone: names only for a reason.
    page.goto(f"{site}{HERE}/sheets/")
    page.locator("[data-tick]").click()
    assert page.locator("[name=who]:checked").count() == 2
    page.locator("#id_names").check()
    page.locator("button.primary").click()
    expect(page.locator(".errorlist")).to_be_visible()
    problems += looked_at(page, shots, f"sheets-{language}")
    page.locator("#id_reason").fill("a training")
    with page.expect_download() as download:
        page.locator("button.primary").click()
    assert len(pdf(download).pages) == 2 == EnrolmentCode.objects.count()

    # A checklist in the reader's language.
    page.goto(f"{site}{HERE}/papers/")
    problems += looked_at(page, shots, f"papers-{language}")
    with page.expect_download() as download:
        page.locator(f"a[href$='/{language}/']").first.click()
    assert f"O01 {language}" in pdf(download).pages[0].extract_text()

    # Somebody told of an event on the telephone; a colleague takes it on.
    page.goto(f"{site}{HERE}/cases/")
    page.locator("a[href$='/cases/new/']").click()
    page.locator("#commission").fill("KZ-1-1-1")
    page.locator("#title").fill("…")
    page.locator("[name=severity][value=major]").check()
    problems += looked_at(page, shots, f"case-new-{language}")
    page.locator("main button.primary").click()
    page.locator("#holder").select_option(label="colleague")
    page.locator("#holder").locator("xpath=ancestor::form").locator("button").click()
    page.wait_for_load_state()
    assert Case.objects.get().holder == colleague
    problems += looked_at(page, shots, f"case-handed-{language}")
    context.close()
    problems += on_a_phone(browser, site, shots, language)
    assert problems == [], "\n".join(problems)
    assert watched.complaints == []
    assert watched.strangers == []
