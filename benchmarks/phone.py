"""`python -m benchmarks.phone` prints what the phone client costs: bytes of the first visit, time to the day, time to save.

A cheap phone is emulated in Chromium: the processor six times slower, the network slow 3G (400 ms, 50 kB/s). Bytes are
counted on the wire, by a relay between browser and server, the service worker's own requests included. Headers are
told apart: before a real deployment stands a proxy that speaks HTTP/2, which packs them.
"""

import csv
import os
import re
import socket
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.__main__ import conditions, start
from scripts import services
from tests.support.deployment import Deployment

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SLOWDOWN = 6
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
VISIT_BYTES, DAY_SECONDS, SAVE_SECONDS = 150_000, 1.0, 0.1  # limits
STATIONS, REPORTS, RUNS, ANSWERS = 300, 40, 7, 60
SLUG = "bench-phone"
# When the day is there: drawn with its rows, by the page's own clock from the start of the navigation.
WATCH = """new MutationObserver((_, watching) => {
    if (!document.querySelector("main[data-screen=day] li")) return;
    watching.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.dayAt = performance.now() }));
}).observe(document, {childList: true, subtree: true, attributes: true})"""
FILL = """async ([commission, count]) => {
    const [drafts, outbox, store] = await Promise.all(["reporting/drafts", "reporting/outbox", "store/store"].map((name) => import(`/phone/files/core/${name}.js`)));
    for (let n = 0; n < count; n += 1) {
        const id = await drafts.draftOpen({checklist: "voting", commission, fresh: true});
        await drafts.answerSet(id, "V03", "no");
        await outbox.save(id);
    }
    await store.metaSet("rehearsal_later", true);
}"""
ACCEPT = """async () => {
    const [enrolment, reference] = await Promise.all(["identity/enrolment", "reference/reference"].map((name) => import(`/phone/files/core/${name}.js`)));
    await reference.refresh();
    const { document, version } = (await reference.me()).consent;
    await enrolment.consentGive(document, version);
}"""
SAVE = """async ([commission, count]) => {
    const [drafts, outbox] = await Promise.all(["reporting/drafts", "reporting/outbox"].map((name) => import(`/phone/files/core/${name}.js`)));
    const timed = async (work) => { const began = performance.now(); await work(); return (performance.now() - began) / 1000; };
    const id = await drafts.draftOpen({checklist: "voting", commission, fresh: true}); const answers = [];
    for (let n = 0; n < count; n += 1) answers.push(await timed(() => drafts.answerSet(id, "V04", n % 2 ? "yes" : "no")));
    return {answers, report: await timed(() => outbox.save(id))};
}"""


class Wire:
    """Relays a port of its own to `port` and counts what comes back: `content`, and `headers` as HTTP/1.1 writes them."""

    def __init__(self, port: int) -> None:
        self.target, self.content, self.headers = port, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            browser, _address = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._up, args=(browser, server), daemon=True).start()
            threading.Thread(target=self._down, args=(server, browser), daemon=True).start()

    def _up(self, browser: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := browser.recv(65_536):
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, browser: socket.socket) -> None:
        head, left = b"", 0  # of an answer's headers what came; of its content what is still to come
        with suppress(OSError):
            while piece := server.recv(65_536):
                browser.sendall(piece)
                while piece:
                    if left:
                        taken = min(left, len(piece))
                        self.content += taken
                        left, piece = left - taken, piece[taken:]
                        continue
                    before, end, piece = (head + piece).partition(b"\r\n\r\n")
                    head = before if not end else b""
                    if end:
                        self.headers += len(before) + len(end)
                        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", before)
                        left = int(length[1]) if length and b" 304 " not in before[:16] else 0
            browser.shutdown(socket.SHUT_WR)


