"""`python -m benchmarks [--stored 10000,1000000] [--seconds 10] [--only NAME,…]` prints a table of what was measured.

PostgreSQL runs with `fsync` and `synchronous_commit` on, with Redis, two web processes and one
worker as in a full deployment, on the same cores as the load generator. Timings are noisy:
compare lines of one run, not of two.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts import services

NAMES = (
    "bare",
    "single",
    "batch",
    "photo",
    "batch_photo",
    "delay",
    "recompute",
    "pages",
    "desk",
    "exports",
    "openrosa",
    "openrosa_photo",
    "public",
    "memory",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--stored", default="10000,1000000", help="reports in the database, one run each")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--only", default=",".join(NAMES), help=f"of {', '.join(NAMES)}")
    arguments = parser.parse_args()
    with services.temporary_folder() as folder, services.full(folder) as environment:
        os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "ERROR"}
        manage("migrate", "-v0")
        inner = [sys.executable, "-m", "benchmarks.measure", arguments.stored, str(arguments.seconds), arguments.only]
        conditions()
        sys.exit(subprocess.run(inner, check=False).returncode)


def manage(*words: str) -> None:
    subprocess.run([sys.executable, "manage.py", *words], check=True)


def conditions() -> None:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    print(f"{os.cpu_count()} cores of {cpu}, Python {platform.python_version()}, fsync and synchronous_commit on")


@contextmanager
def deployment(
    *, worker: bool = True, web: Sequence[str] = ("config.serve",)
) -> Iterator[tuple[int, dict[str, subprocess.Popen[bytes]]]]:
    """Web (and worker) processes on a free port, with this process's environment; the port and the processes.

    `web` is the module that serves, with its arguments; PORT says where.
    """
    port = services.free_port()
    environment = os.environ | {"PORT": str(port), "GRANIAN_PORT": str(port)}
    with ExitStack() as stack:
        processes = {"web": start(stack, [sys.executable, "-m", *web], environment)}
        if worker:
            celery = [sys.executable, "-m", "celery", "-A", "config.celery"]
            processes["worker"] = start(stack, [*celery, "worker", "-c", "2", "-l", "error"], environment)
            processes["beat"] = start(stack, [*celery, "beat", "-l", "error"], environment)
        services.wait_for(lambda: services.accepts(port), "the web server")
        yield port, processes


def start(stack: ExitStack, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(end, process)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
