"""Looks at a file in a process of its own, so that one that hangs or breaks its decoder harms nobody.

The child is started when first needed, lives for many files, has no rows, settings or keys, and may
take only so much time and memory; one that takes more is killed, and the next file gets another.
Run as `python -m reports.services.evidence.sandbox`, this module is that child: a request a line on its
standard input, and for each an answer, a line of JSON followed by the bytes of the copies.
"""

import json
import os
import resource
import subprocess
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock, Timer
from typing import Any, BinaryIO, cast

from reports.services.evidence import pictures
from reports.services.evidence.pictures import Findings, Taken

SECONDS = 30.0  # for one file; a large picture takes about one
FILES = 200  # that one child looks at: whatever a decoder leaks ends with it
MEMORY = 512 * 2**20  # bytes of address space for the child itself
BYTES_A_PIXEL = 12  # and for a picture: 4 in memory, decoded, copied and scaled
LINE_MAX = 4_000_000  # bytes of an answer's first line; metadata are bounded far below
ROOT = Path(__file__).resolve().parents[2]


class Died(LookupError):
    """The child died over this file, or had to be killed."""


def look(path: Path, *, announced: str, pixels_max: int) -> Findings:
    """As `pictures.examine`, from another process. Raises Died too."""
    with _lock:
        return _child().ask({"path": str(path.absolute()), "announced": announced, "pixels_max": pixels_max})


@dataclass
class _Child:
    process: "subprocess.Popen[bytes]"
    owner: int  # a forked process must not speak to its parent's child
    files: int = 0

    def ask(self, request: dict[str, Any]) -> Findings:
        self.files += 1
        timer = Timer(SECONDS, self.process.kill)
        timer.daemon = True
        timer.start()
        try:
            return self._asked(request)
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.end()
            raise Died(f"the decoder died over {request['path']}") from error
        finally:
            timer.cancel()

    def _asked(self, request: dict[str, Any]) -> Findings:
        stdin, stdout = cast(BinaryIO, self.process.stdin), cast(BinaryIO, self.process.stdout)
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        answer = json.loads(stdout.readline(LINE_MAX))
        if "missing" in answer:
            raise FileNotFoundError(request["path"])
        copies = [stdout.read(length) for length in answer["lengths"]]
        if [len(copy) for copy in copies] != answer["lengths"]:
            raise ValueError("the answer breaks off")
        now, zoned, lat, lon = answer["taken"]
        taken = Taken(datetime.fromisoformat(now) if now else None, zoned, lat, lon)
        return Findings(answer["media_type"], answer["flag"], answer["metadata"], taken, *copies)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # over what was not sent yet
                cast(BinaryIO, pipe).close()


_lock = Lock()
_current: _Child | None = None


def _child() -> _Child:
    global _current
    if _current is not None and _current.owner == os.getpid():
        if _current.files < FILES and _current.process.poll() is None:
            return _current
        _current.end()
    process = subprocess.Popen(
        [sys.executable, "-m", "reports.services.evidence.sandbox"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    _current = _Child(process, os.getpid())
    return _current


# ── the child ───────────────────────────────────────────────────────────────────────────────
def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers until its parent is gone."""
    for line in requests:
        request = json.loads(line)
        _limit(request["pixels_max"])
        try:
            found = pictures.examine(
                Path(request["path"]), announced=request["announced"], pixels_max=request["pixels_max"]
            )
        except OSError:
            answers.write(b'{"missing": true}\n')
        else:
            answers.write(_answer(found))
        answers.flush()


def _limit(pixels_max: int) -> None:
    """Memory once and for all files; processor seconds anew for each, should the parent be unable to kill."""
    memory = MEMORY + pixels_max * BYTES_A_PIXEL
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + SECONDS + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer(found: Findings) -> bytes:
    taken = found.taken
    head = {
        "media_type": found.media_type,
        "flag": found.flag,
        "metadata": found.metadata,
        "taken": [taken.at.isoformat() if taken.at else "", taken.zoned, taken.lat, taken.lon],
        "lengths": [len(found.copy), len(found.thumbnail)],
    }
    return json.dumps(head).encode() + b"\n" + found.copy + found.thumbnail


if __name__ == "__main__":
    # What is wrong with a file is in its findings; a stranger's file writes nothing into the log.
    warnings.simplefilter("ignore")
    serve(sys.stdin.buffer, sys.stdout.buffer)
