"""Getting ready as a new volunteer does it: a new election from the earlier one, its people asked, what it lacks, who has come."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from observer.models import Commission, Consent, Election, Grant, User
from reports.services.checklists.compiled import forget
from tests.browser.test_desk_day import SIZES, looked_at, signed_in
from tests.browser.test_desk_day import WORDS as LANGUAGES
from tests.browser.test_pages import PLACE
from tests.reports.services.checklists.test_xlsform import book, row
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
    forget()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_volunteer_makes_the_next_election(browser: Browser, site, watch, shots, language):
    problems: list[str] = []
    context = signed_in(browser, site, language)
    page = context.new_page()

    def look(name: str) -> None:
        for size, window in SIZES.items():
            page.set_viewport_size(window)
            problems.extend(looked_at(page, shots, f"{name}-{language}-{size}"))

    watched = watch(page)
    page.goto(f"{site}/desk/test-2022/ready/")
    assert page.locator("html").get_attribute("lang") == language
    look("ready")
    page.goto(f"{site}/desk/new/")
    look("new-from")
    page.locator("a[href='?from=election:test-2022']").click()

    # A wrong word first, then a look, then once.
    page.locator("[name=slug]").fill("test-2022")
    page.locator("[name=date]").fill("2023-11-05")
    for code in ("kk", "ru", "en"):
        page.locator(f"[name=name_{code}]").fill("Әкім сайлауы")
    page.locator("[name=branch]").fill("KZ-1-1")
    page.locator("form.narrow button:not([name])").click()
    expect(page.locator(".errorlist")).to_have_count(1)
    look("new-wrong")
    page.locator("[name=slug]").fill("akim-2023")
    page.locator("form.narrow button:not([name])").click()
    expect(page.locator(".facts dd").first).to_have_text("6")
    look("new")
    page.locator("button[name=make]").click()
    page.wait_for_url("**/desk/akim-2023/ready/")
    assert Election.objects.get(slug="akim-2023").commissions.count() == 6
    look("ready-new")

    # The stations without anybody; then those who were there before are asked.
    page.locator("a[href*='lack=unobserved']").click()
    look("ready-places")
    page.goto(f"{site}/desk/akim-2023/invite/")
    page.locator("[name=source]").select_option(str(Election.objects.get(slug="test-2022").pk))
    page.locator("form.narrow button:not([name])").click()
    look("invite")
    page.locator("button[name=invite]").click()
    page.wait_for_url("**/enrolled/?show=unenrolled")
    assert page.locator("tbody th", has_text="OB-").count() == 2
    assert Consent.objects.filter(version=None).count() == 2
    look("enrolled")

    # A checklist from a spreadsheet: what it would change first.
    page.goto(f"{site}/admin/reports/checklist/import/")
    page.locator("#id_election").select_option(str(Election.objects.get(slug="akim-2023").pk))
    sheet = book([row("integer", "H1", hint="?"), row("text", "H2")])
    page.locator("[name=file]").set_input_files({"name": "form.xlsx", "mimeType": "application/zip", "buffer": sheet})
    page.locator("input[type=submit]").click()
    expect(page.locator("table tbody tr")).to_have_count(2)
    look("checklist")
    page.locator("button[name=publish]").click()
    page.wait_for_url("**/checklistversion/*/change/")
    context.close()
    assert problems == [], "\n".join(problems)
    assert (watched.complaints, watched.strangers) == ([], [])
