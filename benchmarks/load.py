"""A closed-loop load generator that costs little: prebuilt requests over kept connections.

It shares the machine with what it measures, so every microsecond it saves is measured elsewhere.
"""

import json
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Barrier, Thread
from time import perf_counter


@dataclass
class Result:
    """What one run saw: requests that answered 2xx a second, latencies in milliseconds, other answers, bytes of bodies."""

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
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Connection:
    """One HTTP/1.1 connection, kept open."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self.socket.sendall(request)
        buffer = self.rest
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += self._more()
        head = buffer[:end].lower()
        now = head.find(b"content-length:")
        length = int(head[now + 15 :].split(b"\r\n", 1)[0]) if now >= 0 else 0
        body = buffer[end + 4 :]
        while len(body) < length:
            body += self._more()
        self.rest = body[length:]
        return int(head[9:12]), body[:length]

    def _more(self) -> bytes:
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def post_json(path: str, document: object, token: str) -> bytes:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return request("POST", path, body, Authorization=f"Bearer {token}", Content_Type="application/json")


def closed_loop(port: int, units: Iterator[Sequence[bytes]], connections: int, seconds: float, per_unit: int) -> Result:
    """Sends units (each one or more requests in order) over `connections` connections for `seconds`.

    A unit counts when every request of it is answered 2xx. Units are built before the clock starts.
    """
    stock = [list(units_of) for units_of in _deal(units, connections)]
    result = Result(per_unit=per_unit)
    gate = Barrier(connections + 1)
    parts = [Result() for _ in range(connections)]
    threads = [
        Thread(target=_worker, args=(port, stock[n], gate, seconds, parts[n]), daemon=True) for n in range(connections)
    ]
    for thread in threads:
        thread.start()
    gate.wait()
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


def _deal(units: Iterator[Sequence[bytes]], hands: int) -> list[list[Sequence[bytes]]]:
    dealt: list[list[Sequence[bytes]]] = [[] for _ in range(hands)]
    for number, unit in enumerate(units):
        dealt[number % hands].append(unit)
    return dealt


def _worker(port: int, units: list[Sequence[bytes]], gate: Barrier, seconds: float, part: Result) -> None:
    connection = Connection(port)
    gate.wait()
    until = perf_counter() + seconds
    for unit in units:
        started = perf_counter()
        if started > until:
            break
        good = True
        for one in unit:
            status, body = connection.send(one)
            part.statuses[status] += 1
            part.size += len(body)
            good = good and 200 <= status < 300
        part.units += good
        part.latencies.append(perf_counter() - started)
