"""Reads request bodies from the network, with limits of silence, time and size.

A body is held in memory, a large one in an unlinked file. There is also a limit for all bodies of a process
together.
"""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SLICE_BYTES, MAX_SLICE_SECONDS = 512 * 1024, 10.0  # an upload is passed on after so many bytes or seconds
MAX_MEMORY_BYTES = 256 * 1024  # of one body
MAX_HELD_BYTES = 256_000_000  # of all bodies of this process, in memory
MAX_SPILLED_BYTES = 4_000_000_000  # of all bodies of this process, in files
MAX_DRAIN_BYTES, MAX_DRAIN_SECONDS = (
    32_000_000,
    10.0,
)  # of a refused body: a client that is cut off while sending does not read the answer


@dataclass(frozen=True)
class BodyLimits:
    """Limits of bodies below an address: bytes, and seconds in all."""

    prefix: str
    max_bytes: int = 10_500_000
    max_seconds: float = 120.0
    allows_partial: bool = False  # the view can use a body that was cut off


@dataclass
class BodyTotals:
    """What all bodies of this process share.

    How long one may be silent, where large ones are stored, and how much is held.
    """

    max_silence_seconds: float
    spill_dir: Path
    held_bytes: int = 0
    spilled_bytes: int = 0


class BodyAborted(Exception):
    """The body will not come to its end.

    `status` is the status of the answer, 0 where the client is gone.
    """

    def __init__(self, status: int) -> None:
        self.status = status


class RequestBody:
    """One request's body, read piece by piece within the limits."""

    def __init__(self, totals: BodyTotals, pieces: AsyncIterator[bytes], length: int | None) -> None:
        self.totals = totals
        self.pieces = pieces
        self.length = length  # None: it is chunked
        self.received_bytes = 0
        self.held_bytes = self.spilled_bytes = 0
        self.next_piece: asyncio.Task[bytes] | None = None

    @property
    def remaining_bytes(self) -> int | None:
        return None if self.length is None else self.length - self.received_bytes

    def count_held(self, count: int) -> None:
        """Counts bytes held in memory.

        Raises BodyAborted where this process holds too many.
        """
        self.held_bytes += count
        self.totals.held_bytes += count
        if self.totals.held_bytes > MAX_HELD_BYTES:
            raise BodyAborted(503)

    def release_memory(self) -> None:
        self.totals.held_bytes -= self.held_bytes
        self.held_bytes = 0

    def spill_to_file(self, buffer: io.BytesIO) -> BinaryIO:
        """Moves what is held in memory to a file."""
        file: BinaryIO = tempfile.TemporaryFile(dir=self.totals.spill_dir)  # noqa: SIM115
        file.write(buffer.getvalue())
        self.spilled_bytes = len(buffer.getvalue())
        self.totals.spilled_bytes += self.spilled_bytes
        self.release_memory()
        return file

    async def read_whole(self, limits: BodyLimits) -> BinaryIO:
        """Returns the whole body.

        Where `limits` allow a partial one: what came of it. Raises BodyAborted.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + limits.max_seconds
        buffer: BinaryIO = io.BytesIO()
        try:
            async with asyncio.timeout(self.totals.max_silence_seconds) as timeout:
                while piece := await self._read_piece():
                    if self.received_bytes > limits.max_bytes:
                        raise BodyAborted(413)
                    buffer = self._store_piece(buffer, piece)
                    timeout.reschedule(min(deadline, clock() + self.totals.max_silence_seconds))
        except TimeoutError:
            if not limits.allows_partial:
                raise BodyAborted(408) from None
        except OSError:  # the disk is full
            raise BodyAborted(503) from None
        except BodyAborted as aborted:
            if aborted.status or not limits.allows_partial:
                raise
        buffer.seek(0)
        return buffer

    def _store_piece(self, buffer: BinaryIO, piece: bytes) -> BinaryIO:
        if self.received_bytes > MAX_MEMORY_BYTES and isinstance(buffer, io.BytesIO):
            buffer = self.spill_to_file(buffer)
        buffer.write(piece)
        if isinstance(buffer, io.BytesIO):
            self.count_held(len(piece))
            return buffer
        self.spilled_bytes += len(piece)
        self.totals.spilled_bytes += len(piece)
        if self.totals.spilled_bytes > MAX_SPILLED_BYTES:
            raise BodyAborted(503)
        return buffer

    async def read_slice(self) -> tuple[bytes, BodyAborted | None]:
        """Returns the next slice of an upload, and why none can follow it."""
        buffer = bytearray()
        try:
            if self.next_piece is None and self.remaining_bytes is not None and self.remaining_bytes <= SLICE_BYTES:
                await self._read_last_pieces(buffer)
            else:
                await self._read_some_pieces(buffer)
        except TimeoutError:
            return bytes(buffer), BodyAborted(408)
        except BodyAborted as aborted:
            return bytes(buffer), aborted
        return bytes(buffer), None

    async def _read_last_pieces(self, buffer: bytearray) -> None:
        """Reads all that is left into `buffer`.

        This is the common case; it needs no task for each piece.
        """
        clock = asyncio.get_running_loop().time
        async with asyncio.timeout(self.totals.max_silence_seconds) as timeout:
            while piece := await self._read_piece():
                buffer += piece
                self.count_held(len(piece))
                timeout.reschedule(clock() + self.totals.max_silence_seconds)

    async def _read_some_pieces(self, buffer: bytearray) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + MAX_SLICE_SECONDS
        while len(buffer) < SLICE_BYTES and self.remaining_bytes != 0:
            piece = await self._read_piece_within(
                min(self.totals.max_silence_seconds, max(0.0, deadline - clock()))
                if buffer
                else self.totals.max_silence_seconds
            )
            if piece is None and not buffer:
                raise TimeoutError
            if not piece:
                return
            buffer += piece
            self.count_held(len(piece))

    async def drain(self) -> None:
        """Reads the rest and throws it away, within limits."""
        if self.remaining_bytes is None or self.remaining_bytes > MAX_DRAIN_BYTES:
            return
        clock = asyncio.get_running_loop().time
        deadline = clock() + MAX_DRAIN_SECONDS
        try:
            while await self._read_piece_within(max(0.0, deadline - clock())):
                pass
        except BodyAborted:
            return

    async def _read_piece(self) -> bytes:
        """Returns the next piece, b"" at the end. Raises BodyAborted.

        After a caller has cancelled it, nothing more can be read.
        """
        if self.remaining_bytes == 0:
            return b""
        try:
            piece: bytes = await self.pieces.__anext__()
        except StopAsyncIteration:
            piece = b""
        except (RuntimeError, OSError):  # Granian raises these for a broken connection
            raise BodyAborted(0) from None
        self.received_bytes += len(piece)
        if not piece and self.remaining_bytes:
            raise BodyAborted(0)
        return piece

    async def _read_piece_within(self, seconds: float) -> bytes | None:
        """As `_read_piece`; None where nothing came in time.

        After None it may be called again.
        """
        self.next_piece = self.next_piece or asyncio.ensure_future(self._read_piece())
        done, _pending = await asyncio.wait({self.next_piece}, timeout=seconds)
        if not done:
            return None
        piece, self.next_piece = self.next_piece.result(), None
        return piece

    def close(self) -> None:
        self.release_memory()
        self.totals.spilled_bytes -= self.spilled_bytes
        if self.next_piece is not None:
            self.next_piece.cancel()
