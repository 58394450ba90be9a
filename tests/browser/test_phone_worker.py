"""Without a network, across versions, in the background, and on a phone that is full."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.phone import BLANK, Phone, Site

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]
STARTED = "() => { window.started = import('/phone/files/core/identity/start.js').then((m) => m.start()) }"
KEPT = """async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("baqylau-")); const found = {};
    for (const name of names) found[name] = (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname);
    return found; }"""


def start(phone: Phone) -> None:
    phone.page.evaluate(STARTED)
    phone.page.evaluate("window.started")
    phone.until("navigator.serviceWorker.controller !== null")


def mirrors(site: Site, *origins: str) -> None:
    site.deployment.python(f"from observer.models import Election\nElection.objects.update(mirrors={list(origins)!r})")


class TestWithoutANetwork:
    def test_the_client_starts_from_what_is_kept(self, phone: Phone, site: Site):
        phone.enrol()
        start(phone)
        mine = phone.write()
        phone.sync()
        site.stop()
        try:
            phone.page.goto(f"{site.address}/phone/")
            assert phone.page.evaluate("document.querySelector('script').src").endswith("/main.js")
            page = phone.open()
            assert phone.call("reference", "me", page=page)["election"]["slug"] == "test-2022"
            assert phone.report(mine)["state"] == "received"
            assert [row["checklist"]["code"] for row in phone.call("day", "day", page=page)] == [
                "opening",
                "voting",
                "incident",
            ]
            (near, *_rest) = phone.call("stations", "stationsNear", {"lat": 43.25, "lon": 76.95}, page=page)
            assert near["distance"] == 0
            other = phone.write()
            assert phone.sync()["problem"] == "no_answer"
            assert phone.report(other)["state"] == "waiting"
        finally:
            site.start()
        phone.sync("online")
        assert phone.report(other)["state"] == "received"

    def test_what_only_the_shutdown_needs_is_kept_once_there_is_an_observer(self, phone: Phone):
        start(phone)
        phone.until(f"({KEPT})().then((kept) => Object.values(kept)[0]?.includes('/phone/'))")
        (kept,) = phone.page.evaluate(KEPT).values()
        assert "/phone/files/vendor/age.js" not in kept
        phone.enrol()
        phone.until(f"({KEPT})().then((kept) => Object.values(kept)[0].includes('/phone/files/vendor/age.js'))")


class TestANewVersion:
    def test_it_waits_until_it_is_taken_and_leaves_a_full_outbox_as_it_was(self, phone: Phone, site: Site):
        phone.enrol()
        start(phone)
        before = phone.call("surroundings", "surroundings")
        assert before["version"] and not before["update"]
        phone.context.route("**/api/v1/reports/batch", lambda route: route.abort())
        ids = [phone.write(photos=1) for _ in range(5)]
        here = phone.hashes()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1", "fresh": True})
        phone.call("drafts", "answerSet", draft, "X07", "half written")
        mirrors(site, "https://mirror.example")
        phone.page.evaluate("navigator.serviceWorker.getRegistration('/phone/').then((one) => one.update())")
        phone.until("navigator.serviceWorker.getRegistration('/phone/').then((one) => one.waiting !== null)")
        assert phone.call("surroundings", "surroundings") | {
            "version": before["version"],
            "update": True,
        } == phone.call("surroundings", "surroundings")
        phone.page.evaluate("window.old = true")
        with phone.page.expect_event("load"):
            phone.call("surroundings", "updateTake")
        assert phone.page.evaluate("window.old === undefined")
        after = phone.call("surroundings", "surroundings")
        assert after["version"] != before["version"]
        assert list(phone.page.evaluate(KEPT)) == [f"baqylau-{after['version']}"]
        assert phone.hashes() == here
        assert phone.call("drafts", "draft", draft)["answers"] == {"X07": "half written"}
        phone.context.unroute("**/api/v1/reports/batch")
        phone.sync("user")
        assert [phone.report(one)["state"] for one in ids] == ["received"] * 5
        assert set(here.values()) <= set(site.sealed())

    def test_a_page_is_not_loaded_again_while_a_photo_is_being_kept(self, phone: Phone):
        phone.enrol()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.page.evaluate(
            """(draft) => { window.order = []; Promise.all(["reporting/files", "store/store"].map((n) => import(`/phone/files/core/${n}.js`)))
            .then(([files, store]) => {
              files.fileAdd({draft, blob: new Blob([new Uint8Array(9_000_000)], {type: "video/mp4"})}).then(() => window.order.push("kept"));
              store.settled().then(() => window.order.push("settled")); }) }""",
            draft,
        )
        phone.until("window.order.length === 2")
        assert phone.page.evaluate("window.order") == ["kept", "settled"]


class TestTheServiceWorkerSends:
    def test_after_every_page_was_closed(self, phone: Phone, site: Site):
        phone.enrol()
        phone.page.evaluate(
            "() => navigator.serviceWorker.register('/phone/sw.js?module', {scope: '/phone/', type: 'module'})"
            ".then(() => navigator.serviceWorker.ready)"
        )
        phone.context.route("**/api/v1/reports/batch", lambda route: route.abort())
        mine = phone.write(photos=2)
        here = phone.hashes()
        phone.page.close()
        page = phone.context.new_page()
        page.goto(f"{site.address}{BLANK}")  # nothing runs on it but the tools that wake the worker
        phone.context.unroute("**/api/v1/reports/batch")
        tools = phone.context.new_cdp_session(page)
        seen: list[Any] = []
        tools.on("ServiceWorker.workerRegistrationUpdated", lambda event: seen.extend(event["registrations"]))
        tools.send("ServiceWorker.enable")
        phone.page = page
        phone.wait(lambda: bool(seen))
        wake = {
            "origin": site.address,
            "registrationId": seen[-1]["registrationId"],
            "tag": "outbox",
            "lastChance": False,
        }
        count = "import('/phone/files/core/reporting/outbox.js').then((m) => m.outbox()).then((o) => o.counts.waiting + o.counts.files)"

        def sent() -> bool:
            tools.send("ServiceWorker.dispatchSyncEvent", wake)  # as the browser does, again and again
            page.wait_for_timeout(500)
            return page.evaluate(count) == 0

        phone.wait(sent)
        (row,) = [row for row in site.state()["reports"] if row["id"] == mine]
        assert row["id"] == mine
        assert set(here.values()) <= set(site.sealed())


class TestAFullPhone:
    """The quota is set before the first write: Chromium remembers for a while how much was left."""

    @pytest.fixture
    def small(self, browser: Browser, site: Site) -> Iterator[Phone]:
        context = browser.new_context()
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("Storage.overrideQuotaForOrigin", {"origin": site.address, "quotaSize": 14_000_000})
        yield Phone(context, site)
        context.close()

    def add(self, phone: Phone, draft: str, size: int) -> Any:
        return phone.js(
            """const {fileAdd} = await core("files"); const bytes = new Uint8Array(given[1]);
            for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
            try { return (await fileAdd({draft: given[0], blob: new Blob([bytes], {type: "video/mp4"})})).id; }
            catch (error) { return error.code; }""",
            [draft, size],
        )

    def drafted(self, phone: Phone) -> str:
        return phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1", "fresh": True})

    def test_a_file_that_does_not_fit_is_said_not_to_be_kept_and_reports_are_still_written(
        self, small: Phone, site: Site
    ):
        small.enrol()
        small.call("storage", "reserve")
        drafts, kept = [self.drafted(small) for _ in range(2)], []
        assert self.add(small, drafts[0], 30_000_000) == "storage_full"
        for draft, size in zip(drafts, (1_000_000, 100_000), strict=True):
            while (one := self.add(small, draft, size)) != "storage_full":
                assert one != "too_many_files"
                kept.append(one)
        assert small.call("surroundings", "surroundings")["low"] is True
        assert sorted(file["id"] for draft in drafts for file in small.call("files", "filesOf", draft)) == sorted(kept)
        small.context.set_offline(True)
        ids = []
        while small.call("store", "get", "blobs", "ballast") is not None or len(ids) % 20:
            ids.append(small.write(comment="word " * 3800))
            assert isinstance(ids[-1], str)
        assert [small.call("outbox", "save", draft) for draft in drafts] == drafts
        urgent = small.call("removal", "removed", {})
        assert self.add(small, self.drafted(small), 1_000) == "storage_full"  # what room there is now is for reports
        small.context.set_offline(False)
        small.sync("online")
        assert {small.report(one)["state"] for one in [*ids, *drafts, urgent]} == {"received"}
        stored = {file["id"]: file["sha256"] for file in site.state()["files"] if file["state"] == "stored"}
        assert {stored[one] for one in kept} <= site.sealed().keys()

    def test_what_the_server_has_makes_room_and_what_waits_stays(self, small: Phone, site: Site):
        small.enrol()
        small.call("storage", "reserve")
        sent = self.drafted(small)
        stored = [self.add(small, sent, 2_000_000) for _ in range(3)]
        small.call("outbox", "save", sent)
        small.sync()
        assert small.counts()["files"] == 0
        draft = self.drafted(small)
        new: list[str] = []
        for _ in range(40):
            # A browser frees what was let go when nothing on the page remembers it: until then it says so, and keeps nothing.
            if len(new) < 4 and (one := self.add(small, draft, 2_000_000)) != "storage_full":
                new.append(one)
        assert len(new) == 4
        files = {file["id"]: file for file in small.call("store", "all", "files")}
        assert [files[one].get("let_go") for one in stored] == [True] * 3
        assert [files[one].get("let_go") for one in new] == [None] * 4
        assert {files[one]["sha256"] for one in stored} <= set(site.sealed())
        small.call("outbox", "save", draft)
        small.sync()
        assert {files[one]["sha256"] for one in new} <= set(site.sealed())
