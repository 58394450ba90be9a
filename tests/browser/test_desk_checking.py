"""Verification and cases, as a verifier and a lawyer use them.

From the review queue to the printed complaint and the exported case.
"""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from observer.models import Commission, Election, Grant, User
from reports.models import Case, CaseExport, Complaint, Report, SetAside
from reports.services.cases.case_export import write_case_exports
from reports.services.checklists.compiled import clear_cache
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.evidence.uploads import append_to_upload
from reports.services.figures.refresh import recompute_due_summaries
from tests.browser.test_desk_day import check_page, sign_in
from tests.browser.test_pages import LONG, PLACE
from tests.reports.services.cases.test_cases import TERMS
from tests.support.files import announce_file, make_jpeg
from tests.support.intake import store_report
from tests.support.world import World, make_texts, payload

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
PHONE = {"lat": 43.251, "lon": 76.952, "accuracy": 30}


@pytest.fixture
def site(transactional_db, live_server, monkeypatch) -> Iterator[str]:
    """Two contradicting observers at one station, with a photo.

    One more report was not drawn for a random check.
    """
    monkeypatch.setattr(
        "tests.support.world.make_texts", lambda text: LONG if text in ("V03", "V17", "V30") else make_texts(text)
    )
    monkeypatch.setattr("reports.services.review.review_queue.RANDOM_SHARE_PERCENT", 0)
    world = World()
    now = timezone.now()
    Election.objects.update(
        rules={"deadlines": TERMS}, opens_at=now - timedelta(hours=12), closes_at=now + timedelta(hours=12)
    )
    Commission.objects.filter(code="KZ-1-1-1").update(names=PLACE)
    world.election.refresh_from_db()
    seen = (now - timedelta(minutes=20)).isoformat()
    data = make_jpeg()
    said = {
        "answers": {"V03": "yes", "V15": "no", "V90": "bad"},
        "observed_at": seen,
        "location": PHONE,
        "comment": "…",
    }
    evidence = announce_file(world.first, data, report=said)
    append_to_upload(evidence=evidence, offset=0, stream=io.BytesIO(data), length=len(data), now=now)
    process_waiting_evidence(now=now)
    store_report(world.enrol_phone("OB-4444", "KZ-1-1-1"), payload(observed_at=seen), now)
    store_report(world.second, payload(commission="KZ-1-1-2", observed_at=seen), now)
    recompute_due_summaries()
    user = User.objects.create_user("volunteer", is_staff=True)
    for role in ("territorial", "lawyer"):
        Grant.objects.create(user=user, role=role, commission=world.tree["KZ-1"])
    yield live_server.url
    clear_cache()


