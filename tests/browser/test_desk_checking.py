"""Verification and cases as a new verifier and a lawyer walk through them: from the queue to the document and the file."""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from observer.models import Commission, Election, Grant, User
from reports.models import Case, CaseExport, Complaint, Report, SetAside
from reports.services.cases.case_export import exports_write
from reports.services.checklists.compiled import forget
from reports.services.evidence.processing import evidence_process_due
from reports.services.evidence.uploads import upload_append
from reports.services.figures.refresh import summaries_refresh
from tests.browser.test_desk_day import looked_at, signed_in
from tests.browser.test_pages import LONG, PLACE
from tests.reports.services.cases.test_cases import TERMS
from tests.support.door import stored
from tests.support.files import awaited, jpeg
from tests.support.world import World, payload, words

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
PHONE = {"lat": 43.251, "lon": 76.952, "accuracy": 30}


@pytest.fixture
def site(transactional_db, live_server, monkeypatch) -> Iterator[str]:
    """Two observers at one station who contradict each other, with a photo; a second report that chance did not draw."""
    monkeypatch.setattr(
        "tests.support.world.words", lambda text: LONG if text in ("V03", "V17", "V30") else words(text)
    )
    monkeypatch.setattr("reports.services.review.review_queue.SHARE", 0)
    world = World()
    now = timezone.now()
    Election.objects.update(
        rules={"deadlines": TERMS}, opens_at=now - timedelta(hours=12), closes_at=now + timedelta(hours=12)
    )
    Commission.objects.filter(code="KZ-1-1-1").update(names=PLACE)
    world.election.refresh_from_db()
    seen = (now - timedelta(minutes=20)).isoformat()
    data = jpeg()
    said = {
        "answers": {"V03": "yes", "V15": "no", "V90": "bad"},
        "observed_at": seen,
        "location": PHONE,
        "comment": "…",
    }
    evidence = awaited(world.first, data, report=said)
    upload_append(evidence=evidence, offset=0, stream=io.BytesIO(data), length=len(data), now=now)
    evidence_process_due(now=now)
    stored(world.enrolled("OB-4444", "KZ-1-1-1"), payload(observed_at=seen), now)
    stored(world.second, payload(commission="KZ-1-1-2", observed_at=seen), now)
    summaries_refresh()
    user = User.objects.create_user("volunteer", is_staff=True)
    for role in ("territorial", "lawyer"):
        Grant.objects.create(user=user, role=role, commission=world.tree["KZ-1"])
    yield live_server.url
    forget()


