"""The real browser. A missing one is a failure, never a skip: what it would have shown is not known."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from reports.services.checklists.compiled import forget
from scripts import provision
from tests.browser.country import Country, country_make
from tests.browser.hand import Hand
from tests.browser.phone import Phone, Site, running

CHROMIUM = os.environ.get("CHROMIUM") or provision.chromium()
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"

# Playwright keeps an event loop in this thread, and Django then refuses the database here.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """Without the redirect to https, which its middleware reads once, when the server starts."""
    with override_settings(SECURE_SSL_REDIRECT=False):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _alone(settings):
    """A cache of the test's own: others clear the shared one at any moment."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def shots() -> Path:
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS


class Watch:
    """What a page must not do: complain in the console, or ask anything of another host."""

    def __init__(self, page: Page, home: str) -> None:
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.on("console", lambda message: message.type in ("error", "warning") and self._complain(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith(home) or self.strangers.append(request.url))

    def _complain(self, text: str) -> None:
        if "status of 404" not in text:  # the page itself was asked for and is a designed 404
            self.complaints.append(text)


@pytest.fixture
def watch(live_server):
    return lambda page: Watch(page, live_server.url)


@pytest.fixture
def country(transactional_db, live_server, tmp_path) -> Iterator[Country]:
    yield country_make(tmp_path)
    forget()


@pytest.fixture
def hold(browser: Browser, country: Country, live_server) -> Iterator[Callable[..., Hand]]:
    """Gives a new phone in a hand; each is put away before the country is."""
    held: list[Hand] = []

    def take(language: str = "en", of: Browser = browser, **more: Any) -> Hand:
        held.append(Hand(of, live_server.url, language, **more))
        return held[-1]

    yield take
    for one in held:
        one.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Phone]:
    context = browser.new_context()
    yield Phone(context, site)
    context.close()


@pytest.fixture
def another(browser: Browser, site: Site) -> Iterator[Callable[[], Phone]]:
    contexts: list[BrowserContext] = []

    def make() -> Phone:
        contexts.append(browser.new_context())
        return Phone(contexts[-1], site)

    yield make
    for context in contexts:
        context.close()
