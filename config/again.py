"""Pages of releases that were made once are given again, without asking Django to make them.

A page of a release bears a stamp of what is public of its election. While the stamp is the one that
holds now, the page is what Django would answer; the stamp is known to the process and at most a
second old (`reports/services/publishing/published_releases.py`), and changes by itself at the end of an embargo. No database,
no cache and no worker is asked, so this is also how a release outlives them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.utils import timezone

from reports.pages.http.responses import STAMP
from reports.services.publishing.published_releases import stamp_known

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
BYTES = 32_000_000
KEPT_BACK = frozenset({STAMP.lower(), "x-request-id", "date", "set-cookie"})


@dataclass(frozen=True, slots=True)
class Kept:
    slug: str
    stamp: str
    etag: str
    headers: Headers
    body: bytes


class Body(list[bytes]):
    """A whole answer."""

    streaming = False

    def close(self) -> None:
        """Nothing is open."""


class Again:
    """A WSGI application around another."""

    def __init__(self, application: Application, most: int = BYTES) -> None:
        self.application, self.most = application, most
        self._kept: OrderedDict[tuple[str, ...], Kept] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        again = self.again(environ)
        if again is None:
            return self._made(environ, start_response)
        status, headers, body = again
        start_response("304 Not Modified" if status == 304 else "200 OK", headers)
        return Body([body])

    def again(self, environ: Environ) -> tuple[int, Headers, bytes] | None:
        """What is given again to this request, without waiting for anything; None where Django has to be asked."""
        key = _key(environ)
        kept = self._kept.get(key) if key else None
        if kept is None or kept.stamp != stamp_known(kept.slug, timezone.now()):
            return None
        known = environ.get("HTTP_IF_NONE_MATCH", "")
        if known and (kept.etag in known or known.strip() == "*"):
            return 304, [one for one in kept.headers if not one[0].startswith("Content-")], b""
        return 200, kept.headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else kept.body

    def _made(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        key = _key(environ)  # before Django writes the reader's own address over the proxy's
        said: list[tuple[str, Headers]] = []

        def listen(status: str, headers: Headers, *more: Any) -> Any:
            said.append((status, headers))
            return start_response(status, [one for one in headers if one[0] != STAMP], *more)

        answer = self.application(environ, listen)
        status, headers = said[-1] if said else ("", [])
        stamp = dict(headers).get(STAMP, "")
        if not stamp or key is None or not status.startswith("200") or environ["REQUEST_METHOD"] != "GET":
            return answer
        try:
            body = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        self._keep(key, Kept(stamp.partition(" ")[0], stamp, dict(headers)["ETag"], _plain(headers), body))
        return Body([body])

    def _keep(self, key: tuple[str, ...], kept: Kept) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes += len(kept.body) - (len(before.body) if before else 0)
            self._kept[key] = kept
            while self._bytes > self.most:
                _key, oldest = self._kept.popitem(last=False)
                self._bytes -= len(oldest.body)


def _key(environ: Environ) -> tuple[str, ...] | None:
    """What an answer depends on, besides the stamp; None for what is never kept."""
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or environ.get("QUERY_STRING"):
        return None
    forwarded = environ.get("HTTP_X_FORWARDED_PROTO", "")
    if forwarded:
        forwarded = "https" if forwarded.partition(",")[0].strip() == "https" else "http"  # as Django reads it
    return (
        environ.get("PATH_INFO", ""),
        "gzip" if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") else "",
        # All that Django judges before a page is made: a wrong host or plain HTTP must not get one.
        environ.get("HTTP_HOST", ""),
        environ.get("wsgi.url_scheme", ""),
        forwarded,
        environ.get("REMOTE_ADDR", "") if forwarded else "",
    )


def _plain(headers: Headers) -> Headers:
    return [one for one in headers if one[0].lower() not in KEPT_BACK]
