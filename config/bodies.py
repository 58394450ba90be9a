"""The bodies of requests as they come over the network: within bounds of silence, time and size.

A body is held in memory, a large one in an unlinked file; all of a process together within bounds too.
"""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SLICE, SLICE_SECONDS = 512 * 1024, 10.0  # an upload is passed on after so many bytes, or so long
IN_MEMORY = 256 * 1024  # bytes of one body
HELD, SPILLED = 256_000_000, 4_000_000_000  # bytes of all bodies of this process, in memory and in files
DRAIN, DRAIN_SECONDS = 32_000_000, 10.0  # of a refused body: who is cut off while sending reads no answer


@dataclass(frozen=True)
class Place:
    """What bodies below an address may be: how many bytes, taking how many seconds in all."""

    start: str
    bytes: int = 10_500_000
    seconds: float = 120.0
    in_part: bool = False  # what came before a cut is worth something to the view


@dataclass
class Room:
    """What all bodies of this process share: how long one may be silent, where large ones lie, how much is here."""

    silence: float
    folder: Path
    held: int = 0
    spilled: int = 0


class Cut(Exception):
    """The body will not come whole. `status` is the answer, 0 where nobody is left to read one."""

    def __init__(self, status: int) -> None:
        self.status = status


class Body:
    """One request's body, read piece by piece within the bounds above."""

    def __init__(self, room: Room, pieces: AsyncIterator[bytes], length: int | None) -> None:
        self.room = room
        self.pieces = pieces
        self.length = length  # None: it comes in chunks without saying
        self.came = 0
        self.held = self.spilled = 0
        self.next: asyncio.Task[bytes] | None = None

    @property
    def left(self) -> int | None:
        return None if self.length is None else self.length - self.came

    def hold(self, count: int) -> None:
        """Counts bytes as held in memory. Raises Cut where this process holds too many already."""
        self.held += count
        self.room.held += count
        if self.room.held > HELD:
            raise Cut(503)

    def release(self) -> None:
        self.room.held -= self.held
        self.held = 0

    def spill(self, kept: io.BytesIO) -> BinaryIO:
        """A file with what was held in memory."""
        file: BinaryIO = tempfile.TemporaryFile(dir=self.room.folder)  # noqa: SIM115
        file.write(kept.getvalue())
        self.spilled = len(kept.getvalue())
        self.room.spilled += self.spilled
        self.release()
        return file

    async def whole(self, place: Place) -> BinaryIO:
        """All of it, or what came of it where a part is worth something. Raises Cut."""
        clock = asyncio.get_running_loop().time
        until = clock() + place.seconds
        kept: BinaryIO = io.BytesIO()
        try:
            async with asyncio.timeout(self.room.silence) as limit:
                while piece := await self._piece():
                    if self.came > place.bytes:
                        raise Cut(413)
                    kept = self._keep(kept, piece)
                    limit.reschedule(min(until, clock() + self.room.silence))
        except TimeoutError:
            if not place.in_part:
                raise Cut(408) from None
        except OSError:  # no room left for it
            raise Cut(503) from None
        except Cut as cut:
            if cut.status or not place.in_part:
                raise
        kept.seek(0)
        return kept

    def _keep(self, kept: BinaryIO, piece: bytes) -> BinaryIO:
        if self.came > IN_MEMORY and isinstance(kept, io.BytesIO):
            kept = self.spill(kept)
        kept.write(piece)
        if isinstance(kept, io.BytesIO):
            self.hold(len(piece))
            return kept
        self.spilled += len(piece)
        self.room.spilled += len(piece)
        if self.room.spilled > SPILLED:
            raise Cut(503)
        return kept

    async def slice(self) -> tuple[bytes, Cut | None]:
        """The next part of an upload, and why nothing comes after it, if so."""
        kept = bytearray()
        try:
            if self.next is None and self.left is not None and self.left <= SLICE:
                await self._last(kept)
            else:
                await self._some(kept)
        except TimeoutError:
            return bytes(kept), Cut(408)
        except Cut as cut:
            return bytes(kept), cut
        return bytes(kept), None

    async def _last(self, kept: bytearray) -> None:
        """All that is left, into `kept`: the common case, without a task for every piece."""
        clock = asyncio.get_running_loop().time
        async with asyncio.timeout(self.room.silence) as limit:
            while piece := await self._piece():
                kept += piece
                self.hold(len(piece))
                limit.reschedule(clock() + self.room.silence)

    async def _some(self, kept: bytearray) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + SLICE_SECONDS
        while len(kept) < SLICE and self.left != 0:
            piece = await self._piece_within(
                min(self.room.silence, max(0.0, until - clock())) if kept else self.room.silence
            )
            if piece is None and not kept:
                raise TimeoutError
            if not piece:
                return
            kept += piece
            self.hold(len(piece))

    async def drain(self) -> None:
        """Reads on and forgets, within bounds."""
        if self.left is None or self.left > DRAIN:
            return
        clock = asyncio.get_running_loop().time
        until = clock() + DRAIN_SECONDS
        try:
            while await self._piece_within(max(0.0, until - clock())):
                pass
        except Cut:
            return

    async def _piece(self) -> bytes:
        """What comes next, b"" at the end. Raises Cut. Whoever gives up waiting for it cannot read on."""
        if self.left == 0:
            return b""
        try:
            piece: bytes = await self.pieces.__anext__()
        except StopAsyncIteration:
            piece = b""
        except (RuntimeError, OSError):  # what Granian raises for a connection that broke
            raise Cut(0) from None
        self.came += len(piece)
        if not piece and self.left:
            raise Cut(0)
        return piece

    async def _piece_within(self, seconds: float) -> bytes | None:
        """As `_piece`; None where nothing came in time, after which one may ask again."""
        self.next = self.next or asyncio.ensure_future(self._piece())
        done, _pending = await asyncio.wait({self.next}, timeout=seconds)
        if not done:
            return None
        piece, self.next = self.next.result(), None
        return piece

    def close(self) -> None:
        self.release()
        self.room.spilled -= self.spilled
        if self.next is not None:
            self.next.cancel()
