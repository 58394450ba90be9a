"""Crashes of the server and the browser: every saved report arrives once."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.conftest import CHROMIUM
from tests.browser.phone import Phone, Site, stored_ids

pytestmark = [pytest.mark.browser, pytest.mark.slow]


API = "**/api/v1"


class TestServerCrash:
    def test_during_batches_and_pieces(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        ids = [phone.write_report(photos=1) for _ in range(30)]
        here = phone.hash_files()
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
            phone.wait_until(lambda seen=seen: bool(seen))
            site.stop(signal.SIGKILL)
            phone.page.evaluate("window.done")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(site.start).result()
        phone.sync("online")
        assert phone.outbox_counts() | {"waiting": 0, "files": 0} == phone.outbox_counts()
        assert sorted(stored_ids(site, *ids)) == sorted(ids)
        assert set(here.values()) <= set(site.sealed_files())


@pytest.mark.once
class TestBrowserCrash:
    def test_while_photos_are_stored(self, browser: Browser, site: Site, tmp_path: Path):
        """Every file reported as stored survives the kill with its bytes; nothing is stored partly."""
        profile = tmp_path / "profile"
        context = launch_browser(browser, profile)
        phone = Phone(context, site)
        phone.enrol()
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.call("drafts", "setAnswer", draft, "X07", "written before the battery died")
        phone.page.evaluate(
            """(draft) => { window.kept = []; import('/phone/files/core/reporting/attachments.js').then(async ({addAttachment}) => {
            for (let n = 0; n < 10; n += 1) {
              const bytes = new Uint8Array(6_000_000); for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
              const file = await addAttachment({draft, blob: new Blob([bytes], {type: 'video/mp4'}), source: 'camera'});
              window.kept.push([file.id, file.sha256]);
            } }) }""",
            draft,
        )
        phone.wait_for_js("window.kept.length >= 3")
        promised = dict(phone.page.evaluate("window.kept"))
        kill_browser(profile)

        context = launch_browser(browser, profile)
        phone = Phone(context, site)
        assert phone.call("drafts", "getDraft", draft)["answers"] == {"X07": "written before the battery died"}
        assert phone.call("outbox", "saveReport", draft) == draft
        here = phone.hash_files()
        assert promised.items() <= here.items()
        phone.sync("start")
        assert phone.get_report(draft)["state"] == "received"
        assert phone.outbox_counts()["files"] == 0
        assert set(here.values()) <= set(site.sealed_files())
        context.close()

    def test_while_sending(self, browser: Browser, site: Site, tmp_path: Path):
        profile = tmp_path / "profile"
        context = launch_browser(browser, profile)
        phone = Phone(context, site)
        phone.enrol()
        context.set_offline(True)
        ids = [phone.write_report(photos=3) for _ in range(8)]
        here = phone.hash_files()
        context.set_offline(False)
        for _ in range(2):
            seen: list[str] = []
            phone.page.on(
                "request",
                lambda request, seen=seen: seen.append(request.method) if "/evidence/" in request.url else None,
            )
            phone.page.evaluate("() => { import('/phone/files/core/send/sync.js').then((m) => m.sync('online')) }")
            phone.wait_until(lambda seen=seen: len(seen) >= 3)
            kill_browser(profile)
            context = launch_browser(browser, profile)
            phone = Phone(context, site)
        phone.sync("start")
        assert phone.outbox_counts() | {"waiting": 0, "files": 0} == phone.outbox_counts()
        assert sorted(stored_ids(site, *ids)) == sorted(ids)
        assert set(here.values()) <= set(site.sealed_files())
        context.close()


def launch_browser(browser: Browser, profile: Path) -> BrowserContext:
    """Launches a separate Chromium on this profile."""
    return browser.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=["--no-sandbox"], headless=True
    )


def kill_browser(profile: Path) -> None:
    """Kills the browser of this profile (SIGKILL, like an empty battery) and waits for all its processes."""
    for number in range(2_000):
        mine = [
            process for process in Path("/proc").iterdir() if process.name.isdigit() and uses_profile(process, profile)
        ]
        if not mine:
            return
        if number == 0:
            for process in mine:
                with suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
        Event().wait(0.01)
    raise AssertionError("the browser lives on")


def uses_profile(process: Path, profile: Path) -> bool:
    try:
        return f"--user-data-dir={profile}".encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
