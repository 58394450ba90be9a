"""Everything breaks once at every place: each request, before and after the server took it; each write to the database.

The day is small (a visit with photos, a removal with a photo and words that follow) and is gone through as often
as it has places to break at. However it breaks: what was called saved arrives, once, with the bytes it had.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.phone import Phone, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DAY = """
    window.promised = {};
    window.day = (async () => {
        const [drafts, files, outbox, removal, sync] = await Promise.all(["drafts", "files", "outbox", "removal", "sync"].map(core));
        const bytes = (n) => new Blob([crypto.getRandomValues(new Uint8Array(n))], {type: "image/jpeg"});
        const kept = async (owner, n) => { const file = await files.fileAdd({...owner, blob: bytes(n)}); window.promised[file.id] = file.sha256; };
        const draft = await drafts.draftOpen({checklist: "voting", commission: "KZ-1-1-1", fresh: true});
        await drafts.answerSet(draft, "V03", "yes");
        await kept({draft}, 40000);
        await kept({draft}, 50000);
        await outbox.save(draft); window.promised[draft] = "report";
        const thrown = await removal.removed({}); window.promised[thrown] = "report";
        await kept({report: thrown}, 60000);
        window.promised[await outbox.note(thrown, "He took my badge")] = "note";
        await sync.sync("user"); await sync.sync("user");
    })().then(() => "whole", (error) => error.code ?? String(error));
"""
END = """
    const {all, transact} = await core("store"); const {sync} = await core("sync"); const {save} = await core("outbox");
    for (const draft of await all("drafts")) await save(draft.id);
    for (let n = 0; n < 12; n += 1) {
        await transact(["reports", "files", "errands", "meta"], async (tx) => {
            await tx.objectStore("meta").delete("pause");
            for (const name of ["reports", "files", "errands"]) for (const one of await tx.objectStore(name).getAll())
                await tx.objectStore(name).put({...one, next_at: 0}); });
        if ((await sync("user")).left === 0) break;
    }
    return {outbox: (await (await core("outbox")).outbox()).counts, reports: (await all("reports")).map((one) => one.id)};
"""
DONE = {"waiting": 0, "refused": 0, "conflict": 0, "files": 0, "files_refused": 0, "errands": 0, "bytes": 0}
DIES = """(after) => { const begin = IDBDatabase.prototype.transaction; let writes = 0;
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


class Breaks:
    """The `place`-th request to the API breaks: the server never hears of it, or its answer is lost."""

    def __init__(self, place: int, *, heard: bool) -> None:
        self.left, self.heard = place, heard

    def __call__(self, route: Route) -> None:
        self.left -= 1
        if self.left == 0:
            if self.heard:
                route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()


def check(site: Site, ends: list[Any], promised: dict[str, str]) -> None:
    """What was promised on all these days is with the server, once; and nothing waits on the phone."""
    assert [end["outbox"] for end in ends] == [DONE] * len(ends)
    state = site.state()
    held = [row["id"] for row in state["reports"]]
    assert len(held) == len(set(held))
    stored = {file["id"]: file["sha256"] for file in state["files"] if file["state"] == "stored"}
    sealed = site.sealed()
    for name, digest in promised.items():
        if digest == "report":
            assert name in held
        elif digest == "note":
            assert name in state["notes"]
        else:
            assert stored[name] == digest
            assert digest in sealed
    assert {name for end in ends for name in end["reports"]} <= set(held)


@pytest.mark.parametrize("heard", [False, True], ids=["the request is lost", "the answer is lost"])
def test_the_network_breaks_at_every_request(phone: Phone, site: Site, heard: bool):
    ends, promised, place = [], {}, 0
    while True:
        place += 1
        breaks = Breaks(place, heard=heard)
        phone.context.route("**/api/v1/**", breaks)
        phone.js(DAY)
        assert phone.page.evaluate("window.day") == "whole"
        phone.context.unroute("**/api/v1/**")
        ends.append(phone.js(END))
        promised |= phone.page.evaluate("window.promised")
        if breaks.left > 0:
            break
    assert place > 8  # requests of one such day
    check(site, ends, promised)


@pytest.mark.once
def test_the_phone_dies_at_every_write(phone: Phone, site: Site):
    ends, promised, place = [], {}, 0
    while True:
        phone.page.evaluate(DIES, place)
        phone.js(DAY)
        outcome = phone.page.evaluate("window.day")
        promised |= phone.page.evaluate("window.promised")
        writes = phone.page.evaluate("window.writes()")
        phone.page.close()
        phone.page = phone.open()
        ends.append(phone.js(END))
        if outcome == "whole" and writes <= place:
            break
        place += 1
    assert place > 20  # writes of one such day
    check(site, ends, promised)
