"""RSGI application between Granian and Django: reads request bodies before a thread starts.

Granian's event loop carries any number of slow connections. There are few threads, and a request gets one only when
its body is here. So sixteen phones that fall silent in the middle of a body, or a client that sends one byte a
minute on purpose, keep nobody else waiting.

`request_body.py` has the limits. Uploads of evidence are passed on in slices as they come, so that what a bad
network brought is soon on disk, whatever happens to the rest. The view gets several PATCH requests, each with the
true offset and a Content-Length of all that is still to come, of which it stores what is there.
"""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, BinaryIO, Protocol

from django.conf import settings

from config import env
from config.request_body import BodyAborted, BodyLimits, BodyTotals, RequestBody
from config.wsgi import application

Headers = list[tuple[str, str]]
Response = tuple[int, Headers, bytes | Iterator[bytes]]

UPLOAD_PREFIX = "/api/v1/evidence/"
BLOCK_BYTES = 64 * 1024


LIMITS_BY_PREFIX = (
    BodyLimits("/api/openrosa/", settings.OPENROSA_BYTES_MAX, 3600.0, allows_partial=True),
    BodyLimits("/api/v1/relay", settings.RELAY_BYTES_MAX, 3600.0),
    BodyLimits("/relay/", 8 * settings.RELAY_BYTES_MAX, 3600.0),  # its form takes 8 files
    BodyLimits("/admin/", 64_000_000, 3600.0),
    BodyLimits("/"),
)


class HttpProtocol(Protocol):
    """Granian's RSGI HTTP protocol: one request's body, and the response."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_stream(self, status: int, headers: Headers) -> Any: ...


class RsgiApplication:
    """The RSGI application."""

    def __init__(self) -> None:
        self.totals = BodyTotals(settings.BODY_SILENCE_SECONDS, settings.DATA_DIR)
        self.threads = ThreadPoolExecutor(env.get_number("WEB_THREADS"), thread_name_prefix="request")

    async def __rsgi__(self, scope: Any, protocol: HttpProtocol) -> None:
        environ = build_environ(scope)
        body = RequestBody(self.totals, aiter(protocol), _get_content_length(environ))
        try:
            if body.remaining_bytes == 0:
                response = await self.run_request(environ, io.BytesIO())
            elif environ["PATH_INFO"].startswith(UPLOAD_PREFIX) and environ["REQUEST_METHOD"] in ("PATCH", "POST"):
                response = await self.handle_upload(environ, body)
            else:
                response = await self.handle_body(environ, body)
        except BodyAborted as aborted:
            if not aborted.status:
                return
            if aborted.status != HTTPStatus.REQUEST_TIMEOUT:
                await body.drain()
            response = _build_refusal(aborted.status)
        finally:
            body.close()
        await self.send_response(protocol, response)

    async def handle_body(self, environ: dict[str, Any], body: RequestBody) -> Response:
        """Reads the whole body and runs the request."""
        limits = next(limits for limits in LIMITS_BY_PREFIX if environ["PATH_INFO"].startswith(limits.prefix))
        if body.length is None or body.length <= limits.max_bytes:
            return await self.run_request(environ, await body.read_whole(limits))
        response = await self.run_request(environ, io.BytesIO())  # the view answers how much it accepts
        await body.drain()
        return response

    async def handle_upload(self, environ: dict[str, Any], body: RequestBody) -> Response:
        """Runs a request for each slice of an upload.

        Stops where one is not accepted or the body ends. Returns the last one's response.
        """
        response: Response | None = None
        while True:
            if body.length is not None:
                environ["CONTENT_LENGTH"] = str(body.remaining_bytes)
            data, aborted = await body.read_slice()
            if aborted and not data:
                raise aborted
            if data or response is None:
                response = await self.run_request(dict(environ), io.BytesIO(data))
                body.release_memory()
            if aborted:
                raise aborted
            if response[0] != HTTPStatus.NO_CONTENT or body.remaining_bytes == 0 or not data:
                break
            environ["HTTP_UPLOAD_OFFSET"] = next(value for name, value in response[1] if name == "Upload-Offset")
        await body.drain()
        return response

    async def run_request(self, environ: dict[str, Any], body: BinaryIO) -> Response:
        """Returns the cached response, else runs Django in a thread."""
        if (cached := application.find_cached_response(environ)) is not None:
            return cached  # needs no thread
        environ["wsgi.input"] = body
        return await asyncio.get_running_loop().run_in_executor(self.threads, _run_django, environ)

    async def send_response(self, protocol: HttpProtocol, response: Response) -> None:
        status, headers, body = response
        if isinstance(body, bytes):
            protocol.response_bytes(status, headers, body)
            return
        loop = asyncio.get_running_loop()
        stream = protocol.response_stream(status, headers)
        try:
            while block := await loop.run_in_executor(self.threads, _read_block, body):
                await stream.send_bytes(block)
        except (RuntimeError, OSError):
            return  # the client is gone
        finally:
            await loop.run_in_executor(self.threads, body.close)  # type: ignore[attr-defined]


def build_environ(scope: Any) -> dict[str, Any]:
    """Builds the WSGI environ of a request.

    Headers with `_` in their names are dropped: they could pose as others.
    """
    host, _colon, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _FileBlocks,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


class _FileBlocks:
    """A file to send, in blocks large enough to be worth a thread."""

    def __init__(self, file: BinaryIO, block: int = BLOCK_BYTES) -> None:
        self.file = file

    def __iter__(self) -> Iterator[bytes]:
        while block := self.file.read(BLOCK_BYTES):
            yield block

    def close(self) -> None:
        self.file.close()


class _StreamedBody:
    """A streamed response body, with its `close`."""

    def __init__(self, parts: Any) -> None:
        self.parts: Iterator[bytes] = iter(parts)
        self.close = getattr(parts, "close", lambda: None)

    def __iter__(self) -> Iterator[bytes]:
        return self.parts

    def __next__(self) -> bytes:
        return next(self.parts)


def _run_django(environ: dict[str, Any]) -> Response:
    """Runs Django, in a thread."""
    started: list[Any] = []

    def start(status: str, headers: Headers, _exc: Any = None) -> Any:
        started.extend((int(status[:3]), headers))

    parts: Any = application(environ, start)
    status, headers = started
    if getattr(parts, "streaming", True):
        return status, headers, _StreamedBody(parts)
    try:
        return status, headers, b"".join(parts)
    finally:
        parts.close()


def _read_block(stream: Iterator[bytes]) -> bytes:
    """Returns the next block of a stream; small parts are joined."""
    parts: list[bytes] = []
    size = 0
    for part in stream:
        parts.append(part)
        size += len(part)
        if size >= BLOCK_BYTES:
            break
    return b"".join(parts)


def _get_content_length(environ: dict[str, Any]) -> int | None:
    """Returns the body's length in bytes; None where it is chunked.

    The server has already refused a value that is no number.
    """
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    return int(environ.get("CONTENT_LENGTH") or 0)


def _build_refusal(status: int) -> Response:
    """Builds a problem response in English.

    No person reads it: programs send such bodies.
    """
    code, detail = {
        408: ("timeout", "The body did not come in time. What an upload brought is kept; go on where it stands."),
        413: ("too_large", "The body is larger than what is taken here."),
        503: ("unavailable", "Many large bodies at the moment. Nothing was stored; send it again in a moment."),
    }[status]
    title = HTTPStatus(status).phrase
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail})
    headers = [("Content-Type", "application/problem+json"), ("Connection", "close")]
    return status, [*headers, *([("Retry-After", "5")] if status == 503 else [])], body.encode()


rsgi_application = RsgiApplication()
