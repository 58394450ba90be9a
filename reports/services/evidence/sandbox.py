"""Examination of files in a child process with limits.

So a file that crashes or blocks its decoder does no harm. The child is started when it is first needed and
examines many files. It has no database, settings or keys, and its time and memory are limited: a child that
exceeds them is killed, and the next file gets a new one. Run as `python -m reports.services.evidence.sandbox`,
this module is that child. It reads one request per line from standard input and answers each with a line of
JSON, followed by the bytes of the copies.
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
from reports.services.evidence.pictures import CaptureDetails, Findings

TIMEOUT_SECONDS = 30.0  # for one file; a large picture takes about one second
MAX_FILES_PER_CHILD = 200  # then a new child is started, which frees memory that decoders leak
BASE_MEMORY_BYTES = 512 * 2**20  # address space of the child without a picture
MEMORY_BYTES_PER_PIXEL = 12  # 4 bytes each for the decoded, the copied and the scaled picture
MAX_ANSWER_LINE_BYTES = 4_000_000  # of the line of JSON; the bounds of the metadata are far below
ROOT = Path(__file__).resolve().parents[3]


class DecoderDied(LookupError):
    """The child died over this file, or had to be killed."""


def examine_in_sandbox(path: Path, *, announced: str, max_pixels: int) -> Findings:
    """Like `pictures.examine_file`, in another process. Raises DecoderDied too."""
    with _lock:
        return _get_child().examine({"path": str(path.absolute()), "announced": announced, "max_pixels": max_pixels})


@dataclass
class _DecoderProcess:
    process: "subprocess.Popen[bytes]"
    owner: int  # process id; a forked process must not use the child of its parent
    files: int = 0

    def examine(self, request: dict[str, Any]) -> Findings:
        self.files += 1
        timer = Timer(TIMEOUT_SECONDS, self.process.kill)
        timer.daemon = True
        timer.start()
        try:
            return self._exchange(request)
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.stop()
            raise DecoderDied(f"the decoder died over {request['path']}") from error
        finally:
            timer.cancel()

    def _exchange(self, request: dict[str, Any]) -> Findings:
        stdin, stdout = cast(BinaryIO, self.process.stdin), cast(BinaryIO, self.process.stdout)
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        answer = json.loads(stdout.readline(MAX_ANSWER_LINE_BYTES))
        if "missing" in answer:
            raise FileNotFoundError(request["path"])
        copies = [stdout.read(length) for length in answer["lengths"]]
        if [len(copy) for copy in copies] != answer["lengths"]:
            raise ValueError("the answer breaks off")
        taken_at, has_zone, lat, lon = answer["taken"]
        capture = CaptureDetails(datetime.fromisoformat(taken_at) if taken_at else None, has_zone, lat, lon)
        return Findings(answer["media_type"], answer["flag"], answer["metadata"], capture, *copies)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # closing fails where data was not sent yet
                cast(BinaryIO, pipe).close()


_lock = Lock()
_current_child: _DecoderProcess | None = None


def _get_child() -> _DecoderProcess:
    global _current_child
    if _current_child is not None and _current_child.owner == os.getpid():
        if _current_child.files < MAX_FILES_PER_CHILD and _current_child.process.poll() is None:
            return _current_child
        _current_child.stop()
    process = subprocess.Popen(
        [sys.executable, "-m", "reports.services.evidence.sandbox"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    _current_child = _DecoderProcess(process, os.getpid())
    return _current_child


# ── the child ───────────────────────────────────────────────────────────────────────────────
def serve_requests(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests until the parent process closes the pipe."""
    for line in requests:
        request = json.loads(line)
        _set_limits(request["max_pixels"])
        try:
            findings = pictures.examine_file(
                Path(request["path"]), announced=request["announced"], max_pixels=request["max_pixels"]
            )
        except OSError:
            answers.write(b'{"missing": true}\n')
        else:
            answers.write(_encode_answer(findings))
        answers.flush()


def _set_limits(max_pixels: int) -> None:
    """Limits this process's memory and processor time.

    The processor time is limited anew for each file, in case the parent cannot kill this process.
    """
    memory_bytes = BASE_MEMORY_BYTES + max_pixels * MEMORY_BYTES_PER_PIXEL
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + TIMEOUT_SECONDS + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _encode_answer(findings: Findings) -> bytes:
    capture = findings.capture
    head = {
        "media_type": findings.media_type,
        "flag": findings.flag,
        "metadata": findings.metadata,
        "taken": [capture.taken_at.isoformat() if capture.taken_at else "", capture.has_zone, capture.lat, capture.lon],
        "lengths": [len(findings.copy), len(findings.thumbnail)],
    }
    return json.dumps(head).encode() + b"\n" + findings.copy + findings.thumbnail


if __name__ == "__main__":
    # Problems of a file are in its findings; files from outside must not write into the log.
    warnings.simplefilter("ignore")
    serve_requests(sys.stdin.buffer, sys.stdout.buffer)
