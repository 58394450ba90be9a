"""A phone for tests: a browser's page on a real server in a process of its own, which may be stopped at any moment."""

import copy
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Route

from scripts import services
from tests.support.deployment import ROOT, Deployment, drop_database, on_database

PATIENCE = 60  # seconds
CORE = ROOT / "static/phone/core"
# A module of the client by its name: no two have the same one, whatever their folder.
MODULES = {path.stem: path.relative_to(CORE).as_posix() for path in CORE.rglob("*.js") if path.stem != "background"}
BLANK = "/phone/words/en.json"  # a page of the client's origin and policy on which nothing runs
MAKE = """
from datetime import timedelta
from django.utils import timezone
from observer.models import Assignment
from observer.services.devices.enrolment import enrolment_create
from tests.support.world import World, make_election, make_observer
now = timezone.now()
world = World(make_election(opens_at=now - timedelta(days=2), closes_at=now + timedelta(days=2), date=now.date(), windows={}))
alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
for number in range(60):
    observer = make_observer("OB-T" + alphabet[number // 30] + alphabet[number % 30] + "2", world.organisation)
    Assignment.objects.create(election=world.election, commission=world.tree["KZ-1-1-1"]).observers.add(observer)
    print(observer.code, enrolment_create(observer=observer, election=world.election, now=now), enrolment_create(observer=observer, election=world.election, now=now))
"""
STATE = """
import json
from reports.models import Evidence, Note, Report
rows = Report.objects.select_related("observer").order_by("sequence")
print(json.dumps({
    "reports": [{"id": str(r.uuid), "observer": r.observer.code, "flags": r.flags, "answers": r.answers, "comment": r.comment} for r in rows],
    "files": [{"id": str(e.uuid), "state": e.state, "sha256": e.sha256, "report": str(e.report.uuid) if e.report else None}
              for e in Evidence.objects.select_related("report")],
    "notes": [str(uuid) for uuid in Note.objects.values_list("uuid", flat=True)],
}))
"""


class Site:
    """The platform as one web process on a port of its own. `codes` gives (observer, code, another code)."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.port = services.free_port()
        self.address = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        deployment.migrated()
        rows = [line.split() for line in deployment.python(MAKE).splitlines() if line.startswith("OB-")]
        self.codes: Iterator[list[str]] = iter(rows)

    def start(self) -> None:
        environment = self.deployment.environment | {"PORT": str(self.port), "WEB_WORKERS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        services.wait_for(lambda: services.accepts(self.port), "the web server")

    def beside(self) -> "Site":
        """The same platform at another address: one more web process over the same database, not started yet."""
        other = copy.copy(self)
        other.port = services.free_port()
        other.address, other.process = f"http://localhost:{other.port}", None
        return other

    def stop(self, how: int = signal.SIGKILL) -> None:
        if self.process is None:
            return
        os.killpg(self.process.pid, how)
        self.process.wait(30)
        # Its children die a moment later, and until then hold the port.
        services.wait_for(lambda: not services.accepts(self.port), "the end of the web server")
        self.process = None

    def state(self) -> dict[str, Any]:
        """What the server holds: {reports, files, notes}."""
        return json.loads(self.deployment.python(STATE).splitlines()[-1])

    def sealed(self) -> dict[str, Path]:
        """The sealed originals by the hash of their bytes."""
        folder = self.deployment.data / "sealed"
        return {hashlib.sha256(p.read_bytes()).hexdigest(): p for p in folder.rglob("*") if p.is_file()}


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """A site on SQLite, or on the suite's own PostgreSQL and Redis."""
    server = os.environ.get("DATABASE_URL", "")
    with ExitStack() as stack:
        environment = on_database(server)
        if server:
            stack.callback(drop_database, environment["DATABASE_URL"], server)
        site = Site(Deployment(folder, environment))
        site.start()
        stack.callback(site.stop)
        yield site


