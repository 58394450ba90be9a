"""Servers and browsers that die in the middle: what was called saved arrives, once."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.conftest import CHROMIUM
from tests.browser.phone import Phone, Site, received

pytestmark = [pytest.mark.browser, pytest.mark.slow]


API = "**/api/v1"


class TestAServerThatDies:
    def test_in_the_middle_of_batches_and_pieces(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        ids = [phone.write(photos=1) for _ in range(30)]
        here = phone.hashes()
        phone.context.set_offline(False)
        for stop_at in ("reports/batch", "evidence/", "evidence/"):
            seen: list[str] = []
            phone.page.on(
                "request",
                lambda request, word=stop_at, seen=seen: seen.append(request.url) if word in request.url else None,
            )
            phone.page.evaluate(
                "() => { window.done = import('/phone/files/core/send/sync.js').then((m) => m.sync('online')) }"
            )
            phone.wait(lambda seen=seen: bool(seen))
            site.stop(signal.SIGKILL)
            phone.page.evaluate("window.done")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(site.start).result()
        phone.sync("online")
        assert phone.counts() | {"waiting": 0, "files": 0} == phone.counts()
        assert sorted(received(site, *ids)) == sorted(ids)
        assert set(here.values()) <= set(site.sealed())


@pytest.mark.once
class TestABrowserThatDies:
    def test_in_the_middle_of_photos(self, browser: Browser, site: Site, tmp_path: Path):
        """Killed at any moment: what was called kept is there, with its bytes, and nothing is there by half."""
        profile = tmp_path / "profile"
        context = launched(browser, profile)
        phone = Phone(context, site)
        phone.enrol()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.call("drafts", "answerSet", draft, "X07", "written before the battery died")
        phone.page.evaluate(
            """(draft) => { window.kept = []; import('/phone/files/core/reporting/files.js').then(async ({fileAdd}) => {
            for (let n = 0; n < 10; n += 1) {
              const bytes = new Uint8Array(6_000_000); for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
              const file = await fileAdd({draft, blob: new Blob([bytes], {type: 'video/mp4'}), source: 'camera'});
              window.kept.push([file.id, file.sha256]);
            } }) }""",
            draft,
        )
        phone.until("window.kept.length >= 3")
        promised = dict(phone.page.evaluate("window.kept"))
        killed(profile)

        context = launched(browser, profile)
        phone = Phone(context, site)
        assert phone.call("drafts", "draft", draft)["answers"] == {"X07": "written before the battery died"}
        assert phone.call("outbox", "save", draft) == draft
        here = phone.hashes()
        assert promised.items() <= here.items()
        phone.sync("start")
        assert phone.report(draft)["state"] == "received"
        assert phone.counts()["files"] == 0
        assert set(here.values()) <= set(site.sealed())
        context.close()

    def test_in_the_middle_of_sending(self, browser: Browser, site: Site, tmp_path: Path):
        profile = tmp_path / "profile"
        context = launched(browser, profile)
        phone = Phone(context, site)
        phone.enrol()
        context.set_offline(True)
        ids = [phone.write(photos=3) for _ in range(8)]
        here = phone.hashes()
        context.set_offline(False)
        for _ in range(2):
            seen: list[str] = []
            phone.page.on(
                "request",
                lambda request, seen=seen: seen.append(request.method) if "/evidence/" in request.url else None,
            )
            phone.page.evaluate("() => { import('/phone/files/core/send/sync.js').then((m) => m.sync('online')) }")
            phone.wait(lambda seen=seen: len(seen) >= 3)
            killed(profile)
            context = launched(browser, profile)
            phone = Phone(context, site)
        phone.sync("start")
        assert phone.counts() | {"waiting": 0, "files": 0} == phone.counts()
        assert sorted(received(site, *ids)) == sorted(ids)
        assert set(here.values()) <= set(site.sealed())
        context.close()


def launched(browser: Browser, profile: Path) -> BrowserContext:
    """A Chromium of its own on this profile."""
    return browser.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=["--no-sandbox"], headless=True
    )


def killed(profile: Path) -> None:
    """SIGKILL to the browser that uses this profile, as an empty battery would; gone, with all its processes, afterwards."""
    for number in range(2_000):
        mine = [process for process in Path("/proc").iterdir() if process.name.isdigit() and uses(process, profile)]
        if not mine:
            return
        if number == 0:
            for process in mine:
                with suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
        Event().wait(0.01)
    raise AssertionError("the browser lives on")


def uses(process: Path, profile: Path) -> bool:
    try:
        return f"--user-data-dir={profile}".encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
