"""A phone user for tests: taps, types, opens screens and checks each."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from tests.browser.page_checks import find_accessibility_problems, find_overflow

VIEWPORT = {"width": 360, "height": 640}
LANGUAGES = ("kk", "ru", "en")
SCREENSHOT_DIR = Path(__file__).resolve().parents[2] / "build" / "screens"
# Not checked by axe by default: AAA contrast, and target size.
EXTRA_AXE_RULES = ("color-contrast-enhanced", "target-size")


def make_photo(seed: int = 1) -> dict[str, Any]:
    """A JPEG like a camera's, large enough that a preview is sent first."""
    noise = Image.effect_noise((1400, 1000), 60 + seed).convert("RGB")
    body = io.BytesIO()
    noise.save(body, "JPEG", quality=85)
    return {"name": f"IMG_{seed:04}.jpg", "mimeType": "image/jpeg", "buffer": body.getvalue()}


class PhoneUser:
    """One phone and its user.

    `check_screen` takes a screenshot, runs axe and measures the screen; `problems` collects what was wrong.
    """

    def __init__(
        self,
        browser: Browser,
        address: str,
        language: str = "en",
        languages: Sequence[str] = LANGUAGES,
        label: str = "",
        **context: Any,
    ) -> None:
        given: dict[str, Any] = {
            "viewport": VIEWPORT,
            "locale": language,
            "geolocation": {"latitude": 54.761, "longitude": 69.121},
        }
        self.context = browser.new_context(**(given | {"permissions": ["geolocation"]} | context))
        self.address, self.language, self.languages, self.label = address, language, languages, label
        self.problems: dict[str, list[str]] = {}
        self.errors: list[str] = []
        self.foreign_requests: list[str] = []
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        self.page.on("console", lambda message: message.type == "error" and self._note_console_error(message.text))
        self.context.on("request", lambda request: self._note_request(request.url))

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.address, "blob:", "data:")):
            self.foreign_requests.append(url)

    def _note_console_error(self, text: str) -> None:
        if "Failed to load resource" not in text:  # tests switch the network off on purpose
            self.errors.append(text)

    def open(self, path: str = "/phone/") -> None:
        self.page.goto(self.address + path)

    def choose_language(self) -> None:
        """Chooses this user's language by the buttons, as an observer does."""
        self.page.locator(f".languages button[lang={self.language}]").first.click()
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)

    def expect_screen(self, screen: str) -> None:
        expect(self.page.locator(f"main[data-screen={screen}]")).to_be_visible()

    def go_to(self, place: str) -> None:
        """Opens a screen by its address, as a link does."""
        self.page.evaluate("(place) => { location.hash = '#/' + place }", place)
        self.expect_screen(place.split("/")[0])

    def main(self) -> Locator:
        return self.page.locator("main")

    def enrol(self, code: str) -> None:
        self.open(f"/phone/#enrol={code}")
        self.expect_screen("enrol")
        self.page.locator("button[type=submit]").click()
        self.expect_screen("consent")

    def accept_conduct(self) -> None:
        self.page.locator("main input[type=checkbox]").check()
        self.page.locator("main button.main").click()
        self.expect_screen("rehearsal")

    def postpone_rehearsal(self) -> None:
        expect(self.main().locator(".notice.wait")).to_have_count(0)  # it moves the buttons below when it disappears
        self.page.locator("main button.quiet").last.click()
        self.expect_screen("day")

    def set_up(self, code: str) -> None:
        """Enrols, accepts the conduct and opens the day; waits until everything is on the phone."""
        self.enrol(code)
        self.choose_language()
        self.accept_conduct()
        self.postpone_rehearsal()
        self.refresh_reference()
        self.wait_for_service_worker()

    def refresh_reference(self) -> None:
        """Loads all reference data of the day."""
        self.page.evaluate(
            "() => import('/phone/files/core/reference/reference.js').then((reference) => reference.refreshReference())"
        )

    def wait_for_service_worker(self) -> None:
        """Waits until the service worker serves this page; then it works offline."""
        self.page.evaluate(
            """() => new Promise((resolve) => {
            const there = () => navigator.serviceWorker.controller && resolve(true);
            navigator.serviceWorker.addEventListener('controllerchange', there);
            there();
        })"""
        )

    def open_checklist(self, title: str) -> None:
        """Opens the checklist with this title, or its draft."""
        card = self.page.locator("ul.day > li").filter(has=self.page.get_by_role("heading", name=title, exact=True))
        card.locator("> button").click()
        self.expect_screen("fill")

    def open_check(self) -> None:
        self.page.locator(".thumb .step").last.click()
        self.expect_screen("check")

    def save_report(self) -> None:
        self.page.locator(".thumb .step.main").click()
        self.expect_screen("report")

    def wait_until_sent(self) -> None:
        """Waits until everything is on the server, as the header shows."""
        expect(self.page.locator(".corner")).to_have_attribute("data-left", "0", timeout=60_000)

    def current_id(self) -> str:
        """The id of the draft or report in the page's address."""
        return re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", self.page.url)[-1]

    def check_screen(self, name: str, ignored: str = ".away, svg") -> None:
        """Takes a screenshot of the whole screen in each language; notes problems."""
        for language in self.languages:
            self.switch_language(language)
            self._check_once(f"{name}-{language}{self.label}", ignored)
        self.switch_language(self.language)

    def switch_language(self, language: str) -> None:
        """Changes the language where the screen has no buttons for it."""
        self.page.evaluate(
            "(code) => import('/phone/files/core/base/translations.js').then((translations) => translations.setLanguage(code))",
            language,
        )
        expect(self.page.locator("html")).to_have_attribute("lang", language)

    def _check_once(self, name: str, ignored: str) -> None:
        self.expand_viewport()
        SCREENSHOT_DIR.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOT_DIR / f"{name}.png")
        wrong = find_accessibility_problems(self.page, *EXTRA_AXE_RULES) + find_overflow(self.page, ignored)
        self.page.set_viewport_size(VIEWPORT)
        if self.page.locator("h1").count() != 1:
            wrong.append("not one heading")
        if small := self.page.evaluate(FIND_SMALL_TARGETS):
            wrong.append(f"smaller than 48 px: {small}")
        if wrong:
            self.problems[name] = wrong

    def expand_viewport(self) -> None:
        """Makes the window as high as the content, so that the bars hide nothing."""
        height = 0
        while (now := int(self.page.evaluate("document.documentElement.scrollHeight"))) != height:
            height = now
            self.page.set_viewport_size(
                {"width": VIEWPORT["width"], "height": max(VIEWPORT["height"], min(height, 9000))}
            )

    def close(self) -> None:
        self.context.close()


