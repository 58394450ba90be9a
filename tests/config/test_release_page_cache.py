"""The cache of release pages returns only what Django would answer, and nothing before its time."""

import gzip
from datetime import timedelta
from unittest import mock

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test.client import FakePayload
from django.utils import timezone

from config.release_page_cache import ReleasePageCache
from observer.models import Election
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing import published_releases
from tests.support.intake import store_report
from tests.support.proxy import remove_proxy_suffix
from tests.support.releases import make_release
from tests.support.world import World, payload

pytestmark = pytest.mark.django_db
HOME = "/en/test-2022/"


class CacheClient:
    """Sends requests to the cache as a server does.

    `passed_on` counts those that went on to Django.
    """

    def __init__(self) -> None:
        self.passed_on = 0
        self.django = WSGIHandler()
        self.cache = ReleasePageCache(self._count, max_bytes=500_000)

    def _count(self, environ, start_response):
        self.passed_on += 1
        return self.django(environ, start_response)

    def get(self, path: str, method: str = "GET", **headers: str):
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "HTTP_HOST": "testserver",
            "SCRIPT_NAME": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": FakePayload(b""),
            "wsgi.errors": None,
            "wsgi.version": (1, 0),
            "REMOTE_ADDR": "127.0.0.1",
            **headers,
        }
        said = []
        body = b"".join(self.cache(environ, lambda status, headers, *_more: said.append((status, dict(headers)))))
        return int(said[-1][0][:3]), said[-1][1], body


@pytest.fixture(autouse=True)
def _keep_connection_open():
    """A handler closes the connection after each request, and with it a test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def reader(world: World, monkeypatch) -> CacheClient:
    Election.objects.update(publication="released")
    world.election.refresh_from_db()
    for phone in (world.first, world.second):
        store_report(phone, payload("voting", "KZ-1-1-1"))
    recompute_due_summaries()
    make_release(world.election)
    monkeypatch.setattr(published_releases, "MAX_AGE_SECONDS", 60.0)
    return CacheClient()


def test_a_page_of_a_release_is_built_once(reader):
    first, again = reader.get(HOME), reader.get(HOME)
    assert reader.passed_on == 1
    assert again[2] == first[2] and again[1]["ETag"] == first[1]["ETag"]
    assert "X-Stamp" not in first[1] and "X-Stamp" not in again[1] and "X-Request-ID" not in again[1]
    assert again[1]["Content-Security-Policy"] == first[1]["Content-Security-Policy"]


def test_compressed_and_plain_pages_are_cached_separately(reader):
    plain, packed = reader.get(HOME), reader.get(HOME, HTTP_ACCEPT_ENCODING="gzip, br")
    assert packed[1]["Content-Encoding"] == "gzip" and gzip.decompress(packed[2]) == plain[2]
    assert packed[1]["ETag"] != plain[1]["ETag"] and "Accept-Encoding" in packed[1]["Vary"]
    assert reader.get(HOME, HTTP_ACCEPT_ENCODING="gzip")[2] == packed[2]
    assert len(packed[2]) < 100_000
    assert reader.passed_on == 2


def test_unchanged_it_is_304_and_a_head_has_no_body(reader):
    etag = reader.get(HOME)[1]["ETag"]
    status, headers, body = reader.get(HOME, HTTP_IF_NONE_MATCH=etag)
    assert (status, body, headers["ETag"]) == (304, b"", etag)
    assert reader.get(HOME, method="HEAD")[2] == b""
    assert reader.passed_on == 1


def test_unchanged_and_compressed_it_is_304_through_the_proxy_too(reader):
    etag = reader.get(HOME, HTTP_ACCEPT_ENCODING="gzip")[1]["ETag"]
    brought = {"HTTP_ACCEPT_ENCODING": "gzip", "HTTP_IF_NONE_MATCH": remove_proxy_suffix(etag)}
    assert reader.get(HOME, **brought)[0] == 304
    assert reader.passed_on == 1
    reader.cache = ReleasePageCache(reader.cache.application)
    assert reader.get(HOME, **brought)[0] == 304  # by Django


@pytest.mark.parametrize("asked", [f"{HOME}search/?q=KZ", "/healthz", "/en/", f"{HOME}NOWHERE/"])
def test_everything_else_goes_on_to_django(reader, asked):
    reader.get(asked), reader.get(asked)
    assert reader.passed_on == 2


def test_another_host_gets_no_page(reader):
    reader.get(HOME)
    assert reader.get(HOME, HTTP_HOST="elsewhere.example")[0] == 400


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_behind_the_proxy_it_is_built_once_for_all_clients(reader, settings, scheme):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    reader.django.load_middleware()
    proxy = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_PROTO": scheme}
    first, again = (reader.get(HOME, **proxy, HTTP_X_FORWARDED_FOR=who) for who in ("192.0.2.1", "192.0.2.2"))
    assert first[0] == 200 and again[2] == first[2]
    assert reader.passed_on == 1


def test_a_client_that_poses_as_the_proxy_gets_no_page_of_the_proxy(reader, settings):
    settings.TRUSTED_PROXIES, settings.SECURE_SSL_REDIRECT = ["10.0.0.0/8"], True
    reader.django.load_middleware()
    secure = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}
    assert reader.get(HOME, REMOTE_ADDR="10.0.0.1", **secure)[0] == 200
    assert reader.get(HOME, REMOTE_ADDR="192.0.2.1", **secure)[0] == 301


def test_a_new_release_a_change_of_publication_and_the_end_of_an_embargo_show(reader, world):
    first = reader.get(HOME)[2]
    store_report(world.first, payload("voting", "KZ-1-1-2"))
    recompute_due_summaries()
    later = timezone.now() + timedelta(hours=1)
    make_release(world.election, public_from=later)
    assert reader.get(HOME)[2] == first
    with mock.patch("django.utils.timezone.now", lambda: later + timedelta(seconds=1)):
        assert b"There is" not in reader.get(HOME)[2] != first
        assert b"There is a newer release" in reader.get(f"{HOME}releases/1/")[2]
    Election.objects.update(publication="closed")
    published_releases.clear_cache()
    assert reader.get(HOME)[0] == 404


def test_memory_is_bounded(reader):
    for code in ("KZ", "KZ-1", "KZ-2", "KZ-1-1", "KZ-1-1-1"):
        for language in ("en", "ru", "kk"):
            assert reader.get(f"/{language}/test-2022/{code}/")[0] == 200
    assert 0 < reader.cache._total_bytes <= 500_000