def press_button(page: Page, do: str, value: str | None = None) -> None:
    """Presses a button by its value, because its text depends on the language."""
    page.locator(f"button[name=do][value={do}]" if value is None else f"button[name={do}][value={value}]").first.click()


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_from_the_review_queue_to_the_case_file(browser: Browser, site, watch, screenshot_dir, language):
    problems: list[str] = []
    context = sign_in(browser, site, language)
    page = context.new_page()
    watched = watch(page)
    page.goto(f"{site}/desk/test-2022/checks/")
    assert page.locator("html").get_attribute("lang") == language
    problems += check_page(page, screenshot_dir, f"checks-{language}")

    # The worst one is open; a photo may be shown only after three answers; one answer is corrected.
    press_button(page, "next")
    page.wait_for_url("**/reports/*/")
    problems += check_page(page, screenshot_dir, f"report-{language}")
    expect(page.locator("td.apart").first).to_contain_text("≠")
    photo = page.locator("img.thumbnail")
    photo.scroll_into_view_if_needed()
    photo.evaluate("image => image.decode()")  # fails where it cannot be shown
    for box in page.locator(".file input[type=checkbox]").all():
        box.check()
    page.locator(".file button.plain").click()
    page.locator("a[href='?correct=V90']").click()
    page.locator("form.card [name=q-V90][value=very_bad]").check()
    problems += check_page(page, screenshot_dir, f"correct-{language}")
    page.locator("form.card button.primary").click()
    assert Report.objects.get(channel="desk").answers["V90"] == "very_bad"

    # The violation is confirmed, and becomes a case.
    press_button(page, "state", "confirmed")
    page.locator(".violation form.find button").click()
    page.wait_for_url("**/cases/*/")
    case = Case.objects.get()
    assert case.severity == "critical"
    page.locator("textarea[name=text]").fill("…")
    page.locator("textarea[name=text]").locator("xpath=ancestor::form").locator("button").click()
    page.locator(".consent input[name=how]").fill("…")
    press_button(page, "given", "yes")
    press_button(page, "step", "checking")
    press_button(page, "hold")

    # A complaint draws its term and forum, is filed, answered, appealed and printed.
    page.locator("#starts").fill(timezone.now().strftime("%Y-%m-%dT%H:%M"))
    page.locator("#starts").locator("xpath=ancestor::form").locator("button").click()
    page.wait_for_url("**/complaints/*/")
    page.locator("#text").fill("…")
    problems += check_page(page, screenshot_dir, f"complaint-{language}")
    page.locator("#text").locator("xpath=ancestor::form").locator("button").click()
    page.locator("#filed_at").fill("2022-11-20T10:00")
    page.locator("#filed_at").locator("xpath=ancestor::form").locator("button").click()
    page.locator("#answered_at").fill("2022-11-21T10:00")
    page.locator("#answered_at").locator("xpath=ancestor::form").locator("button").click()
    problems += check_page(page, screenshot_dir, f"answered-{language}")
    page.locator("#file").set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
    page.locator("#file").locator("xpath=ancestor::form").locator("button").click()
    assert Complaint.objects.get().files.count() == 1
    page.locator("a[href$='/print/']").click()
    expect(page.locator(".document")).to_contain_text("Name of OB-2222")
    problems += check_page(page, screenshot_dir, f"document-{language}")

    # And all of it as one file.
    page.goto(f"{site}/desk/test-2022/cases/{case.pk}/")
    press_button(page, "export")
    write_case_exports(now=timezone.now())
    page.reload()
    problems += check_page(page, screenshot_dir, f"case-{language}")
    with page.expect_download() as download:
        page.locator("main a[href*='/exports/']").click()
    assert download.value.suggested_filename == f"case-{case.pk}.zip"
    assert CaseExport.objects.get().done_at
    page.goto(f"{site}/desk/test-2022/cases/")
    problems += check_page(page, screenshot_dir, f"cases-{language}")

    # An observer is set aside after seeing what that does, and brought back; the rest is accepted.
    page.goto(f"{site}/desk/test-2022/observers/{Report.objects.first().observer_id}/quarantine/")
    problems += check_page(page, screenshot_dir, f"aside-{language}")
    press_button(page, "aside")
    assert SetAside.objects.count() == 1
    press_button(page, "restore")
    assert not SetAside.objects.exists()
    page.goto(f"{site}/desk/test-2022/checks/")
    press_button(page, "accept")
    assert Report.objects.filter(state="accepted").exists()
    context.close()
    assert problems == [], "\n".join(problems)
    assert watched.console_errors == []
    assert watched.foreign_requests == []


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_every_page_fits_a_phone(browser: Browser, site, screenshot_dir, language):
    context = sign_in(browser, site, language, "phone")
    page = context.new_page()
    page.goto(f"{site}/desk/test-2022/checks/")
    problems = check_page(page, screenshot_dir, f"small-checks-{language}")
    press_button(page, "next")
    problems += check_page(page, screenshot_dir, f"small-report-{language}")
    page.locator(".violation form.find button").click()
    problems += check_page(page, screenshot_dir, f"small-case-{language}")
    page.goto(f"{site}/desk/test-2022/cases/")
    problems += check_page(page, screenshot_dir, f"small-cases-{language}")
    page.goto(f"{site}/desk/test-2022/observers/{Report.objects.order_by('pk')[0].observer_id}/quarantine/")
    problems += check_page(page, screenshot_dir, f"small-aside-{language}")
    context.close()
    assert problems == [], "\n".join(problems)
