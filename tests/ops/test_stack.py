"""The full deployment as it runs: from a phone's report to the public figure, also while things die."""

import hashlib
import io
import json
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from scripts import services, stack
from tests.support.world import payload

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]
FIGURES = 30.0  # seconds a figure may take on a busy machine; it takes about one


@pytest.fixture(scope="module")
def full() -> Iterator[stack.Stack]:
    with services.temporary_folder() as folder, stack.running(folder) as running:
        running.run(
            ["python", "manage.py", "shell", "--no-imports", "-c", "from tests.support.world import World; World()"]
        )
        yield running


@pytest.fixture(scope="module")
def token(full: stack.Stack) -> str:
    code = full.run(["python", "manage.py", "enrol", "OB-2222"]).strip()
    status, answer = ask(full, "POST", "/api/v1/enrol", {"code": code, "device": "A phone"})
    assert status == 201, answer
    return str(answer["token"])


def ask(full: stack.Stack, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of one request; `body` is bytes or what becomes JSON."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    address = path if path.startswith("http") else full.address + path
    request = urllib.request.Request(address, data, fields, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else dict(answer.headers)
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")


def send(full: stack.Stack, token: str, **fields: Any) -> Any:
    status, receipt = ask(full, "POST", "/api/v1/reports", payload(**fields), Authorization=f"Bearer {token}")
    assert status == 201, receipt
    return receipt


def counted(full: stack.Stack) -> int:
    status, summary = ask(full, "GET", "/api/v1/elections/test-2022/commissions/KZ/summary")
    assert status == 200, summary
    return int(summary["coverage"]["reports"])


def figure_becomes(full: stack.Stack, number: int) -> None:
    services.wait_for(lambda: counted(full) == number, f"the national figure {number}", FIGURES)


class TestFromAPhoneToTheFigure:
    def test_a_report_reaches_the_national_figure(self, full: stack.Stack, token: str):
        before = counted(full)
        send(full, token)
        figure_becomes(full, before + 1)

    def test_a_photo_is_sealed_and_looked_at(self, full: stack.Stack, token: str):
        out = io.BytesIO()
        Image.effect_noise((800, 600), 50).convert("RGB").save(out, "JPEG")
        photo = out.getvalue()
        digest = hashlib.sha256(photo).hexdigest()
        announced = [{"id": str(uuid4()), "sha256": digest, "size": len(photo), "type": "image/jpeg"}]
        receipt = send(full, token, evidence=announced)
        status, answer = ask(
            full,
            "PATCH",
            receipt["evidence"][0]["url"],
            photo,
            Authorization=f"Bearer {token}",
            Content_Type="application/offset+octet-stream",
            Upload_Offset="0",
            Tus_Resumable="1.0.0",
        )
        assert status == 204, answer
        sealed = full.folder / "data" / "sealed"
        assert digest in [hashlib.sha256(path.read_bytes()).hexdigest() for path in sealed.rglob("*") if path.is_file()]
        public = full.folder / "data" / "public"
        services.wait_for(lambda: len(list(public.rglob("*.jpg"))) == 2, "the public copies", FIGURES)

    def test_static_files_come_compressed_under_hashed_names(self, full: stack.Stack):
        with urllib.request.urlopen(f"{full.address}/admin/login/") as page:
            found = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page.read().decode())
        assert found
        with urllib.request.urlopen(full.address + found[1]) as file:
            assert "immutable" in file.headers["Cache-Control"]


class TestWhileThingsDie:
    def test_reports_wait_for_a_killed_worker_and_are_counted_by_the_next(self, full: stack.Stack, token: str):
        before = counted(full)
        full.end("worker", signal.SIGKILL)
        send(full, token)
        assert counted(full) == before
        full.start("worker")
        figure_becomes(full, before + 1)

    def test_the_sweep_is_enough_and_so_is_waking(self, full: stack.Stack, token: str):
        before = counted(full)
        full.end("beat", signal.SIGKILL)
        send(full, token)
        figure_becomes(full, before + 1)  # woken by the web process itself
        full.start("beat")

    def test_the_web_server_comes_back_after_a_kill_with_what_it_promised(self, full: stack.Stack, token: str):
        before = counted(full)
        send(full, token)
        full.end("web", signal.SIGKILL)
        full.start("web")
        services.wait_for(full.ready, "the web server")
        figure_becomes(full, before + 1)

    def test_without_a_web_server_the_proxy_says_when_to_come_again(self, full: stack.Stack, token: str):
        full.end("web")
        if "proxy" in full.processes:
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{full.address}/api/v1/me", timeout=30)
            assert (refused.value.code, refused.value.headers["Retry-After"]) == (503, "10")
            assert json.load(refused.value)["code"] == "unavailable"
        full.start("web")
        services.wait_for(full.ready, "the web server")

    def test_a_process_of_the_web_server_that_dies_is_replaced(self, full: stack.Stack):
        for child in children(full.processes["web"].pid):
            os.kill(child, signal.SIGKILL)
        services.wait_for(full.ready, "the web server")


class TestItsOwnWords:
    def test_the_doctor_finds_no_error(self, full: stack.Stack):
        assert "error:" not in full.run(["python", "manage.py", "doctor"])

    def test_it_is_ready(self, full: stack.Stack):
        status, answer = ask(full, "GET", "/readyz")
        assert status == 404 or (status, answer["ready"]) == (200, True)  # 404: the proxy keeps it inside

    def test_logs_are_json_with_the_id_of_the_request(self, full: stack.Stack):
        lines = [line for line in full.log("web").splitlines() if line.startswith("{")]
        assert all(json.loads(line)["level"] for line in lines)

    def test_each_web_process_stays_small(self, full: stack.Stack):
        for child in children(full.processes["web"].pid):
            assert resident(child) < 250 * 2**20


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