def press(page: Page, do: str, value: str | None = None) -> None:
    """A button of the page, by what it does: its word differs by language."""
    page.locator(f"button[name=do][value={do}]" if value is None else f"button[name={do}][value={value}]").first.click()


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_a_verifier_walks_from_the_queue_to_the_file(browser: Browser, site, watch, shots, language):
    problems: list[str] = []
    context = signed_in(browser, site, language)
    page = context.new_page()
    watched = watch(page)
    page.goto(f"{site}/desk/test-2022/checks/")
    assert page.locator("html").get_attribute("lang") == language
    problems += looked_at(page, shots, f"checks-{language}")

    # The worst one is open; a photo may be shown only after three answers; one answer is corrected.
    press(page, "next")
    page.wait_for_url("**/reports/*/")
    problems += looked_at(page, shots, f"report-{language}")
    expect(page.locator("td.apart").first).to_contain_text("≠")
    photo = page.locator("img.thumbnail")
    photo.scroll_into_view_if_needed()
    photo.evaluate("image => image.decode()")  # fails where it cannot be shown
    for box in page.locator(".file input[type=checkbox]").all():
        box.check()
    page.locator(".file button.plain").click()
    page.locator("a[href='?correct=V90']").click()
    page.locator("form.card [name=q-V90][value=very_bad]").check()
    problems += looked_at(page, shots, f"correct-{language}")
    page.locator("form.card button.primary").click()
    assert Report.objects.get(channel="desk").answers["V90"] == "very_bad"

    # The violation is confirmed, and becomes a case.
    press(page, "state", "confirmed")
    page.locator(".violation form.find button").click()
    page.wait_for_url("**/cases/*/")
    case = Case.objects.get()
    assert case.severity == "critical"
    page.locator("textarea[name=text]").fill("…")
    page.locator("textarea[name=text]").locator("xpath=ancestor::form").locator("button").click()
    page.locator(".consent input[name=how]").fill("…")
    press(page, "given", "yes")
    press(page, "step", "checking")
    press(page, "hold")

    # A complaint draws its term and forum, is filed, answered, appealed and printed.
    page.locator("#starts").fill(timezone.now().strftime("%Y-%m-%dT%H:%M"))
    page.locator("#starts").locator("xpath=ancestor::form").locator("button").click()
    page.wait_for_url("**/complaints/*/")
    page.locator("#text").fill("…")
    problems += looked_at(page, shots, f"complaint-{language}")
    page.locator("#text").locator("xpath=ancestor::form").locator("button").click()
    page.locator("#filed_at").fill("2022-11-20T10:00")
    page.locator("#filed_at").locator("xpath=ancestor::form").locator("button").click()
    page.locator("#answered_at").fill("2022-11-21T10:00")
    page.locator("#answered_at").locator("xpath=ancestor::form").locator("button").click()
    problems += looked_at(page, shots, f"answered-{language}")
    page.locator("#file").set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
    page.locator("#file").locator("xpath=ancestor::form").locator("button").click()
    assert Complaint.objects.get().files.count() == 1
    page.locator("a[href$='/print/']").click()
    expect(page.locator(".document")).to_contain_text("Name of OB-2222")
    problems += looked_at(page, shots, f"document-{language}")

    # And all of it as one file.
    page.goto(f"{site}/desk/test-2022/cases/{case.pk}/")
    press(page, "export")
    exports_write(now=timezone.now())
    page.reload()
    problems += looked_at(page, shots, f"case-{language}")
    with page.expect_download() as download:
        page.locator("main a[href*='/exports/']").click()
    assert download.value.suggested_filename == f"case-{case.pk}.zip"
    assert CaseExport.objects.get().done_at
    page.goto(f"{site}/desk/test-2022/cases/")
    problems += looked_at(page, shots, f"cases-{language}")

    # An observer is set aside after seeing what that does, and brought back; the rest is accepted.
    page.goto(f"{site}/desk/test-2022/observers/{Report.objects.first().observer_id}/quarantine/")
    problems += looked_at(page, shots, f"aside-{language}")
    press(page, "aside")
    assert SetAside.objects.count() == 1
    press(page, "restore")
    assert not SetAside.objects.exists()
    page.goto(f"{site}/desk/test-2022/checks/")
    press(page, "accept")
    assert Report.objects.filter(state="accepted").exists()
    context.close()
    assert problems == [], "\n".join(problems)
    assert watched.complaints == []
    assert watched.strangers == []


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_every_page_of_it_fits_a_phone(browser: Browser, site, shots, language):
    context = signed_in(browser, site, language, "phone")
    page = context.new_page()
    page.goto(f"{site}/desk/test-2022/checks/")
    problems = looked_at(page, shots, f"small-checks-{language}")
    press(page, "next")
    problems += looked_at(page, shots, f"small-report-{language}")
    page.locator(".violation form.find button").click()
    problems += looked_at(page, shots, f"small-case-{language}")
    page.goto(f"{site}/desk/test-2022/cases/")
    problems += looked_at(page, shots, f"small-cases-{language}")
    page.goto(f"{site}/desk/test-2022/observers/{Report.objects.order_by('pk')[0].observer_id}/quarantine/")
    problems += looked_at(page, shots, f"small-aside-{language}")
    context.close()
    assert problems == [], "\n".join(problems)
