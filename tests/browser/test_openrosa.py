"""ODK Web Forms in Chromium opens the platform's form, fills and submits it."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from reports.models import Evidence, Report
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing.live_summary import build_live_summary
from tests.support.files import make_jpeg
from tests.support.world import World, make_election

VENDOR = Path(__file__).parents[1] / "vendor" / "odk-web-forms"
# What a client does with a form: fetches it and its files by the manifest, posts what the engine gives.
PAGE = """<!doctype html><meta charset="utf-8"><title>Form</title><div id="app"></div><script type="module">
import { odk } from "/__engine/odk-web-forms.js";
const base = BASE, form = FORM;
const text = (url) => fetch(url).then((answer) => answer.text());
const manifest = new DOMParser().parseFromString(await text(`${base}/forms/${form}/manifest`), "text/xml");
const files = Object.fromEntries([...manifest.querySelectorAll("mediaFile")].map((one) => [
  one.querySelector("filename").textContent, one.querySelector("downloadUrl").textContent]));
window.answers = [];
const app = odk.createApp({ render: () => odk.h(odk.OdkWebForm, {
  formXml: window.xml, missingResourceBehavior: "default",
  fetchFormAttachment: (url) => fetch(files[url.href.split("/").pop()]),
  onSubmit: async (payload, done) => {
    for (const body of [payload.data].flat()) {
      const answer = await fetch(`${base}/submission`, {method: "POST", body, headers: {"X-OpenRosa-Version": "1.0"}});
      window.answers.push([answer.status, await answer.text()]);
    }
  },
}) });
window.xml = await text(`${base}/forms/${form}.xml`);
app.use(odk.webFormsPlugin).mount("#app");
</script>"""


@pytest.fixture
def engine(browser: Browser, live_server, transactional_db):
    """Opens a form of a device in the engine."""
    pages = []

    def opened(token: str, form: str) -> Page:
        page = browser.new_page(viewport={"width": 420, "height": 900}, locale="ru")
        pages.append(page)
        base = f"{live_server.url}/api/openrosa/k/{token}"
        html = PAGE.replace("BASE", json.dumps(base)).replace("FORM", json.dumps(form))
        page.route("**/__engine/", lambda route: route.fulfill(body=html, content_type="text/html"))
        script = VENDOR / "odk-web-forms.js"
        page.route(
            "**/__engine/odk-web-forms.js", lambda route: route.fulfill(path=script, content_type="text/javascript")
        )
        page.goto(f"{live_server.url}/__engine/")
        return page

    yield opened
    for page in pages:
        page.close()


def test_the_engine_is_the_one_that_its_note_names():
    digest = hashlib.sha256((VENDOR / "odk-web-forms.js").read_bytes()).hexdigest()
    assert digest in (VENDOR / "README.md").read_text()


def question(page: Page, label: str) -> Locator:
    return page.locator(".question-container", has_text=label)


def choose(page: Page, label: str, *values: str) -> None:
    for value in values:
        question(page, label).locator(f'input[value="{value}"]').check(force=True)


def number(page: Page, label: str, digits: str) -> None:
    field = question(page, label).locator("input")
    field.click()
    field.press("ControlOrMeta+a")
    field.press_sequentially(digits)
    field.press("Tab")


@pytest.mark.browser
class TestODKWebForms:
    def test_fills_the_form_and_submits_it_with_a_photo(self, engine, screenshot_dir):
        now = timezone.now()
        world = World(make_election(opens_at=now - timedelta(days=1), closes_at=now + timedelta(days=1)))
        page = engine(world.first.token, "voting/1")
        station = question(page, "Какая это комиссия?").get_by_role("combobox")
        expect(station).to_have_text("KZ-1-1-1 · KZ-1-1-1 ru")  # preset from the assignment
        station.click()
        page.get_by_role("option", name="KZ-1-1-2").click()
        expect(question(page, "V16 ru")).to_have_count(0)  # not asked before V15
        choose(page, "V01 ru", "female")
        choose(page, "V03 ru", "yes")
        choose(page, "V15 ru", "yes")
        choose(page, "V16 ru", "no")
        choose(page, "V30 ru", "c", "a")
        choose(page, "V90 ru", "bad")
        number(page, "X05 ru", "3001")
        question(page, "X07 ru").locator("input").fill("Жәшік ашық тұр")
        photo = {"name": "hall.jpg", "mimeType": "image/jpeg", "buffer": make_jpeg()}
        question(page, "X11 ru").locator('input[type="file"]').set_input_files(files=[photo])
        page.get_by_label("Хотите что-нибудь добавить?").fill("Никто не возражал.")
        page.get_by_role("button", name="Send").click()
        expect(question(page, "X05 ru").locator(".validation-message")).not_to_be_empty()  # 3000 at most
        number(page, "X05 ru", "12")
        page.screenshot(path=screenshot_dir / "openrosa-form.png", full_page=True)
        page.get_by_role("button", name="Send").click()
        page.wait_for_function("window.answers.length > 0")
        ((status, said),) = page.evaluate("window.answers")
        assert status == 201 and "submit_success" in said, said

        report = Report.objects.get()
        assert report.commission == world.tree["KZ-1-1-2"] and report.channel == "openrosa"
        (name,) = report.answers.pop("X11")
        assert report.answers == {
            "V01": "female",
            "V03": "yes",
            "V15": "yes",
            "V16": "no",
            "V30": ["a", "c"],
            "V90": "bad",
            "X05": 12,
            "X07": "Жәшік ашық тұр",
        }
        assert report.comment == "Никто не возражал."
        assert sorted(one.code for one in report.violations.all()) == ["FRD-05", "UNA-01"]
        evidence = Evidence.objects.get()
        assert (evidence.report, evidence.question, evidence.state) == (report, "X11", "stored") and name
        recompute_due_summaries()
        figures = build_live_summary(commission=world.tree["KZ"], language="en")["stages"]["voting"]["questions"]
        assert figures["V03"]["yes"] == 1 and figures["X05"]["sum"] == 12

    def test_opens_every_form(self, engine):
        world = World()
        for form in ("opening/1", "tabulation/1", "incident/1"):
            page = engine(world.first.token, form)
            expect(page.get_by_role("button", name="Send")).to_be_visible()
            expect(page.locator(".form-load-failure-dialog")).to_have_count(0)

    def test_takes_a_station_that_is_not_in_the_list_by_its_code(self, engine):
        world = World()
        page = engine(world.first.token, "incident/1")
        expect(page.get_by_label("Её код")).to_have_count(0)
        question(page, "Какая это комиссия?").get_by_role("combobox").click()
        page.get_by_role("option", name="Нет в списке").click()
        page.get_by_label("Её код").fill("KZ-2-2-3")
        choose(page, "I01 ru", "ACC-01")
        page.get_by_role("button", name="Send").click()
        page.wait_for_function("window.answers.length > 0")
        assert page.evaluate("window.answers[0][0]") == 201
        assert Report.objects.get().commission == world.tree["KZ-2-2-3"]
