"""Failures at every request, before and after the server got it, and at every database write.

A small day (a visit with photos, a removal with a photo and a note) is repeated once for each request or write, which
then fails. Whatever fails: everything that was saved arrives once, with its bytes.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.phone import Phone, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RUN_DAY = """
    window.saved = {};
    window.day = (async () => {
        const [drafts, attachments, outbox, removal, sync] = await Promise.all(["drafts", "attachments", "outbox", "removal", "sync"].map(core));
        const bytes = (n) => new Blob([crypto.getRandomValues(new Uint8Array(n))], {type: "image/jpeg"});
        const attach = async (owner, n) => { const file = await attachments.addAttachment({...owner, blob: bytes(n)}); window.saved[file.id] = file.sha256; };
        const draft = await drafts.openDraft({checklist: "voting", commission: "KZ-1-1-1", fresh: true});
        await drafts.setAnswer(draft, "V03", "yes");
        await attach({draft}, 40000);
        await attach({draft}, 50000);
        await outbox.saveReport(draft); window.saved[draft] = "report";
        const removed = await removal.reportRemoval({}); window.saved[removed] = "report";
        await attach({report: removed}, 60000);
        window.saved[await outbox.addNote(removed, "He took my badge")] = "note";
        await sync.sync("user"); await sync.sync("user");
    })().then(() => "whole", (error) => error.code ?? String(error));
"""
SEND_REST = """
    const {listRecords, runTransaction} = await core("database"); const {sync} = await core("sync"); const {saveReport} = await core("outbox");
    for (const draft of await listRecords("drafts")) await saveReport(draft.id);
    for (let n = 0; n < 12; n += 1) {
        await runTransaction(["reports", "files", "errands", "meta"], async (tx) => {
            await tx.objectStore("meta").delete("pause");
            for (const name of ["reports", "files", "errands"]) for (const one of await tx.objectStore(name).getAll())
                await tx.objectStore(name).put({...one, next_at: 0}); });
        if ((await sync("user")).left === 0) break;
    }
    return {outbox: (await (await core("outbox")).getOutbox()).counts, reports: (await listRecords("reports")).map((one) => one.id)};
"""
EMPTY_COUNTS = {"waiting": 0, "refused": 0, "conflict": 0, "files": 0, "files_refused": 0, "requests": 0, "bytes": 0}
FAIL_AFTER_WRITES = """(after) => { const begin = IDBDatabase.prototype.transaction; let writes = 0;
    IDBDatabase.prototype.transaction = function (names, mode, options) {
        if (mode === "readwrite" && (writes += 1) > after) throw new Error("the battery is empty");
        return begin.call(this, names, mode, options); };
    window.writes = () => writes; }"""


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Phone]:
    context = browser.new_context()
    phone = Phone(context, site)
    phone.enrol()
    yield phone
    context.close()


class RequestFailure:
    """Fails the `place`-th API request: the server does not get it, or its response is lost."""

    def __init__(self, place: int, *, is_received: bool) -> None:
        self.left, self.is_received = place, is_received

    def __call__(self, route: Route) -> None:
        self.left -= 1
        if self.left == 0:
            if self.is_received:
                route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()


def assert_all_arrived(site: Site, ends: list[Any], saved: dict[str, str]) -> None:
    """Everything saved on all days is on the server once; nothing waits on the phone."""
    assert [end["outbox"] for end in ends] == [EMPTY_COUNTS] * len(ends)
    state = site.load_state()
    held = [row["id"] for row in state["reports"]]
    assert len(held) == len(set(held))
    stored = {file["id"]: file["sha256"] for file in state["files"] if file["state"] == "stored"}
    sealed = site.sealed_files()
    for name, digest in saved.items():
        if digest == "report":
            assert name in held
        elif digest == "note":
            assert name in state["notes"]
        else:
            assert stored[name] == digest
            assert digest in sealed
    assert {name for end in ends for name in end["reports"]} <= set(held)


@pytest.mark.parametrize("is_received", [False, True], ids=["the request is lost", "the response is lost"])
def test_the_network_fails_at_every_request(phone: Phone, site: Site, is_received: bool):
    ends, saved, place = [], {}, 0
    while True:
        place += 1
        failure = RequestFailure(place, is_received=is_received)
        phone.context.route("**/api/v1/**", failure)
        phone.run_js(RUN_DAY)
        assert phone.page.evaluate("window.day") == "whole"
        phone.context.unroute("**/api/v1/**")
        ends.append(phone.run_js(SEND_REST))
        saved |= phone.page.evaluate("window.saved")
        if failure.left > 0:
            break
    assert place > 8  # requests of one such day
    assert_all_arrived(site, ends, saved)


@pytest.mark.once
def test_the_phone_fails_at_every_write(phone: Phone, site: Site):
    ends, saved, place = [], {}, 0
    while True:
        phone.page.evaluate(FAIL_AFTER_WRITES, place)
        phone.run_js(RUN_DAY)
        outcome = phone.page.evaluate("window.day")
        saved |= phone.page.evaluate("window.saved")
        writes = phone.page.evaluate("window.writes()")
        phone.page.close()
        phone.page = phone.open_page()
        ends.append(phone.run_js(SEND_REST))
        if outcome == "whole" and writes <= place:
            break
        place += 1
    assert place > 20  # writes of one such day
    assert_all_arrived(site, ends, saved)