# Targets lower than 48 px. A radio button or check box counts with its label, the whole row.
FIND_SMALL_TARGETS = """[...document.querySelectorAll('a, button, select, summary, textarea, label.pick, label.button, input:not([type=radio], [type=checkbox], .away)')]
  .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 47.5)
  .map(e => e.outerHTML.slice(0, 120))"""


def answer_all_questions(user: PhoneUser) -> None:
    """Answers all questions, also those that appear after an answer."""
    done: set[str] = set()
    while True:
        codes = [str(one)[2:] for one in user.page.locator(".question").evaluate_all("(all) => all.map((e) => e.id)")]
        left = [code for code in codes if code not in done]
        if not left:
            return
        for code in left:
            answer_question(user, code)
            done.add(code)


def answer_question(user: PhoneUser, code: str) -> None:
    question = user.page.locator(f"[id='q-{code}']")
    kind = question.get_attribute("data-type")
    if kind in ("yes_no", "rating", "choice", "choices"):
        question.locator("input").first.check()
    elif kind in ("integer", "decimal"):
        question.locator("input").fill("12,5" if kind == "decimal" else "12")
    elif kind == "text":
        question.locator("textarea").fill("Төраға хатшыға ұрысты.")
    elif kind in ("time", "date"):
        question.get_by_role("button").first.click()
    elif kind == "location":
        question.get_by_role("button").first.click()
        expect(question.locator(".value")).to_be_visible()
    elif kind == "violation":
        question.locator("button.pick").first.click()
        expect(question.locator(".value")).to_be_visible()
    elif kind in ("photo", "file"):
        question.locator("input[type=file]").first.set_input_files(make_photo(len(code)))
        expect(question.locator(".file")).to_be_visible()
