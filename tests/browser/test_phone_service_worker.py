"""The service worker: offline start, new versions, background sync, full storage."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.phone import BLANK_PAGE, Phone, Site

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]
START_APP = "() => { window.started = import('/phone/files/core/identity/startup.js').then((m) => m.startApp()) }"
LIST_CACHES = """async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("baqylau-")); const found = {};
    for (const name of names) found[name] = (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname);
    return found; }"""


def start_app(phone: Phone) -> None:
    phone.page.evaluate(START_APP)
    phone.page.evaluate("window.started")
    phone.wait_for_js("navigator.serviceWorker.controller !== null")


def set_mirrors(site: Site, *origins: str) -> None:
    site.deployment.run_script(
        f"from observer.models import Election\nElection.objects.update(mirrors={list(origins)!r})"
    )


class TestOffline:
    def test_the_client_starts_from_the_cache(self, phone: Phone, site: Site):
        phone.enrol()
        start_app(phone)
        mine = phone.write_report()
        phone.sync()
        site.stop()
        try:
            phone.page.goto(f"{site.address}/phone/")
            assert phone.page.evaluate("document.querySelector('script').src").endswith("/main.js")
            page = phone.open_page()
            assert phone.call("reference", "getMe", page=page)["election"]["slug"] == "test-2022"
            assert phone.get_report(mine)["state"] == "received"
            assert [row["checklist"]["code"] for row in phone.call("day_overview", "getDayOverview", page=page)] == [
                "opening",
                "voting",
                "incident",
            ]
            (near, *_rest) = phone.call("stations", "findNearestStations", {"lat": 43.25, "lon": 76.95}, page=page)
            assert near["distance"] == 0
            other = phone.write_report()
            assert phone.sync()["problem"] == "no_answer"
            assert phone.get_report(other)["state"] == "waiting"
        finally:
            site.start()
        phone.sync("online")
        assert phone.get_report(other)["state"] == "received"

    def test_files_for_a_shutdown_are_cached_after_enrolment(self, phone: Phone):
        start_app(phone)
        phone.wait_for_js(f"({LIST_CACHES})().then((kept) => Object.values(kept)[0]?.includes('/phone/'))")
        (kept,) = phone.page.evaluate(LIST_CACHES).values()
        assert "/phone/files/vendor/age.js" not in kept
        phone.enrol()
        phone.wait_for_js(
            f"({LIST_CACHES})().then((kept) => Object.values(kept)[0].includes('/phone/files/vendor/age.js'))"
        )


class TestNewVersion:
    def test_it_waits_for_activation_and_keeps_a_full_outbox(self, phone: Phone, site: Site):
        phone.enrol()
        start_app(phone)
        before = phone.call("environment", "getEnvironment")
        assert before["version"] and not before["update"]
        phone.context.route("**/api/v1/reports/batch", lambda route: route.abort())
        ids = [phone.write_report(photos=1) for _ in range(5)]
        here = phone.hash_files()
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1", "fresh": True})
        phone.call("drafts", "setAnswer", draft, "X07", "half written")
        set_mirrors(site, "https://mirror.example")
        phone.page.evaluate("navigator.serviceWorker.getRegistration('/phone/').then((one) => one.update())")
        phone.wait_for_js("navigator.serviceWorker.getRegistration('/phone/').then((one) => one.waiting !== null)")
        assert phone.call("environment", "getEnvironment") | {
            "version": before["version"],
            "update": True,
        } == phone.call("environment", "getEnvironment")
        phone.page.evaluate("window.old = true")
        with phone.page.expect_event("load"):
            phone.call("environment", "activateUpdate")
        assert phone.page.evaluate("window.old === undefined")
        after = phone.call("environment", "getEnvironment")
        assert after["version"] != before["version"]
        assert list(phone.page.evaluate(LIST_CACHES)) == [f"baqylau-{after['version']}"]
        assert phone.hash_files() == here
        assert phone.call("drafts", "getDraft", draft)["answers"] == {"X07": "half written"}
        phone.context.unroute("**/api/v1/reports/batch")
        phone.sync("user")
        assert [phone.get_report(one)["state"] for one in ids] == ["received"] * 5
        assert set(here.values()) <= set(site.sealed_files())

    def test_a_page_does_not_reload_while_a_photo_is_being_stored(self, phone: Phone):
        phone.enrol()
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.page.evaluate(
            """(draft) => { window.order = []; Promise.all(["reporting/attachments", "store/database"].map((n) => import(`/phone/files/core/${n}.js`)))
            .then(([attachments, database]) => {
              attachments.addAttachment({draft, blob: new Blob([new Uint8Array(9_000_000)], {type: "video/mp4"})}).then(() => window.order.push("kept"));
              database.waitForPending().then(() => window.order.push("settled")); }) }""",
            draft,
        )
        phone.wait_for_js("window.order.length === 2")
        assert phone.page.evaluate("window.order") == ["kept", "settled"]


class TestServiceWorkerSends:
    def test_after_every_page_was_closed(self, phone: Phone, site: Site):
        phone.enrol()
        phone.page.evaluate(
            "() => navigator.serviceWorker.register('/phone/sw.js?module', {scope: '/phone/', type: 'module'})"
            ".then(() => navigator.serviceWorker.ready)"
        )
        phone.context.route("**/api/v1/reports/batch", lambda route: route.abort())
        mine = phone.write_report(photos=2)
        here = phone.hash_files()
        phone.page.close()
        page = phone.context.new_page()
        page.goto(f"{site.address}{BLANK_PAGE}")  # a page without scripts; DevTools wake the worker
        phone.context.unroute("**/api/v1/reports/batch")
        tools = phone.context.new_cdp_session(page)
        seen: list[Any] = []
        tools.on("ServiceWorker.workerRegistrationUpdated", lambda event: seen.extend(event["registrations"]))
        tools.send("ServiceWorker.enable")
        phone.page = page
        phone.wait_until(lambda: bool(seen))
        wake = {
            "origin": site.address,
            "registrationId": seen[-1]["registrationId"],
            "tag": "outbox",
            "lastChance": False,
        }
        count = "import('/phone/files/core/reporting/outbox.js').then((m) => m.getOutbox()).then((o) => o.counts.waiting + o.counts.files)"

        def sent() -> bool:
            tools.send("ServiceWorker.dispatchSyncEvent", wake)  # like the browser, repeatedly
            page.wait_for_timeout(500)
            return page.evaluate(count) == 0

        phone.wait_until(sent)
        (row,) = [row for row in site.load_state()["reports"] if row["id"] == mine]
        assert row["id"] == mine
        assert set(here.values()) <= set(site.sealed_files())


class TestFullStorage:
    """The quota is set before the first write, because Chromium caches the remaining space for a while."""

    @pytest.fixture
    def small(self, browser: Browser, site: Site) -> Iterator[Phone]:
        context = browser.new_context()
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("Storage.overrideQuotaForOrigin", {"origin": site.address, "quotaSize": 14_000_000})
        yield Phone(context, site)
        context.close()

    def add_file(self, phone: Phone, draft: str, size: int) -> Any:
        return phone.run_js(
            """const {addAttachment} = await core("attachments"); const bytes = new Uint8Array(given[1]);
            for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
            try { return (await addAttachment({draft: given[0], blob: new Blob([bytes], {type: "video/mp4"})})).id; }
            catch (error) { return error.code; }""",
            [draft, size],
        )

    def open_draft(self, phone: Phone) -> str:
        return phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1", "fresh": True})

    def test_a_file_without_room_is_refused_and_reports_are_still_saved(self, small: Phone, site: Site):
        small.enrol()
        small.call("storage_space", "initStorageReserve")
        drafts, kept = [self.open_draft(small) for _ in range(2)], []
        assert self.add_file(small, drafts[0], 30_000_000) == "storage_full"
        for draft, size in zip(drafts, (1_000_000, 100_000), strict=True):
            while (one := self.add_file(small, draft, size)) != "storage_full":
                assert one != "too_many_files"
                kept.append(one)
        assert small.call("environment", "getEnvironment")["low"] is True
        assert sorted(
            file["id"] for draft in drafts for file in small.call("attachments", "listAttachments", draft)
        ) == sorted(kept)
        small.context.set_offline(True)
        ids = []
        while small.call("database", "getRecord", "blobs", "ballast") is not None or len(ids) % 20:
            ids.append(small.write_report(comment="word " * 3800))
            assert isinstance(ids[-1], str)
        assert [small.call("outbox", "saveReport", draft) for draft in drafts] == drafts
        urgent = small.call("removal", "reportRemoval", {})
        assert (
            self.add_file(small, self.open_draft(small), 1_000) == "storage_full"
        )  # the remaining room is for reports
        small.context.set_offline(False)
        small.sync("online")
        assert {small.get_report(one)["state"] for one in [*ids, *drafts, urgent]} == {"received"}
        stored = {file["id"]: file["sha256"] for file in site.load_state()["files"] if file["state"] == "stored"}
        assert {stored[one] for one in kept} <= site.sealed_files().keys()

    def test_stored_files_are_evicted_and_waiting_ones_stay(self, small: Phone, site: Site):
        small.enrol()
        small.call("storage_space", "initStorageReserve")
        sent = self.open_draft(small)
        stored = [self.add_file(small, sent, 2_000_000) for _ in range(3)]
        small.call("outbox", "saveReport", sent)
        small.sync()
        assert small.outbox_counts()["files"] == 0
        draft = self.open_draft(small)
        new: list[str] = []
        for _ in range(40):
            # The browser frees evicted bytes once the page has no reference to them; until then the file is refused.
            if len(new) < 4 and (one := self.add_file(small, draft, 2_000_000)) != "storage_full":
                new.append(one)
        assert len(new) == 4
        files = {file["id"]: file for file in small.call("database", "listRecords", "files")}
        assert [files[one].get("let_go") for one in stored] == [True] * 3
        assert [files[one].get("let_go") for one in new] == [None] * 4
        assert {files[one]["sha256"] for one in stored} <= set(site.sealed_files())
        small.call("outbox", "saveReport", draft)
        small.sync()
        assert {files[one]["sha256"] for one in new} <= set(site.sealed_files())
