"""Imports of spreadsheets, as a volunteer makes them.

The template, a list with mistakes, a preview of every line, then the confirmation.
"""

import io
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect

from observer.models import Commission, Grant, Observer, User
from reports.models import Import
from reports.services.checklists.compiled import clear_cache
from tests.browser.test_desk_day import check_page, sign_in
from tests.browser.test_pages import LONG
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site(transactional_db, live_server) -> Iterator[str]:
    world = World()
    user = User.objects.create_user("volunteer", is_staff=True)
    Grant.objects.create(user=user, role="administrator", commission=world.tree["KZ"])
    yield live_server.url
    clear_cache()


def fill_template(template: bytes, *rows: tuple[str, ...]) -> dict:
    book = load_workbook(io.BytesIO(template))
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return {"name": "list.xlsx", "mimeType": "application/octet-stream", "buffer": out.getvalue()}


def download_template(page: Page, kind: str) -> bytes:
    with page.expect_download() as download:
        page.locator(f"a[href$='/templates/{kind}/']").click()
    return download.value.path().read_bytes()


def upload(page: Page, kind: str, file: dict) -> None:
    page.locator(f"#file-{kind}").set_input_files(file)
    page.locator(f"#file-{kind}").locator("xpath=ancestor::form").locator("button").click()


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_a_volunteer_imports_lists(browser: Browser, site, watch, screenshot_dir, language):
    problems: list[str] = []
    context = sign_in(browser, site, language)
    page = context.new_page()
    watched = watch(page)
    home = f"{site}/desk/test-2022/imports/"
    page.goto(home)
    assert page.locator("html").get_attribute("lang") == language
    problems += check_page(page, screenshot_dir, f"imports-{language}")

    # A file that is none is refused in words.
    upload(page, "observers", {"name": "x.xlsx", "mimeType": "application/octet-stream", "buffer": b"PK\x03\x04 half"})
    expect(page.get_by_role("alert")).to_contain_text("x.xlsx")
    problems += check_page(page, screenshot_dir, f"imports-refused-{language}")

    # Observers in the desk's own template: one new, one changed, two wrong; the wrong ones are left out.
    rows = [
        ("", "Aigul", "+77012223344", "", "kk", "org", "KZ-1-1-3", "mobile"),
        ("OB-2222", "", "+77013334455", "", "", "org", "KZ-1-1-3", ""),
        ("", "Nobody", "call me", "", "kk", "org", "KZ-9", ""),
        ("", "=1+1", "+77014445566", "", "kk", "org", "", ""),
    ]
    upload(page, "observers", fill_template(download_template(page, "observers"), *rows))
    page.wait_for_url("**/imports/*/")
    expect(page.locator("tbody tr")).to_have_count(4)
    assert "Aigul" not in page.content() and "77012223344" not in page.content()
    problems += check_page(page, screenshot_dir, f"import-{language}")
    page.locator("a[href='?show=wrong']").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("button[value=do]").click()
    expect(page.get_by_role("alert")).to_be_visible()  # without the tick nothing is done
    assert not Observer.objects.filter(code__startswith="OB-").exclude(code__in=("OB-2222", "OB-3333")).exists()
    page.locator("[name=leave_out]").check()
    page.locator("button[value=do]").click()
    expect(page.get_by_role("status")).to_be_visible()
    made = Observer.objects.exclude(code__in=("OB-2222", "OB-3333")).get()
    expect(page.locator("tbody th")).to_have_text(made.code)
    problems += check_page(page, screenshot_dir, f"import-done-{language}")

    # A commission that a colleague changes in between: told and marked, and done once it was looked at.
    page.goto(home)
    file = fill_template(
        download_template(page, "commissions"), ("KZ-1-1-1", "KZ-1-1", "precinct", LONG["kk"], LONG["ru"], LONG["en"])
    )
    upload(page, "commissions", file)
    page.wait_for_url("**/imports/*/")
    Commission.objects.filter(code="KZ-1-1-1").update(names={"ru": "…"})
    page.locator("button[value=do]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    problems += check_page(page, screenshot_dir, f"import-differs-{language}")
    page.locator("button[value=do]").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert Commission.objects.get(code="KZ-1-1-1").names == dict(LONG)

    # Assignments are looked at and thrown away, on a phone.
    page.goto(home)
    file = fill_template(
        download_template(page, "assignments"), (made.code, "KZ-1-1-2", "", "2026-11-20 06:30", "2026-11-20")
    )
    upload(page, "assignments", file)
    page.wait_for_url("**/imports/*/")
    page.set_viewport_size({"width": 390, "height": 800})
    problems += check_page(page, screenshot_dir, f"small-import-{language}")
    page.locator("button[value=cancel]").click()
    page.wait_for_url(home)
    problems += check_page(page, screenshot_dir, f"small-imports-{language}")
    assert not Import.objects.filter(done_at=None).exists()
    context.close()
    assert problems == [], "\n".join(problems)
    assert [one for one in watched.console_errors if "status of 4" not in one] == []
    assert watched.foreign_requests == []
