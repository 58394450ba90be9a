"""A phone for tests: a browser page on a real server.

The server runs in its own process and may be stopped at any moment.
"""

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
from tests.support.deployment import ROOT, Deployment, build_database_environment, drop_database

TIMEOUT_SECONDS = 60
CORE = ROOT / "static/phone/core"
# Path of each core module by its name. Names are unique across folders.
MODULES = {
    path.stem: path.relative_to(CORE).as_posix() for path in CORE.rglob("*.js") if path.stem != "background_sync"
}
BLANK_PAGE = "/phone/words/en.json"  # a page of the client's origin and policy without scripts
SETUP_SCRIPT = """
from datetime import timedelta
from django.utils import timezone
from observer.models import Assignment
from observer.services.devices.enrolment import create_enrolment_code
from tests.support.world import World, make_election, make_observer
now = timezone.now()
world = World(make_election(opens_at=now - timedelta(days=2), closes_at=now + timedelta(days=2), date=now.date(), windows={}))
alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
for number in range(60):
    observer = make_observer("OB-T" + alphabet[number // 30] + alphabet[number % 30] + "2", world.organisation)
    Assignment.objects.create(election=world.election, commission=world.tree["KZ-1-1-1"]).observers.add(observer)
    print(observer.code, create_enrolment_code(observer=observer, election=world.election, now=now), create_enrolment_code(observer=observer, election=world.election, now=now))
"""
STATE_SCRIPT = """
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
    """The platform as one web process on its own port.

    `codes` gives (observer, code, another code).
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.port = services.find_free_port()
        self.address = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        deployment.migrate()
        rows = [line.split() for line in deployment.run_script(SETUP_SCRIPT).splitlines() if line.startswith("OB-")]
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
        services.wait_for(lambda: services.accepts_connections(self.port), "the web server")

    def make_mirror(self) -> "Site":
        """The same platform at another address.

        One more web process over the same database, not started yet.
        """
        other = copy.copy(self)
        other.port = services.find_free_port()
        other.address, other.process = f"http://localhost:{other.port}", None
        return other

    def stop(self, signal_number: int = signal.SIGKILL) -> None:
        if self.process is None:
            return
        os.killpg(self.process.pid, signal_number)
        self.process.wait(30)
        # Its children end a moment later and hold the port until then.
        services.wait_for(lambda: not services.accepts_connections(self.port), "the end of the web server")
        self.process = None

    def load_state(self) -> dict[str, Any]:
        """What the server has stored: {reports, files, notes}."""
        return json.loads(self.deployment.run_script(STATE_SCRIPT).splitlines()[-1])

    def sealed_files(self) -> dict[str, Path]:
        """Sealed originals, by the SHA-256 of their bytes."""
        folder = self.deployment.data / "sealed"
        return {hashlib.sha256(p.read_bytes()).hexdigest(): p for p in folder.rglob("*") if p.is_file()}


@contextmanager
def run_site(folder: Path) -> Iterator[Site]:
    """Runs a site on SQLite, or on the suite's PostgreSQL and Redis."""
    server = os.environ.get("DATABASE_URL", "")
    with ExitStack() as stack:
        environment = build_database_environment(server)
        if server:
            stack.callback(drop_database, environment["DATABASE_URL"], server)
        site = Site(Deployment(folder, environment))
        site.start()
        stack.callback(site.stop)
        yield site


class Phone:
    """A page with the client's core modules.

    `call` runs one function of a module; `run_js` runs JavaScript in which `core(name)` imports a module.
    """

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context, self.site = context, site
        self.page = self.open_page()

    def open_page(self) -> Page:
        page = self.context.new_page()
        page.goto(f"{self.site.address}{BLANK_PAGE}")
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

    def run_js(self, lines: str, given: Any = None, page: Page | None = None) -> Any:
        return (page or self.page).evaluate(
            f"""async (given) => {{
                const paths = {json.dumps(MODULES)};
                const core = (name) => import(`/phone/files/core/${{paths[name]}}`);
                {lines}
            }}""",
            given,
        )

    def wait_for_js(self, expression: str, page: Page | None = None) -> None:
        """Waits until a JavaScript expression is true.

        Playwright's own wait needs `eval`, which the content security policy forbids.
        """
        page = page or self.page
        for _ in range(TIMEOUT_SECONDS * 100):
            if page.evaluate(expression):
                return
            page.wait_for_timeout(10)
        raise AssertionError(f"never came true: {expression}")

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits until `condition()` holds, while browser events reach the test."""
        for _ in range(TIMEOUT_SECONDS * 200):
            if condition():
                return
            self.page.wait_for_timeout(5)
        raise AssertionError("never came true")

    def enrol(self) -> str:
        """Enrols as a new observer and gives their code."""
        observer, code, _other = next(self.site.codes)
        assert self.call("enrolment", "enrolPhone", code) == {"ok": True}
        assert self.call("reference", "refreshReference")["problem"] is None
        return observer

    def write_report(self, checklist: str = "voting", photos: int = 0, **fields: Any) -> str:
        """Saves a report with photos; waits for the phone's database only. Gives the id."""
        return self.run_js(
            WRITE_REPORT,
            {"checklist": checklist, "photos": photos, "commission": "KZ-1-1-1", "answers": ANSWERS[checklist]}
            | fields,
        )

    def sync(self, reason: str = "user") -> Any:
        return self.call("sync", "sync", reason)

    def get_outbox(self) -> Any:
        return self.call("outbox", "getOutbox")

    def outbox_counts(self) -> Any:
        return self.get_outbox()["counts"]

    def get_report(self, identifier: str) -> Any:
        return self.call("outbox", "getReport", identifier)

    def hash_files(self) -> dict[str, str]:
        """Hashes of the files on the phone, computed again: file id to SHA-256."""
        return self.run_js("""
            const {listRecords, getRecord} = await core("database"); const {computeSha256} = await core("file_digest"); const found = {};
            for (const file of await listRecords("files")) found[file.id] = await computeSha256(await getRecord("blobs", file.id));
            return found;""")


ANSWERS: dict[str, dict[str, Any]] = {
    "voting": {"V03": "no", "V15": "no", "V90": "good"},
    "opening": {"O01": "yes", "O90": "good"},
    "incident": {"I01": "ACC-01"},
    "tabulation": {"T90": "good"},
}
WRITE_REPORT = """
    const {openDraft, setAnswer, setDraftFields} = await core("drafts"); const {addAttachment} = await core("attachments");
    const {saveReport} = await core("outbox"); const {checklist, commission, answers, photos, ...fields} = given;
    const id = await openDraft({checklist, commission, fresh: true, supersedes: fields.supersedes ?? null});
    for (const [code, value] of Object.entries(answers)) await setAnswer(id, code, value);
    await setDraftFields(id, fields);
    for (let n = 0; n < photos; n += 1) {
        const blob = await photo(n % 2 ? 320 : 900);
        await addAttachment({draft: id, question: checklist === "voting" ? "X11" : null, blob, source: "camera"});
    }
    await saveReport(id);
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


class LostResponses:
    """Loses responses: the server gets the request, the phone no response, `times` times."""

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


def stored_ids(site: Site, *ids: str) -> list[str]:
    """Those of `ids` that the server has stored, repeated if stored more than once."""
    return [row["id"] for row in site.load_state()["reports"] if row["id"] in ids]