@contextmanager
def platform(folder: Path) -> Iterator[tuple[int, str, str]]:
    """An embedded deployment with Kazakhstan's pack and one observer: its port, an enrolment code, a station."""
    deployment = Deployment(folder)
    today = datetime.now(UTC).date().isoformat()
    deployment.must("migrate", "-v0")
    deployment.must("create_election", SLUG, "--name", "Бенчмарк", "--date", today, "--pack", "kz")
    station = "KZ-59-01-0001"
    rows = [
        ("KZ", "", "central", "ЦИК"),
        ("KZ-59", "KZ", "region", "Область"),
        ("KZ-59-01", "KZ-59", "district", "Район"),
    ]
    rows += [
        (f"KZ-59-01-{n:04}", "KZ-59-01", "precinct", f"Избирательный участок № {n}, средняя школа")
        for n in range(1, STATIONS + 1)
    ]
    table(folder / "places.csv", [("code", "parent", "level", "name_ru"), *rows])
    deployment.must("import_commissions", folder / "places.csv", "--election", SLUG)
    observer = ("OB-2222", "Имя", "+77010000000", "ru", "org", station)
    table(folder / "observers.csv", [("code", "name", "phone", "language", "organisation", "commissions"), observer])
    deployment.must("import_observers", folder / "observers.csv", "--election", SLUG)
    code = deployment.must("enrol", "OB-2222").split()[-1]
    port = services.free_port()
    with ExitStack() as stack:
        start(stack, [sys.executable, "-m", "config.serve"], deployment.environment | {"PORT": str(port)})
        services.wait_for(lambda: services.accepts(port), "the web server")
        yield port, code, station


def table(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def until(page: Page, true: str) -> None:
    for _ in range(6_000):
        if page.evaluate(true):
            return
        page.wait_for_timeout(10)
    raise TimeoutError(f"{true}: {page.url} {page.evaluate('document.body.innerText')}")


def line(name: str, said: str, limit: str, held: bool) -> bool:
    print(f"{name:<44} {said:<34} limit {limit:<12} {'held' if held else 'EXCEEDED'}", flush=True)
    return held


def slow(tools: CDPSession) -> None:
    tools.send("Network.enable")
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    tools.send("Network.emulateNetworkConditions", SLOW_3G)


def first_visit(page: Page, wire: Wire) -> bool:
    page.goto(f"http://localhost:{wire.port}/phone/")
    until(page, "navigator.serviceWorker.controller !== null")
    held = line("first visit, all content", f"{wire.content:,} bytes", f"{VISIT_BYTES:,}", wire.content <= VISIT_BYTES)
    print(f"{'and its headers, as HTTP/1.1 writes them':<44} {wire.headers:,} bytes", flush=True)
    return held


def first_screen(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    slow(context.new_cdp_session(page))
    page.goto(f"{address}/phone/")
    until(page, "document.querySelector('main[data-screen] h1') !== null")
    seconds = page.evaluate("performance.now() / 1000")
    print(f"{'first visit to the first screen, slow 3G, 6x':<44} {seconds:.1f} s", flush=True)
    context.close()


def day(page: Page, address: str) -> bool:
    taken = []
    for _ in range(RUNS):
        page.goto("about:blank")
        page.goto(f"{address}/phone/#/day", wait_until="commit")
        until(page, "window.dayAt > 0")
        taken.append(page.evaluate("window.dayAt / 1000"))
    said = f"median {statistics.median(taken):.2f} s, worst {max(taken):.2f} s"
    return line(
        "later start to the day, slow 3G, 6x", said, f"{DAY_SECONDS} s", statistics.median(taken) <= DAY_SECONDS
    )


def save(page: Page, station: str) -> bool:
    found = page.evaluate(SAVE, [station, ANSWERS])
    answers = sorted(found["answers"])
    said = f"median {statistics.median(answers) * 1000:.0f} ms, p95 {answers[int(ANSWERS * 0.95)] * 1000:.0f} ms"
    held = answers[int(ANSWERS * 0.95)] <= SAVE_SECONDS
    line("an answer written down, 6x", said, f"{SAVE_SECONDS * 1000:.0f} ms", held)
    print(f"{'a report saved, 6x':<44} {found['report'] * 1000:.0f} ms", flush=True)
    return held


def main() -> int:
    conditions()
    with (
        tempfile.TemporaryDirectory() as folder,
        platform(Path(folder)) as (port, code, station),
        sync_playwright() as tools,
    ):
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        wire = Wire(port)
        address = f"http://localhost:{wire.port}"
        context = browser.new_context()
        page = context.new_page()
        held = [first_visit(page, wire)]
        first_screen(browser, address)
        enrolled = page.evaluate(
            "(code) => import('/phone/files/core/identity/enrolment.js').then((m) => m.enrol(code))", code
        )
        assert enrolled == {"ok": True}, enrolled
        page.evaluate(ACCEPT)
        page.evaluate(FILL, [station, REPORTS])
        page.add_init_script(WATCH)
        slow(context.new_cdp_session(page))
        held += [day(page, address), save(page, station)]
        browser.close()
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
