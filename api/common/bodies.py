"""The bodies of large requests: read as they come, never beyond their length, and never by every thread at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from reports.problems import Rejected

SLOW = 2.0  # seconds after which an upload counts as slow


def busy() -> Rejected:
    return Rejected("unavailable", _("Many slow uploads at the moment. What came is kept; go on in a moment."))


class Reader:
    """The request's body: never read beyond its length, and no further once this server is crowded."""

    def __init__(self, body: BinaryIO, length: int | None) -> None:
        self.body = body
        self.left = length
        self.shed = False
        self.enough = bool  # called before each read: True where room must be made

    def read(self, size: int) -> bytes:
        if self.left is not None:
            size = min(size, self.left)
        if size <= 0:
            return b""
        if self.enough():
            self.shed = True
            return b""
        piece = self.body.read(size)
        if self.left is not None:
            self.left -= len(piece)
        return piece

    def drain(self, most: int) -> None:
        """Reads on and forgets, where little is left: answers sent into a full pipe are lost."""
        if self.left is None or self.left > most:
            return
        self.enough = bool
        try:
            while self.read(64 * 1024):
                pass
        except OSError:
            return


class Crowd:
    """Keeps slow uploads from taking every thread of this process, so that reports always find one.

    A thread reads one upload; on a bad network that takes minutes. Up to `settings.UPLOADS_SLOW_MAX`
    uploads may be slow at once. While so many are, none is begun, and the youngest slow ones are cut
    short: what they brought is kept, and their phones go on where they were.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._began: dict[object, float] = {}

    @contextmanager
    def enter(self) -> Iterator[Any]:
        """A function that says whether the caller has to stop. Raises Rejected `unavailable` at once if crowded."""
        me = object()
        with self._lock:
            if len(self._slow(time.monotonic())) >= settings.UPLOADS_SLOW_MAX:
                raise busy()
            self._began[me] = time.monotonic()
        try:
            yield lambda: self._is_too_many(me)
        finally:
            with self._lock:
                del self._began[me]

    def _slow(self, now: float) -> list[object]:
        return [one for one, began in self._began.items() if now - began > SLOW]

    def _is_too_many(self, me: object) -> bool:
        with self._lock:
            return me in self._slow(time.monotonic())[settings.UPLOADS_SLOW_MAX :]


crowd = Crowd()
