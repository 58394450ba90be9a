"""What is logged about a request, and what never is."""

import json
import logging

import pytest
from django.test import Client

from config.logs import JsonFormatter, request_id


class TestARequest:
    def test_keeps_a_proxy_s_id_and_gives_one_where_there_is_none(self):
        assert Client().get("/healthz", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
        assert len(Client().get("/healthz", headers={"X-Request-ID": "no id\x7f"})["X-Request-ID"]) == 32

    @pytest.mark.django_db
    def test_is_one_line_without_its_query(self, caplog):
        with caplog.at_level(logging.INFO, "baqylau.request"):
            Client().get("/api/v1/elections?phone=77010000000")
        (record,) = caplog.records
        assert (record.method, record.path, record.status) == ("GET", "/api/v1/elections", 200)
        assert "77010000000" not in JsonFormatter().format(record)

    @pytest.mark.django_db
    def test_does_not_show_a_token_in_an_address(self, caplog):
        with caplog.at_level(logging.INFO, "baqylau.request"):
            Client().get("/api/openrosa/k/MySecretTokenMySecretToken/formList")
        (record,) = caplog.records
        assert (record.path, record.status) == ("/api/openrosa/k/…/formList", 403)


class TestALine:
    def test_is_json_with_the_request_s_id_and_what_was_added(self):
        record = logging.makeLogRecord({"msg": "stored %d", "args": (2,), "levelname": "INFO", "name": "x", "files": 3})
        token = request_id.set("abc-1")
        try:
            line = json.loads(JsonFormatter().format(record))
        finally:
            request_id.reset(token)
        assert (line["message"], line["request_id"], line["files"]) == ("stored 2", "abc-1", 3)
