"""The full deployment while it runs: from a report to the public figure, also when processes die."""

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
MAX_FIGURE_SECONDS = 30.0  # on a busy machine; normally it takes about 1 s


@pytest.fixture(scope="module")
def deployment() -> Iterator[stack.Stack]:
    with services.temporary_folder() as folder, stack.run_stack(folder) as running:
        running.run(
            ["python", "manage.py", "shell", "--no-imports", "-c", "from tests.support.world import World; World()"]
        )
        yield running


@pytest.fixture(scope="module")
def token(deployment: stack.Stack) -> str:
    code = deployment.run(["python", "manage.py", "enrol", "OB-2222"]).strip()
    status, answer = ask(deployment, "POST", "/api/v1/enrol", {"code": code, "device": "A phone"})
    assert status == 201, answer
    return str(answer["token"])


def ask(deployment: stack.Stack, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Sends a request; returns status and JSON. `body` is bytes, or is encoded as JSON."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    address = path if path.startswith("http") else deployment.address + path
    request = urllib.request.Request(address, data, fields, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else dict(answer.headers)
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")


def send(deployment: stack.Stack, token: str, **fields: Any) -> Any:
    status, receipt = ask(deployment, "POST", "/api/v1/reports", payload(**fields), Authorization=f"Bearer {token}")
    assert status == 201, receipt
    return receipt


def count_reports(deployment: stack.Stack) -> int:
    status, summary = ask(deployment, "GET", "/api/v1/elections/test-2022/commissions/KZ/summary")
    assert status == 200, summary
    return int(summary["coverage"]["reports"])


def wait_for_figure(deployment: stack.Stack, number: int) -> None:
    services.wait_for(lambda: count_reports(deployment) == number, f"the national figure {number}", MAX_FIGURE_SECONDS)


class TestReportAndPhoto:
    def test_a_report_reaches_the_national_figure(self, deployment: stack.Stack, token: str):
        before = count_reports(deployment)
        send(deployment, token)
        wait_for_figure(deployment, before + 1)

    def test_a_photo_is_sealed_and_processed(self, deployment: stack.Stack, token: str):
        out = io.BytesIO()
        Image.effect_noise((800, 600), 50).convert("RGB").save(out, "JPEG")
        photo = out.getvalue()
        digest = hashlib.sha256(photo).hexdigest()
        announced = [{"id": str(uuid4()), "sha256": digest, "size": len(photo), "type": "image/jpeg"}]
        receipt = send(deployment, token, evidence=announced)
        status, answer = ask(
            deployment,
            "PATCH",
            receipt["evidence"][0]["url"],
            photo,
            Authorization=f"Bearer {token}",
            Content_Type="application/offset+octet-stream",
            Upload_Offset="0",
            Tus_Resumable="1.0.0",
        )
        assert status == 204, answer
        sealed = deployment.folder / "data" / "sealed"
        assert digest in [hashlib.sha256(path.read_bytes()).hexdigest() for path in sealed.rglob("*") if path.is_file()]
        public = deployment.folder / "data" / "public"
        services.wait_for(lambda: len(list(public.rglob("*.jpg"))) == 2, "the public copies", MAX_FIGURE_SECONDS)

    def test_static_files_come_compressed_under_hashed_names(self, deployment: stack.Stack):
        with urllib.request.urlopen(f"{deployment.address}/admin/login/") as page:
            found = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page.read().decode())
        assert found
        with urllib.request.urlopen(deployment.address + found[1]) as file:
            assert "immutable" in file.headers["Cache-Control"]


class TestFailures:
    def test_after_a_killed_worker_the_next_one_counts_waiting_reports(self, deployment: stack.Stack, token: str):
        before = count_reports(deployment)
        deployment.stop("worker", signal.SIGKILL)
        send(deployment, token)
        assert count_reports(deployment) == before
        deployment.start("worker")
        wait_for_figure(deployment, before + 1)

    def test_figures_are_refreshed_while_beat_is_dead(self, deployment: stack.Stack, token: str):
        before = count_reports(deployment)
        deployment.stop("beat", signal.SIGKILL)
        send(deployment, token)
        wait_for_figure(deployment, before + 1)  # woken by the web process itself
        deployment.start("beat")

    def test_a_report_with_a_receipt_survives_a_killed_web_server(self, deployment: stack.Stack, token: str):
        before = count_reports(deployment)
        send(deployment, token)
        deployment.stop("web", signal.SIGKILL)
        deployment.start("web")
        services.wait_for(deployment.is_ready, "the web server")
        wait_for_figure(deployment, before + 1)

    def test_without_a_web_server_the_proxy_answers_503_with_retry_after(self, deployment: stack.Stack, token: str):
        deployment.stop("web")
        if "proxy" in deployment.processes:
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{deployment.address}/api/v1/me", timeout=30)
            assert (refused.value.code, refused.value.headers["Retry-After"]) == (503, "10")
            assert json.load(refused.value)["code"] == "unavailable"
        deployment.start("web")
        services.wait_for(deployment.is_ready, "the web server")

    def test_a_process_of_the_web_server_that_dies_is_replaced(self, deployment: stack.Stack):
        for child in list_child_processes(deployment.processes["web"].pid):
            os.kill(child, signal.SIGKILL)
        services.wait_for(deployment.is_ready, "the web server")


class TestMonitoring:
    def test_the_doctor_finds_no_error(self, deployment: stack.Stack):
        assert "error:" not in deployment.run(["python", "manage.py", "doctor"])

    def test_it_is_ready(self, deployment: stack.Stack):
        status, answer = ask(deployment, "GET", "/readyz")
        assert status == 404 or (status, answer["ready"]) == (200, True)  # 404: the proxy keeps it inside

    def test_logs_are_json_with_the_id_of_the_request(self, deployment: stack.Stack):
        lines = [line for line in deployment.read_log("web").splitlines() if line.startswith("{")]
        assert all(json.loads(line)["level"] for line in lines)

    def test_each_web_process_stays_small(self, deployment: stack.Stack):
        for child in list_child_processes(deployment.processes["web"].pid):
            assert read_resident_bytes(child) < 250 * 2**20


def list_child_processes(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def read_resident_bytes(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
