"""A closed-loop load generator with little overhead.

It sends prebuilt requests over kept connections. It shares the machine with what it measures, so its own work slows
the server.
"""

import json
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Barrier, Thread
from time import perf_counter


@dataclass
class LoadResult:
    """The result of one run.

    Units whose requests all got 2xx, latencies in seconds, answers by status, bytes of bodies.
    """

    seconds: float = 0.0
    units: int = 0
    per_unit: int = 1
    size: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.units * self.per_unit / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """Returns a quantile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Connection:
    """One HTTP/1.1 connection that is kept open."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.leftover = b""

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Returns status and body of the answer."""
        self.socket.sendall(request)
        buffer = self.leftover
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += self._receive()
        head = buffer[:end].lower()
        length_at = head.find(b"content-length:")
        length = int(head[length_at + 15 :].split(b"\r\n", 1)[0]) if length_at >= 0 else 0
        body = buffer[end + 4 :]
        while len(body) < length:
            body += self._receive()
        self.leftover = body[length:]
        return int(head[9:12]), body[:length]

    def _receive(self) -> bytes:
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece


def build_request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def build_json_post(path: str, document: object, token: str) -> bytes:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return build_request("POST", path, body, Authorization=f"Bearer {token}", Content_Type="application/json")


def run_closed_loop(
    port: int, units: Iterator[Sequence[bytes]], connections: int, seconds: float, per_unit: int
) -> LoadResult:
    """Sends units over `connections` connections for `seconds`.

    A unit is one or more requests in order. It counts when every request of it is answered 2xx. Units are built
    before the clock starts.
    """
    queues = [list(units_of) for units_of in _distribute(units, connections)]
    result = LoadResult(per_unit=per_unit)
    barrier = Barrier(connections + 1)
    parts = [LoadResult() for _ in range(connections)]
    threads = [
        Thread(target=_run_connection, args=(port, queues[n], barrier, seconds, parts[n]), daemon=True)
        for n in range(connections)
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    started = perf_counter()
    for thread in threads:
        thread.join()
    result.seconds = perf_counter() - started
    for part in parts:
        result.units += part.units
        result.size += part.size
        result.statuses += part.statuses
        result.latencies += part.latencies
    return result


def _distribute(units: Iterator[Sequence[bytes]], count: int) -> list[list[Sequence[bytes]]]:
    queues: list[list[Sequence[bytes]]] = [[] for _ in range(count)]
    for number, unit in enumerate(units):
        queues[number % count].append(unit)
    return queues


def _run_connection(
    port: int, units: list[Sequence[bytes]], barrier: Barrier, seconds: float, part: LoadResult
) -> None:
    connection = Connection(port)
    barrier.wait()
    deadline = perf_counter() + seconds
    for unit in units:
        started = perf_counter()
        if started > deadline:
            break
        succeeded = True
        for one in unit:
            status, body = connection.send(one)
            part.statuses[status] += 1
            part.size += len(body)
            succeeded = succeeded and 200 <= status < 300
        part.units += succeeded
        part.latencies.append(perf_counter() - started)
