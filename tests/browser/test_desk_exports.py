"""Exports of lists, as a volunteer makes them: filter, request, wait, download."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from observer.models import Grant, User
from reports.models import Export
from reports.services.checklists.compiled import clear_cache
from reports.services.exports.exports import write_next_export
from tests.browser.test_desk_day import check_page, sign_in
from tests.support.intake import store_report
from tests.support.world import World, payload

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
WORDS = {
    "en": ("Export this list", "CSV", "Make the file", "Download"),
    "ru": ("Выгрузить этот список", "CSV", "Создать файл", "Скачать"),
    "kk": ("Осы тізімді жүктеп алу", "CSV", "Файл жасау", "Жүктеп алу"),
}
LIST = "/admin/reports/report/?commission__election__id__exact={}&version__checklist__code=voting"


@pytest.fixture
def site(transactional_db, live_server) -> Iterator[str]:
    world = World()
    store_report(world.first, payload(answers={"V03": "yes", "X07": "=1+1"}, comment="Асель"))
    store_report(world.first, payload("opening"))
    user = User.objects.create_user("volunteer", is_staff=True)
    Grant.objects.create(user=user, role="territorial", commission=world.tree["KZ-1"])
    yield live_server.url
    clear_cache()


def rows(path: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["voting.csv", "columns.csv"]
        return list(csv.DictReader(io.StringIO(archive.read("voting.csv").decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("language", WORDS)
def test_from_the_list_to_the_file(browser: Browser, site, watch, screenshot_dir, language):
    out, fmt, make, download = WORDS[language]
    context = sign_in(browser, site, language)
    page, problems = context.new_page(), []
    watched = watch(page)
    page.goto(site + LIST.format(Grant.objects.get().commission.election_id))
    page.get_by_role("link", name=out).click()
    page.locator("[name=format]").select_option(label=page.locator("option", has_text=fmt).inner_text())
    page.locator("[name=words]").check()
    page.locator("[name=reason]").fill("…")
    page.get_by_role("button", name=make).click()
    assert page.locator(".errorlist").count() == 1  # one character is no reason
    problems += check_page(page, screenshot_dir, f"export-new-{language}")
    page.locator("[name=reason]").fill("для заявления")
    page.get_by_role("button", name=make).click()
    page.wait_for_url("**/exports/")
    problems += check_page(page, screenshot_dir, f"exports-waits-{language}")
    link = page.locator("#board").get_by_role("link", name=download)
    expect(link).to_have_count(0)
    assert write_next_export(now=timezone.now()) == 1
    expect(link).to_have_count(1, timeout=15_000)  # without a reload
    problems += check_page(page, screenshot_dir, f"exports-{language}")
    with page.expect_download() as waiting:
        link.click()
    (row,) = rows(waiting.value.path())
    assert (row["V03"], row["X07"], row["comment"]) == ("yes", "'=1+1", "Асель")
    page.set_viewport_size({"width": 390, "height": 800})
    problems += check_page(page, screenshot_dir, f"exports-{language}-phone")
    page.goto(f"{page.url}new/?kind=violations&state=reported")
    problems += check_page(page, screenshot_dir, f"export-new-{language}-phone")
    context.close()
    assert problems == [], "\n".join(problems)
    assert watched.console_errors == []
    assert watched.foreign_requests == []


def test_without_a_script_the_stations_go_out_too(browser: Browser, site):
    context = sign_in(browser, site, "en", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/desk/test-2022/stations/?show=silent")
    page.get_by_role("link", name="Export this list").click()
    page.locator("[name=reason]").fill("a test")
    page.get_by_role("button", name="Make the file").click()
    expect(page.locator("#board")).to_contain_text("waits for its turn")
    write_next_export(now=timezone.now())
    page.reload()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename.endswith(".xlsx")
    assert Export.objects.get().filters == {"at": "KZ-1", "show": "silent"}
    context.close()
