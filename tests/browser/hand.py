"""A hand that holds the phone in tests: taps, types, leads from screen to screen and looks at each."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from tests.browser.looking import accessibility, sideways

SMALL = {"width": 360, "height": 640}
LANGUAGES = ("kk", "ru", "en")
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screens"
# Beyond what axe asks by itself: contrast as AAA has it, and targets for thumbs.
STRICT = ("color-contrast-enhanced", "target-size")


def photo(seed: int = 1) -> dict[str, Any]:
    """A picture as a camera would give it, large enough for a small copy to go first."""
    noise = Image.effect_noise((1400, 1000), 60 + seed).convert("RGB")
    body = io.BytesIO()
    noise.save(body, "JPEG", quality=85)
    return {"name": f"IMG_{seed:04}.jpg", "mimeType": "image/jpeg", "buffer": body.getvalue()}


class Hand:
    """One phone. Every screen that `look` sees is photographed, checked by axe and measured; `found` says what was wrong."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        language: str = "en",
        looks: Sequence[str] = LANGUAGES,
        label: str = "",
        **context: Any,
    ) -> None:
        given: dict[str, Any] = {
            "viewport": SMALL,
            "locale": language,
            "geolocation": {"latitude": 54.761, "longitude": 69.121},
        }
        self.context = browser.new_context(**(given | {"permissions": ["geolocation"]} | context))
        self.address, self.language, self.looks, self.label = address, language, looks, label
        self.found: dict[str, list[str]] = {}
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        self.page.on("console", lambda message: message.type == "error" and self._complaint(message.text))
        self.context.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "blob:", "data:")):
            self.strangers.append(url)

    def _complaint(self, text: str) -> None:
        if "Failed to load resource" not in text:  # the network is switched off on purpose
            self.errors.append(text)

    def open(self, path: str = "/phone/") -> None:
        self.page.goto(self.address + path)

    def speak(self) -> None:
        """The language of this hand, chosen as an observer does."""
        self.page.locator(f".languages button[lang={self.language}]").first.click()
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)

    def at(self, screen: str) -> None:
        expect(self.page.locator(f"main[data-screen={screen}]")).to_be_visible()

    def go(self, place: str) -> None:
        """To a screen by its address, as a link would lead there."""
        self.page.evaluate("(place) => { location.hash = '#/' + place }", place)
        self.at(place.split("/")[0])

    def main(self) -> Locator:
        return self.page.locator("main")

    def enrol(self, code: str) -> None:
        self.open(f"/phone/#enrol={code}")
        self.at("enrol")
        self.page.locator("button[type=submit]").click()
        self.at("consent")

    def accept(self) -> None:
        self.page.locator("main input[type=checkbox]").check()
        self.page.locator("main button.main").click()
        self.at("rehearsal")

    def put_off(self) -> None:
        expect(self.main().locator(".notice.wait")).to_have_count(0)  # what comes moves the buttons below it
        self.page.locator("main button.quiet").last.click()
        self.at("day")

    def ready(self, code: str) -> None:
        """Enrolled, accepted, at the day; the service worker has everything."""
        self.enrol(code)
        self.speak()
        self.accept()
        self.put_off()
        self.fetched()
        self.kept()

    def fetched(self) -> None:
        """What the server tells for the day is all on the phone."""
        self.page.evaluate(
            "() => import('/phone/files/core/reference/reference.js').then((reference) => reference.refresh())"
        )

    def kept(self) -> None:
        """The service worker has all files and serves this page: the network may go."""
        self.page.evaluate(
            """() => new Promise((resolve) => {
            const there = () => navigator.serviceWorker.controller && resolve(true);
            navigator.serviceWorker.addEventListener('controllerchange', there);
            there();
        })"""
        )

    def start(self, title: str) -> None:
        """Begins, or goes on with, the checklist of this title."""
        card = self.page.locator("ul.day > li").filter(has=self.page.get_by_role("heading", name=title, exact=True))
        card.locator("> button").click()
        self.at("fill")

    def check(self) -> None:
        self.page.locator(".thumb .step").last.click()
        self.at("check")

    def save(self) -> None:
        self.page.locator(".thumb .step.main").click()
        self.at("report")

    def sent(self) -> None:
        """All is with the server: the corner says so on every screen."""
        expect(self.page.locator(".corner")).to_have_attribute("data-left", "0", timeout=60_000)

    def number(self) -> str:
        """The id of the draft or report in the address."""
        return re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", self.page.url)[-1]

    def look(self, name: str, besides: str = ".away, svg") -> None:
        """Keeps a picture of the whole screen in each language, and notes what is wrong with it."""
        for language in self.looks:
            self.tongue(language)
            self._look(f"{name}-{language}{self.label}", besides)
        self.tongue(self.language)

    def tongue(self, language: str) -> None:
        """Changes the language where no screen offers it."""
        self.page.evaluate(
            "(code) => import('/phone/files/core/base/words.js').then((words) => words.languageSet(code))", language
        )
        expect(self.page.locator("html")).to_have_attribute("lang", language)

    def _look(self, name: str, besides: str) -> None:
        self.unfold()
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")
        wrong = accessibility(self.page, *STRICT) + sideways(self.page, besides)
        self.page.set_viewport_size(SMALL)
        if self.page.locator("h1").count() != 1:
            wrong.append("not one heading")
        if small := self.page.evaluate(SMALL_TARGETS):
            wrong.append(f"smaller than 48 px: {small}")
        if wrong:
            self.found[name] = wrong

    def unfold(self) -> None:
        """A window as high as the screen is long: then the bars hide nothing."""
        height = 0
        while (now := int(self.page.evaluate("document.documentElement.scrollHeight"))) != height:
            height = now
            self.page.set_viewport_size({"width": SMALL["width"], "height": max(SMALL["height"], min(height, 9000))})

    def close(self) -> None:
        self.context.close()


# What is tapped and lower than 48 px. A radio or check box counts with the whole row that is its label.
SMALL_TARGETS = """[...document.querySelectorAll('a, button, select, summary, textarea, label.pick, label.button, input:not([type=radio], [type=checkbox], .away)')]
  .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 47.5)
  .map(e => e.outerHTML.slice(0, 120))"""


def answer_all(hand: Hand) -> None:
    """Answers whatever is asked, also what is asked only after an answer."""
    done: set[str] = set()
    while True:
        codes = [str(one)[2:] for one in hand.page.locator(".question").evaluate_all("(all) => all.map((e) => e.id)")]
        left = [code for code in codes if code not in done]
        if not left:
            return
        for code in left:
            answer(hand, code)
            done.add(code)


def answer(hand: Hand, code: str) -> None:
    question = hand.page.locator(f"[id='q-{code}']")
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
        question.locator("input[type=file]").first.set_input_files(photo(len(code)))
        expect(question.locator(".file")).to_be_visible()
