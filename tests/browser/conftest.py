"""Fixtures for tests in a real browser.

A missing browser fails the tests instead of skipping them, because a skipped test shows nothing.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from reports.services.checklists.compiled import clear_cache
from scripts import provision
from tests.browser.country import Country, make_country
from tests.browser.phone import Phone, Site, run_site
from tests.browser.phone_user import PhoneUser

CHROMIUM = os.environ.get("CHROMIUM") or provision.find_chromium()
SCREENSHOT_DIR = Path(__file__).resolve().parents[2] / "build" / "screenshots"

# Playwright runs an event loop in this thread, and Django refuses the database in such a thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """A live server without the redirect to https.

    The middleware reads the setting once, when the server starts.
    """
    with override_settings(SECURE_SSL_REDIRECT=False):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _own_cache(settings):
    """Gives each test its own cache, because other tests clear the shared one."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def screenshot_dir() -> Path:
    SCREENSHOT_DIR.mkdir(parents=True, exist_ok=True)
    return SCREENSHOT_DIR


class PageWatch:
    """Records console errors of a page and its requests to other hosts."""

    def __init__(self, page: Page, home: str) -> None:
        self.console_errors: list[str] = []
        self.foreign_requests: list[str] = []
        page.on(
            "console", lambda message: message.type in ("error", "warning") and self._note_console_error(message.text)
        )
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        page.on("request", lambda request: request.url.startswith(home) or self.foreign_requests.append(request.url))

    def _note_console_error(self, text: str) -> None:
        if "status of 404" not in text:  # the page itself was asked for and is a designed 404
            self.console_errors.append(text)


@pytest.fixture
def watch(live_server):
    return lambda page: PageWatch(page, live_server.url)


@pytest.fixture
def country(transactional_db, live_server, tmp_path) -> Iterator[Country]:
    yield make_country(tmp_path)
    clear_cache()


@pytest.fixture
def new_user(browser: Browser, country: Country, live_server) -> Iterator[Callable[..., PhoneUser]]:
    """Creates phone users; closes them before the country is removed."""
    users: list[PhoneUser] = []

    def create(language: str = "en", of: Browser = browser, **more: Any) -> PhoneUser:
        users.append(PhoneUser(of, live_server.url, language, **more))
        return users[-1]

    yield create
    for one in users:
        one.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Phone]:
    context = browser.new_context()
    yield Phone(context, site)
    context.close()


@pytest.fixture
def new_phone(browser: Browser, site: Site) -> Iterator[Callable[[], Phone]]:
    contexts: list[BrowserContext] = []

    def make() -> Phone:
        contexts.append(browser.new_context())
        return Phone(contexts[-1], site)

    yield make
    for context in contexts:
        context.close()
