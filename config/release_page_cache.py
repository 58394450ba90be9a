"""Cache of release pages in a web process's memory, in front of Django.

A page of a release has a stamp: the version of what is public of its election. While that stamp is the current one,
the page is what Django would answer. The process knows the current stamp, which is at most a second old
(`reports/services/publishing/published_releases.py`); it changes by itself at the end of an embargo. A cached page
needs no database, no shared cache and no worker, so releases can be read when those are down.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.utils import timezone

from reports.pages.http.responses import STAMP_HEADER
from reports.services.publishing.published_releases import get_known_cache_stamp

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
MAX_CACHE_BYTES = 32_000_000
UNCACHED_HEADERS = frozenset({STAMP_HEADER.lower(), "x-request-id", "date", "set-cookie"})


@dataclass(frozen=True, slots=True)
class CachedPage:
    """One page, and the stamp with which it may be used."""

    slug: str
    stamp: str
    etag: str
    headers: Headers
    body: bytes


class WholeBody(list[bytes]):
    """A response body that is complete."""

    streaming = False

    def close(self) -> None:
        """There is nothing to close."""


class ReleasePageCache:
    """WSGI application around another that caches release pages; holds up to `max_bytes`."""

    def __init__(self, application: Application, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self.application, self.max_bytes = application, max_bytes
        self._pages: OrderedDict[tuple[str, ...], CachedPage] = OrderedDict()
        self._total_bytes = 0
        self._lock = Lock()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        cached = self.find_cached_response(environ)
        if cached is None:
            return self._run_application(environ, start_response)
        status, headers, body = cached
        start_response("304 Not Modified" if status == 304 else "200 OK", headers)
        return WholeBody([body])

    def find_cached_response(self, environ: Environ) -> tuple[int, Headers, bytes] | None:
        """Returns status, headers and body for this request without waiting for anything.

        None where Django has to answer.
        """
        key = _make_key(environ)
        page = self._pages.get(key) if key else None
        if page is None or page.stamp != get_known_cache_stamp(page.slug, timezone.now()):
            return None
        if_none_match = environ.get("HTTP_IF_NONE_MATCH", "")
        if if_none_match and (page.etag in if_none_match or if_none_match.strip() == "*"):
            return 304, [one for one in page.headers if not one[0].startswith("Content-")], b""
        return 200, page.headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else page.body

    def _run_application(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        key = _make_key(environ)  # before Django replaces the proxy's address by the client's
        responses: list[tuple[str, Headers]] = []

        def remember_response(status: str, headers: Headers, *args: Any) -> Any:
            responses.append((status, headers))
            return start_response(status, [one for one in headers if one[0] != STAMP_HEADER], *args)

        answer = self.application(environ, remember_response)
        status, headers = responses[-1] if responses else ("", [])
        stamp = dict(headers).get(STAMP_HEADER, "")
        if not stamp or key is None or not status.startswith("200") or environ["REQUEST_METHOD"] != "GET":
            return answer
        try:
            body = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        self._store_page(
            key, CachedPage(stamp.partition(" ")[0], stamp, dict(headers)["ETag"], _filter_headers(headers), body)
        )
        return WholeBody([body])

    def _store_page(self, key: tuple[str, ...], page: CachedPage) -> None:
        with self._lock:
            previous = self._pages.pop(key, None)
            self._total_bytes += len(page.body) - (len(previous.body) if previous else 0)
            self._pages[key] = page
            while self._total_bytes > self.max_bytes:
                _key, oldest = self._pages.popitem(last=False)
                self._total_bytes -= len(oldest.body)


def _make_key(environ: Environ) -> tuple[str, ...] | None:
    """Returns what an answer depends on, besides the stamp.

    None for a request whose answer is never cached.
    """
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or environ.get("QUERY_STRING"):
        return None
    forwarded = environ.get("HTTP_X_FORWARDED_PROTO", "")
    if forwarded:
        forwarded = "https" if forwarded.partition(",")[0].strip() == "https" else "http"  # as Django reads it
    return (
        environ.get("PATH_INFO", ""),
        "gzip" if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") else "",
        # What Django checks before it builds a page: a request with a wrong host or plain HTTP must not get one.
        environ.get("HTTP_HOST", ""),
        environ.get("wsgi.url_scheme", ""),
        forwarded,
        environ.get("REMOTE_ADDR", "") if forwarded else "",
    )


def _filter_headers(headers: Headers) -> Headers:
    return [one for one in headers if one[0].lower() not in UNCACHED_HEADERS]
