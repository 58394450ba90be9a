"""`python -m benchmarks.phone` measures the phone client: bytes, start time, save time.

A cheap phone is emulated in Chromium: the processor six times slower, the network slow 3G (400 ms, 50 kB/s). Bytes
are counted on the network, by a proxy between browser and server, with the service worker's own requests. Headers
are shown separately: a real deployment has a proxy that speaks HTTP/2, which compresses them.
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

from benchmarks.__main__ import print_conditions, start_process
from scripts import services
from tests.support.deployment import Deployment

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CPU_SLOWDOWN = 6
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
MAX_VISIT_BYTES, MAX_DAY_SECONDS, MAX_SAVE_SECONDS = 150_000, 1.0, 0.1  # limits
STATIONS, REPORTS, RUNS, ANSWERS = 300, 40, 7, 60
SLUG = "bench-phone"
# Notes when the day's screen is drawn with its rows, by the page's clock from the start of the navigation.
WATCH_SCRIPT = """new MutationObserver((_, watching) => {
    if (!document.querySelector("main[data-screen=day] li")) return;
    watching.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.dayAt = performance.now() }));
}).observe(document, {childList: true, subtree: true, attributes: true})"""
FILL_SCRIPT = """async ([commission, count]) => {
    const [drafts, outbox, database] = await Promise.all(["reporting/drafts", "reporting/outbox", "store/database"].map((name) => import(`/phone/files/core/${name}.js`)));
    for (let n = 0; n < count; n += 1) {
        const id = await drafts.openDraft({checklist: "voting", commission, fresh: true});
        await drafts.setAnswer(id, "V03", "no");
        await outbox.saveReport(id);
    }
    await database.setMeta("rehearsal_later", true);
}"""
ACCEPT_SCRIPT = """async () => {
    const [enrolment, reference] = await Promise.all(["identity/enrolment", "reference/reference"].map((name) => import(`/phone/files/core/${name}.js`)));
    await reference.refreshReference();
    const { document, version } = (await reference.getMe()).consent;
    await enrolment.giveConsent(document, version);
}"""
SAVE_SCRIPT = """async ([commission, count]) => {
    const [drafts, outbox] = await Promise.all(["reporting/drafts", "reporting/outbox"].map((name) => import(`/phone/files/core/${name}.js`)));
    const timed = async (work) => { const began = performance.now(); await work(); return (performance.now() - began) / 1000; };
    const id = await drafts.openDraft({checklist: "voting", commission, fresh: true}); const answers = [];
    for (let n = 0; n < count; n += 1) answers.push(await timed(() => drafts.setAnswer(id, "V04", n % 2 ? "yes" : "no")));
    return {answers, report: await timed(() => outbox.saveReport(id))};
}"""


class CountingProxy:
    """Forwards its own port to `port` and counts the bytes that come back.

    `content_bytes` are those of bodies, `header_bytes` those of headers as HTTP/1.1 writes them.
    """

    def __init__(self, port: int) -> None:
        self.target_port, self.content_bytes, self.header_bytes = port, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            browser, _address = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target_port))
            threading.Thread(target=self._forward_requests, args=(browser, server), daemon=True).start()
            threading.Thread(target=self._forward_responses, args=(server, browser), daemon=True).start()

    def _forward_requests(self, browser: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := browser.recv(65_536):
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _forward_responses(self, server: socket.socket, browser: socket.socket) -> None:
        head, remaining = b"", 0  # the headers so far; the bytes of content still to come
        with suppress(OSError):
            while piece := server.recv(65_536):
                browser.sendall(piece)
                while piece:
                    if remaining:
                        count = min(remaining, len(piece))
                        self.content_bytes += count
                        remaining, piece = remaining - count, piece[count:]
                        continue
                    before, end, piece = (head + piece).partition(b"\r\n\r\n")
                    head = before if not end else b""
                    if end:
                        self.header_bytes += len(before) + len(end)
                        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", before)
                        remaining = int(length[1]) if length and b" 304 " not in before[:16] else 0
            browser.shutdown(socket.SHUT_WR)


@contextmanager
def run_platform(folder: Path) -> Iterator[tuple[int, str, str]]:
    """Runs an embedded deployment with Kazakhstan's pack and one observer.

    Yields its port, an enrolment code and a station.
    """
    deployment = Deployment(folder)
    today = datetime.now(UTC).date().isoformat()
    deployment.run_checked("migrate", "-v0")
    deployment.run_checked("create_election", SLUG, "--name", "Бенчмарк", "--date", today, "--pack", "kz")
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
    write_csv(folder / "places.csv", [("code", "parent", "level", "name_ru"), *rows])
    deployment.run_checked("import_commissions", folder / "places.csv", "--election", SLUG)
    observer = ("OB-2222", "Имя", "+77010000000", "ru", "org", station)
    write_csv(
        folder / "observers.csv", [("code", "name", "phone", "language", "organisation", "commissions"), observer]
    )
    deployment.run_checked("import_observers", folder / "observers.csv", "--election", SLUG)
    code = deployment.run_checked("enrol", "OB-2222").split()[-1]
    port = services.find_free_port()
    with ExitStack() as stack:
        start_process(stack, [sys.executable, "-m", "config.serve"], deployment.environment | {"PORT": str(port)})
        services.wait_for(lambda: services.accepts_connections(port), "the web server")
        yield port, code, station


def write_csv(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def wait_until(page: Page, expression: str) -> None:
    for _ in range(6_000):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(10)
    raise TimeoutError(f"{expression}: {page.url} {page.evaluate('document.body.innerText')}")


def print_result(name: str, text: str, limit: str, is_held: bool) -> bool:
    print(f"{name:<44} {text:<34} limit {limit:<12} {'held' if is_held else 'EXCEEDED'}", flush=True)
    return is_held


def throttle(session: CDPSession) -> None:
    session.send("Network.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    session.send("Network.emulateNetworkConditions", SLOW_3G)


def measure_first_visit(page: Page, proxy: CountingProxy) -> bool:
    page.goto(f"http://localhost:{proxy.port}/phone/")
    wait_until(page, "navigator.serviceWorker.controller !== null")
    is_held = print_result(
        "first visit, all content",
        f"{proxy.content_bytes:,} bytes",
        f"{MAX_VISIT_BYTES:,}",
        proxy.content_bytes <= MAX_VISIT_BYTES,
    )
    print(f"{'and its headers, as HTTP/1.1 writes them':<44} {proxy.header_bytes:,} bytes", flush=True)
    return is_held


def measure_first_screen(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    throttle(context.new_cdp_session(page))
    page.goto(f"{address}/phone/")
    wait_until(page, "document.querySelector('main[data-screen] h1') !== null")
    seconds = page.evaluate("performance.now() / 1000")
    print(f"{'first visit to the first screen, slow 3G, 6x':<44} {seconds:.1f} s", flush=True)
    context.close()


def measure_day(page: Page, address: str) -> bool:
    times = []
    for _ in range(RUNS):
        page.goto("about:blank")
        page.goto(f"{address}/phone/#/day", wait_until="commit")
        wait_until(page, "window.dayAt > 0")
        times.append(page.evaluate("window.dayAt / 1000"))
    text = f"median {statistics.median(times):.2f} s, worst {max(times):.2f} s"
    return print_result(
        "later start to the day, slow 3G, 6x", text, f"{MAX_DAY_SECONDS} s", statistics.median(times) <= MAX_DAY_SECONDS
    )


def measure_save(page: Page, station: str) -> bool:
    found = page.evaluate(SAVE_SCRIPT, [station, ANSWERS])
    answers = sorted(found["answers"])
    text = f"median {statistics.median(answers) * 1000:.0f} ms, p95 {answers[int(ANSWERS * 0.95)] * 1000:.0f} ms"
    is_held = answers[int(ANSWERS * 0.95)] <= MAX_SAVE_SECONDS
    print_result("an answer written down, 6x", text, f"{MAX_SAVE_SECONDS * 1000:.0f} ms", is_held)
    print(f"{'a report saved, 6x':<44} {found['report'] * 1000:.0f} ms", flush=True)
    return is_held


def main() -> int:
    print_conditions()
    with (
        tempfile.TemporaryDirectory() as folder,
        run_platform(Path(folder)) as (port, code, station),
        sync_playwright() as tools,
    ):
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        proxy = CountingProxy(port)
        address = f"http://localhost:{proxy.port}"
        context = browser.new_context()
        page = context.new_page()
        results = [measure_first_visit(page, proxy)]
        measure_first_screen(browser, address)
        enrolled = page.evaluate(
            "(code) => import('/phone/files/core/identity/enrolment.js').then((m) => m.enrolPhone(code))", code
        )
        assert enrolled == {"ok": True}, enrolled
        page.evaluate(ACCEPT_SCRIPT)
        page.evaluate(FILL_SCRIPT, [station, REPORTS])
        page.add_init_script(WATCH_SCRIPT)
        throttle(context.new_cdp_session(page))
        results += [measure_day(page, address), measure_save(page, station)]
        browser.close()
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
