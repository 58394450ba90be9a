"""The layer before Django in a real server: stalled, large, cut off and malformed requests, on raw sockets."""

import hashlib
import http.client
import json
import os
import random
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from scripts import services
from tests.support.serving import WebServer, run_server
from tests.support.world import payload

pytestmark = [pytest.mark.once, pytest.mark.slow]
CONTENT = random.Random(5).randbytes(3_000_001)


@pytest.fixture(scope="module")
def server(deploy_shared) -> Iterator[WebServer]:
    deployment = deploy_shared(
        "front", ALLOWED_HOSTS="127.0.0.1", WEB_THREADS="4", WEB_WORKERS="1", BODY_SILENCE_SECONDS="1"
    )
    deployment.migrate()
    deployment.run_script("from tests.support.world import World; World()")
    with run_server(deployment) as served:
        yield served


@pytest.fixture(scope="module")
def token(server) -> str:
    code = server.deployment.run_checked("enrol", "OB-2222").strip()
    status, _headers, content = ask(server, "POST", "/api/v1/enrol", {"code": code, "device": "A phone"})
    assert status == 201, content
    return json.loads(content)["token"]


def ask(server, method, path, body=b"", **headers):
    """Sends a request; returns status, headers and body of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, content, fields)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def begin_request(server, method, path, body, length, **headers):
    """Opens a connection and sends the headers, and `body` as the first of `length` bytes."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    fields = {"Host": "127.0.0.1", "Content_Length": str(length), "Content_Type": "application/json"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    return connection


def announce_file(server, token, content=CONTENT):
    """Sends a report that announces a file; returns the address for its upload."""
    evidence = {
        "id": str(uuid4()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "type": "image/jpeg",
    }
    status, _headers, content = ask(
        server, "POST", "/api/v1/reports", payload(evidence=[evidence]), Authorization=f"Bearer {token}"
    )
    assert status == 201, content
    return f"/api/v1/evidence/{evidence['id']}"


def upload_headers(token, offset=0):
    return {
        "Authorization": f"Bearer {token}",
        "Upload_Offset": str(offset),
        "Tus_Resumable": "1.0.0",
        "Content_Type": "application/offset+octet-stream",
    }


def read_offset(server, token, url):
    _status, headers, _said = ask(server, "HEAD", url, Authorization=f"Bearer {token}")
    return int(headers["Upload-Offset"])


class TestStalledBody:
    def test_of_many_requests_does_not_block_reports(self, server, token):
        url = announce_file(server, token)
        with ExitStack() as stack:
            for _ in range(12):  # three times as many as there are threads, of each kind
                for method, path in (
                    ("POST", "/api/v1/enrol"),
                    ("POST", "/api/v1/reports"),
                    ("POST", "/admin/login/"),
                    ("PATCH", url),
                ):
                    stack.enter_context(begin_request(server, method, path, b"{", 1000, **upload_headers(token)))
            status, _headers, content = ask(
                server, "POST", "/api/v1/reports", payload(), Authorization=f"Bearer {token}"
            )
            assert status == 201, content
            assert ask(server, "GET", "/healthz")[0] == 200

    def test_is_answered_with_408(self, server):
        with begin_request(server, "POST", "/api/v1/enrol", b"{", 1000) as connection:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 408
            assert json.loads(answer.read())["code"] == "timeout"

    def test_of_an_upload_keeps_the_received_bytes(self, server, token):
        url = announce_file(server, token)
        with begin_request(
            server, "PATCH", url, CONTENT[:700_000], len(CONTENT), **upload_headers(token)
        ) as connection:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 408
        assert read_offset(server, token, url) == 700_000


class TestUpload:
    def test_of_several_slices_is_one_file(self, server, token):
        url = announce_file(server, token)
        status, headers, _said = ask(server, "PATCH", url, CONTENT, **upload_headers(token))
        assert (status, headers["Upload-Offset"]) == (204, str(len(CONTENT)))
        name = hashlib.sha256(CONTENT).hexdigest()
        sealed = [path for path in (server.deployment.data / "sealed").rglob("*") if name in path.name]
        assert [path.read_bytes() for path in sealed] == [CONTENT]

    def test_is_stored_on_disk_during_the_transfer(self, server, token):
        with run_server(server.deployment) as other:
            url = announce_file(other, token)
            with begin_request(other, "PATCH", url, CONTENT[:1_100_000], len(CONTENT), **upload_headers(token)):
                services.wait_for(lambda: read_offset(other, token, url) >= 1_000_000, "two slices")
                os.killpg(other.process.pid, signal.SIGKILL)
                other.process.wait(30)
        assert read_offset(server, token, url) >= 1_000_000

    def test_that_is_cut_off_keeps_the_received_bytes(self, server, token):
        url = announce_file(server, token)
        begin_request(server, "PATCH", url, CONTENT[:1_100_000], len(CONTENT), **upload_headers(token)).close()
        services.wait_for(lambda: read_offset(server, token, url) == 1_100_000, "what came before the cut")
        status, _headers, _said = ask(server, "PATCH", url, CONTENT[1_100_000:], **upload_headers(token, 1_100_000))
        assert status == 204

    def test_of_more_than_was_announced_is_refused_and_nothing_is_kept(self, server, token):
        url = announce_file(server, token)
        status, _headers, content = ask(server, "PATCH", url, CONTENT + b"x", **upload_headers(token))
        assert (status, json.loads(content)["code"]) == (413, "too_large")
        assert read_offset(server, token, url) == 0

    def test_in_chunks(self, server, token):
        url = announce_file(server, token)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in upload_headers(token).items()}
        pieces = (CONTENT[start : start + 100_000] for start in range(0, len(CONTENT), 100_000))
        connection.request("PATCH", url, pieces, headers, encode_chunked=True)
        assert connection.getresponse().status == 204
        assert read_offset(server, token, url) == len(CONTENT)


class TestLargeBodies:
    """They are answered even when they are large, because a client that is cut off never learns why."""

    @pytest.mark.parametrize(
        ("method", "path", "known", "status"),
        [
            ("POST", "/api/v1/reports", True, 413),
            ("POST", "/api/v1/reports/batch", True, 413),
            ("POST", "/api/v1/reports", False, 401),
            ("POST", "/api/v1/nowhere", True, 404),
            ("PATCH", "/api/v1/evidence/018f0000-0000-7000-8000-000000000000", True, 404),
        ],
    )
    def test_are_answered_with_a_problem_document(self, server, token, method, path, known, status):
        body = b'{"id": "' + b"x" * 12_000_000 + b'"}'
        given = upload_headers(token if known else "unknown") | {"Content_Type": "application/json"}
        answered, headers, content = ask(server, method, path, body, **given)
        assert answered == status
        assert headers["Content-Type"].startswith("application/problem+json"), content
        assert json.loads(content)["status"] == status


class TestHeaders:
    @pytest.mark.parametrize("field", ["Content-Length: -1", "Content-Length: 1\r\nContent-Length: 2"])
    def test_with_ambiguous_length_are_refused(self, server, field):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(f"POST /api/v1/enrol HTTP/1.1\r\nHost: 127.0.0.1\r\n{field}\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert 400 <= answer.status < 500

    def test_with_underscores_are_ignored(self, server):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX_Request_ID: forged\r\n\r\n")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200 and answer.headers["X-Request-ID"] != "forged"