class Phone:
    """A page that has core at hand. `call` runs one of its functions, `js` a few lines with `core` in reach."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context, self.site = context, site
        self.page = self.open()

    def open(self) -> Page:
        page = self.context.new_page()
        page.goto(f"{self.site.address}{BLANK}")
        page.evaluate(
            "(paths) => Promise.all(paths.map((path) => import(`/phone/files/core/${path}`)))", list(MODULES.values())
        )
        return page

    def call(self, module: str, name: str, *arguments: Any, page: Page | None = None) -> Any:
        return (page or self.page).evaluate(
            """async ([path, name, given]) => {
                const core = await import(`/phone/files/core/${path}`);
                try { return await core[name](...given); }
                catch (error) { return {failed: error.code ?? String(error), errors: error.errors}; }
            }""",
            [MODULES[module], name, list(arguments)],
        )

    def js(self, lines: str, given: Any = None, page: Page | None = None) -> Any:
        return (page or self.page).evaluate(
            f"""async (given) => {{
                const paths = {json.dumps(MODULES)};
                const core = (name) => import(`/phone/files/core/${{paths[name]}}`);
                {lines}
            }}""",
            given,
        )

    def until(self, true: str, page: Page | None = None) -> None:
        """Waits for a JavaScript expression to be true. (Playwright's own wait needs `eval`, which the policy forbids.)"""
        page = page or self.page
        for _ in range(PATIENCE * 100):
            if page.evaluate(true):
                return
            page.wait_for_timeout(10)
        raise AssertionError(f"never came true: {true}")

    def wait(self, true: Callable[[], bool]) -> None:
        """Waits for something that the browser tells the test."""
        for _ in range(PATIENCE * 200):
            if true():
                return
            self.page.wait_for_timeout(5)
        raise AssertionError("never came true")

    def enrol(self) -> str:
        """Enrols as a fresh observer and gives their code."""
        observer, code, _other = next(self.site.codes)
        assert self.call("enrolment", "enrol", code) == {"ok": True}
        assert self.call("reference", "refresh")["problem"] is None
        return observer

    def write(self, checklist: str = "voting", photos: int = 0, **fields: Any) -> str:
        """A report with photos, saved; what is waited for is the phone's database only."""
        return self.js(
            WRITE,
            {"checklist": checklist, "photos": photos, "commission": "KZ-1-1-1", "answers": ANSWERS[checklist]}
            | fields,
        )

    def sync(self, reason: str = "user") -> Any:
        return self.call("sync", "sync", reason)

    def outbox(self) -> Any:
        return self.call("outbox", "outbox")

    def counts(self) -> Any:
        return self.outbox()["counts"]

    def report(self, identifier: str) -> Any:
        return self.call("outbox", "report", identifier)

    def hashes(self) -> dict[str, str]:
        """What the phone holds: file id to the hash of its bytes, counted anew."""
        return self.js("""
            const {all, get} = await core("store"); const {sha256Of} = await core("digest"); const found = {};
            for (const file of await all("files")) found[file.id] = await sha256Of(await get("blobs", file.id));
            return found;""")


ANSWERS: dict[str, dict[str, Any]] = {
    "voting": {"V03": "no", "V15": "no", "V90": "good"},
    "opening": {"O01": "yes", "O90": "good"},
    "incident": {"I01": "ACC-01"},
    "tabulation": {"T90": "good"},
}
WRITE = """
    const {draftOpen, answerSet, draftSet} = await core("drafts"); const {fileAdd} = await core("files");
    const {save} = await core("outbox"); const {checklist, commission, answers, photos, ...fields} = given;
    const id = await draftOpen({checklist, commission, fresh: true, supersedes: fields.supersedes ?? null});
    for (const [code, value] of Object.entries(answers)) await answerSet(id, code, value);
    await draftSet(id, fields);
    for (let n = 0; n < photos; n += 1) {
        const blob = await photo(n % 2 ? 320 : 900);
        await fileAdd({draft: id, question: checklist === "voting" ? "X11" : null, blob, source: "camera"});
    }
    await save(id);
    return id;
    async function photo(side) {
        const canvas = new OffscreenCanvas(side, side); const pen = canvas.getContext("2d");
        const noise = pen.createImageData(side, side);
        for (let at = 0; at < noise.data.length; at += 65536) crypto.getRandomValues(noise.data.subarray(at, at + 65536));
        for (let at = 3; at < noise.data.length; at += 4) noise.data[at] = 255;
        pen.putImageData(noise, 0, 0);
        return canvas.convertToBlob({type: "image/jpeg", quality: 0.8});
    }
"""


class Lost:
    """The server takes the request; its answer is lost, `times` times."""

    def __init__(self, phone: Phone, pattern: str, times: int = 1) -> None:
        self.left = times
        phone.context.route(pattern, self)

    def __call__(self, route: Route) -> None:
        if self.left:
            self.left -= 1
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()


def received(site: Site, *ids: str) -> list[str]:
    """Which of these the server holds, once for each time that it does."""
    return [row["id"] for row in site.state()["reports"] if row["id"] in ids]
