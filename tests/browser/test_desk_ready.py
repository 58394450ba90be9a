"""Preparing an election, as a volunteer does it.

A new election copied from an earlier one, invitations, missing assignments, enrolled observers.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from observer.models import Commission, Consent, Election, Grant, User
from reports.services.checklists.compiled import clear_cache
from tests.browser.test_desk_day import SIZES, check_page, sign_in
from tests.browser.test_desk_day import WORDS as LANGUAGES
from tests.browser.test_pages import PLACE
from tests.reports.services.checklists.test_xlsform import make_row, make_workbook
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site(transactional_db, live_server) -> Iterator[str]:
    world = World()
    Commission.objects.filter(code__in=("KZ", "KZ-1", "KZ-1-1")).update(names=PLACE)
    world.election.observers.add(world.first.observer, world.second.observer)
    volunteer = User.objects.create_user("volunteer", is_staff=True)
    Grant.objects.create(user=volunteer, role="administrator", commission=world.tree["KZ"])
    yield live_server.url
    clear_cache()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_volunteer_makes_the_next_election(browser: Browser, site, watch, screenshot_dir, language):
    problems: list[str] = []
    context = sign_in(browser, site, language)
    page = context.new_page()

    def check(name: str) -> None:
        for size, window in SIZES.items():
            page.set_viewport_size(window)
            problems.extend(check_page(page, screenshot_dir, f"{name}-{language}-{size}"))

    watched = watch(page)
    page.goto(f"{site}/desk/test-2022/ready/")
    assert page.locator("html").get_attribute("lang") == language
    check("ready")
    page.goto(f"{site}/desk/new/")
    check("new-from")
    page.locator("a[href='?from=election:test-2022']").click()

    # A wrong word first, then a check, then once.
    page.locator("[name=slug]").fill("test-2022")
    page.locator("[name=date]").fill("2023-11-05")
    for code in ("kk", "ru", "en"):
        page.locator(f"[name=name_{code}]").fill("Әкім сайлауы")
    page.locator("[name=branch]").fill("KZ-1-1")
    page.locator("form.narrow button:not([name])").click()
    expect(page.locator(".errorlist")).to_have_count(1)
    check("new-wrong")
    page.locator("[name=slug]").fill("akim-2023")
    page.locator("form.narrow button:not([name])").click()
    expect(page.locator(".facts dd").first).to_have_text("6")
    check("new")
    page.locator("button[name=make]").click()
    page.wait_for_url("**/desk/akim-2023/ready/")
    assert Election.objects.get(slug="akim-2023").commissions.count() == 6
    check("ready-new")

    # The stations without anybody; then those who were there before are asked.
    page.locator("a[href*='lack=unobserved']").click()
    check("ready-places")
    page.goto(f"{site}/desk/akim-2023/invite/")
    page.locator("[name=source]").select_option(str(Election.objects.get(slug="test-2022").pk))
    page.locator("form.narrow button:not([name])").click()
    check("invite")
    page.locator("button[name=invite]").click()
    page.wait_for_url("**/enrolled/?show=unenrolled")
    assert page.locator("tbody th", has_text="OB-").count() == 2
    assert Consent.objects.filter(version=None).count() == 2
    check("enrolled")

    # A checklist from a spreadsheet: what it would change first.
    page.goto(f"{site}/admin/reports/checklist/import/")
    page.locator("#id_election").select_option(str(Election.objects.get(slug="akim-2023").pk))
    sheet = make_workbook([make_row("integer", "H1", hint="?"), make_row("text", "H2")])
    page.locator("[name=file]").set_input_files({"name": "form.xlsx", "mimeType": "application/zip", "buffer": sheet})
    page.locator("input[type=submit]").click()
    expect(page.locator("table tbody tr")).to_have_count(2)
    check("checklist")
    page.locator("button[name=publish]").click()
    page.wait_for_url("**/checklistversion/*/change/")
    context.close()
    assert problems == [], "\n".join(problems)
    assert (watched.console_errors, watched.foreign_requests) == ([], [])
