"""A refused body, however large, is answered: its sender must not see a connection that broke."""

import http.client
import json

import pytest

from tests.world import World


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTenMegabytes:
    @pytest.mark.parametrize(("path", "authorised", "status"), [
        ("/api/v1/reports", True, 413), ("/api/v1/reports/batch", True, 413), ("/api/v1/reports", False, 401),
    ])  # fmt: skip
    def test_are_refused_in_words(self, live_server, path, authorised, status):
        token = World().first.token if authorised else "unknown"
        connection = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port, timeout=30)
        body = b'{"id": "' + b"x" * 10_000_000 + b'"}'
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        assert answer.status == status
        assert json.loads(answer.read())["status"] == status
