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

MEASUREMENTS = (
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
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help=f"of {', '.join(MEASUREMENTS)}")
    arguments = parser.parse_args()
    with services.temporary_folder() as folder, services.run_full_services(folder) as environment:
        os.environ |= environment | {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "ERROR"}
        run_manage_command("migrate", "-v0")
        inner = [sys.executable, "-m", "benchmarks.measure", arguments.stored, str(arguments.seconds), arguments.only]
        print_conditions()
        sys.exit(subprocess.run(inner, check=False).returncode)


def run_manage_command(*words: str) -> None:
    subprocess.run([sys.executable, "manage.py", *words], check=True)


def print_conditions() -> None:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    print(f"{os.cpu_count()} cores of {cpu}, Python {platform.python_version()}, fsync and synchronous_commit on")


@contextmanager
def run_deployment(
    *, worker: bool = True, web: Sequence[str] = ("config.serve",)
) -> Iterator[tuple[int, dict[str, subprocess.Popen[bytes]]]]:
    """Runs web (and worker) processes on a free port.

    Yields the port and the processes, which get this process's environment. `web` is the module that serves, with
    its arguments; PORT is where it listens.
    """
    port = services.find_free_port()
    environment = os.environ | {"PORT": str(port), "GRANIAN_PORT": str(port)}
    with ExitStack() as stack:
        processes = {"web": start_process(stack, [sys.executable, "-m", *web], environment)}
        if worker:
            celery = [sys.executable, "-m", "celery", "-A", "config.celery"]
            processes["worker"] = start_process(stack, [*celery, "worker", "-c", "2", "-l", "error"], environment)
            processes["beat"] = start_process(stack, [*celery, "beat", "-l", "error"], environment)
        services.wait_for(lambda: services.accepts_connections(port), "the web server")
        yield port, processes


def start_process(stack: ExitStack, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(stop_process, process)
    return process


def stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
