"""Between the server and Django: takes bodies in, so that no thread ever waits for the network.

Granian's event loop carries any number of slow connections. A request is given a thread, of which
there are few, only when its body is here: sixteen phones that fall silent in the middle of a body,
or somebody who sends one byte a minute on purpose, keep nobody else waiting.

`bodies.py` has the bounds. Uploads of evidence are passed on in slices as they come, so that what a bad
network brought is on disk soon whatever happens to the rest: the view gets several PATCH requests,
each with the true offset and with all that is announced still to come, of which it keeps what is there.
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
from config.bodies import Body, Cut, Place, Room
from config.wsgi import application

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes | Iterator[bytes]]

UPLOADS = "/api/v1/evidence/"
BLOCK = 64 * 1024


PLACES = (
    Place("/api/openrosa/", settings.OPENROSA_BYTES_MAX, 3600.0, in_part=True),
    Place("/api/v1/relay", settings.RELAY_BYTES_MAX, 3600.0),
    Place("/relay/", 8 * settings.RELAY_BYTES_MAX, 3600.0),  # a form with as many files as its page takes
    Place("/admin/", 64_000_000, 3600.0),
    Place("/"),
)


class Wire(Protocol):
    """What Granian calls an RSGI HTTP protocol: one request's body, and the way back."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_stream(self, status: int, headers: Headers) -> Any: ...


class Front:
    """The RSGI application."""

    def __init__(self) -> None:
        self.room = Room(settings.BODY_SILENCE_SECONDS, settings.DATA_DIR)
        self.threads = ThreadPoolExecutor(env.number("WEB_THREADS", 16), thread_name_prefix="request")

    async def __rsgi__(self, scope: Any, wire: Wire) -> None:
        environ = environ_of(scope)
        body = Body(self.room, aiter(wire), _length(environ))
        try:
            if body.left == 0:
                answer = await self.ask(environ, io.BytesIO())
            elif environ["PATH_INFO"].startswith(UPLOADS) and environ["REQUEST_METHOD"] in ("PATCH", "POST"):
                answer = await self.upload(environ, body)
            else:
                answer = await self.take(environ, body)
        except Cut as cut:
            if not cut.status:
                return
            if cut.status != HTTPStatus.REQUEST_TIMEOUT:
                await body.drain()
            answer = _refusal(cut.status)
        finally:
            body.close()
        await self.reply(wire, answer)

    async def take(self, environ: dict[str, Any], body: Body) -> Answer:
        place = next(place for place in PLACES if environ["PATH_INFO"].startswith(place.start))
        if body.length is None or body.length <= place.bytes:
            return await self.ask(environ, await body.whole(place))
        answer = await self.ask(environ, io.BytesIO())  # the view says how much it takes
        await body.drain()
        return answer

    async def upload(self, environ: dict[str, Any], body: Body) -> Answer:
        """Passes slices on until one is not taken or nothing comes any more; the last one's answer."""
        answer: Answer | None = None
        while True:
            if body.length is not None:
                environ["CONTENT_LENGTH"] = str(body.left)
            kept, cut = await body.slice()
            if cut and not kept:
                raise cut
            if kept or answer is None:
                answer = await self.ask(dict(environ), io.BytesIO(kept))
                body.release()
            if cut:
                raise cut
            if answer[0] != HTTPStatus.NO_CONTENT or body.left == 0 or not kept:
                break
            environ["HTTP_UPLOAD_OFFSET"] = next(value for name, value in answer[1] if name == "Upload-Offset")
        await body.drain()
        return answer

    async def ask(self, environ: dict[str, Any], body: BinaryIO) -> Answer:
        if (again := application.again(environ)) is not None:
            return again  # worth no thread
        environ["wsgi.input"] = body
        return await asyncio.get_running_loop().run_in_executor(self.threads, _answered, environ)

    async def reply(self, wire: Wire, answer: Answer) -> None:
        status, headers, said = answer
        if isinstance(said, bytes):
            wire.response_bytes(status, headers, said)
            return
        loop = asyncio.get_running_loop()
        way = wire.response_stream(status, headers)
        try:
            while block := await loop.run_in_executor(self.threads, _block, said):
                await way.send_bytes(block)
        except (RuntimeError, OSError):
            return  # whoever asked has gone
        finally:
            await loop.run_in_executor(self.threads, said.close)  # type: ignore[attr-defined]


def environ_of(scope: Any) -> dict[str, Any]:
    """What WSGI calls the environment of a request. Names with `_` are dropped: they could pose as others."""
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
        "wsgi.file_wrapper": _Blocks,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


class _Blocks:
    """A file to be sent, in blocks that are worth a thread's time."""

    def __init__(self, file: BinaryIO, block: int = BLOCK) -> None:
        self.file = file

    def __iter__(self) -> Iterator[bytes]:
        while block := self.file.read(BLOCK):
            yield block

    def close(self) -> None:
        self.file.close()


class _Stream:
    """A streamed answer, and what ends it."""

    def __init__(self, parts: Any) -> None:
        self.parts: Iterator[bytes] = iter(parts)
        self.close = getattr(parts, "close", lambda: None)

    def __iter__(self) -> Iterator[bytes]:
        return self.parts

    def __next__(self) -> bytes:
        return next(self.parts)


def _answered(environ: dict[str, Any]) -> Answer:
    """Runs Django, in a thread."""
    said: list[Any] = []

    def start(status: str, headers: Headers, _exc: Any = None) -> Any:
        said.extend((int(status[:3]), headers))

    parts: Any = application(environ, start)
    status, headers = said
    if getattr(parts, "streaming", True):
        return status, headers, _Stream(parts)
    try:
        return status, headers, b"".join(parts)
    finally:
        parts.close()


def _block(stream: Iterator[bytes]) -> bytes:
    """What a stream says next, small parts put together."""
    parts: list[bytes] = []
    size = 0
    for part in stream:
        parts.append(part)
        size += len(part)
        if size >= BLOCK:
            break
    return b"".join(parts)


def _length(environ: dict[str, Any]) -> int | None:
    """Bytes of the body, None where it comes in chunks. The server has refused what is no number."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    return int(environ.get("CONTENT_LENGTH") or 0)


def _refusal(status: int) -> Answer:
    """A problem in English: whoever sends such bodies has no reader in front of it."""
    code, detail = {
        408: ("timeout", "The body did not come in time. What an upload brought is kept; go on where it stands."),
        413: ("too_large", "The body is larger than what is taken here."),
        503: ("unavailable", "Many large bodies at the moment. Nothing was stored; send it again in a moment."),
    }[status]
    title = HTTPStatus(status).phrase
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail})
    headers = [("Content-Type", "application/problem+json"), ("Connection", "close")]
    return status, [*headers, *([("Retry-After", "5")] if status == 503 else [])], body.encode()


front = Front()
