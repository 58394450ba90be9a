"""Runs the suite: on SQLite, then on PostgreSQL and Redis of its own. A skipped test fails the run.

    python -m scripts.test             everything
    python -m scripts.test quick       the quick part, on SQLite, a process for each core
    python -m scripts.test … -- ARGS   hands ARGS to pytest

Each database gets what holds for it: tests marked `postgresql` run on PostgreSQL only, those marked
`sqlite` or `once` on SQLite only, and everything else on both. Those that drive a browser wait more than they
work, so they run beside the others: four processes with folders and databases of their own.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from scripts import provision, services

QUICK = "not slow and not browser and not postgresql"
EMBEDDED = "not postgresql"
FULL = "not sqlite and not once"
# What a test must not inherit; and without compiled modules each of the processes they start compiles them all anew.
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "FIELD_KEYS",
    "LOOKUP_KEY",
    "ALLOWED_HOSTS",
    "DEBUG",
    "TRUSTED_PROXIES",
    "SSL_REDIRECT",
    "DJANGO_SETTINGS_MODULE",
    "PYTEST_ADDOPTS",
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass
class Suite:
    """One run of pytest. All but the first run beside it, and are read after it."""

    name: str
    outcome: Path
    said: IO[bytes] | None
    process: "subprocess.Popen[bytes]"

    def complaint(self) -> str:
        """What was wrong, empty where all of it passed."""
        code = self.process.wait()
        if self.said:
            self.said.seek(0)
            sys.stdout.flush()
            shutil.copyfileobj(self.said, sys.stdout.buffer)
        if code:
            return f"{self.name}: pytest ended with {code}"
        counts = ElementTree.parse(self.outcome).getroot().find("testsuite")  # noqa: S314
        if counts is None or int(counts.get("tests", 0)) == 0:
            return f"{self.name}: no test ran"
        skipped = int(counts.get("skipped", 0))
        return f"{self.name}: {skipped} skipped, and a test that is not run proves nothing" if skipped else ""


@contextmanager
def suite(
    folder: Path, name: str, environment: dict[str, str], marks: str, arguments: list[str], *, aside: bool = False
) -> Iterator[Suite]:
    """Pytest with the tests that `marks` name. Where it runs `aside`, what it says waits in a file."""
    outcome = folder / f"{name}.xml"
    clean = {k: v for k, v in os.environ.items() if k not in OURS and k.removesuffix("_FILE") not in OURS}
    own = {"DATA_DIR": str(folder / f"data-{name}"), "KEYS_DIR": str(folder / f"keys-{name}"), "LOG_LEVEL": "WARNING"}
    with ExitStack() as stack:
        said = stack.enter_context((folder / f"{name}.log").open("w+b")) if aside else None
        process = subprocess.Popen(  # noqa: S603
            [
                sys.executable,
                "-m",
                "pytest",
                "-m",
                marks,
                f"--junitxml={outcome}",
                "--durations=10",
                "-r",
                "fEs",
                *arguments,
            ],
            env=clean | own | environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            yield Suite(name, outcome, said, process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def apart(environment: dict[str, str]) -> dict[str, str]:
    """The same services, with databases of their own: two suites at once must not empty each other's."""
    database, redis, folder = (environment[name] for name in ("DATABASE_URL", "REDIS_URL", "DATA_DIR"))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE DATABASE apart")
    return environment | {
        "DATABASE_URL": f"{database.rpartition('/')[0]}/apart",
        "REDIS_URL": f"{redis.rpartition('/')[0]}/1",
        "DATA_DIR": f"{folder}-apart",
    }


def main(arguments: list[str]) -> int:
    begin = time.monotonic()
    quick = arguments[:1] == ["quick"]
    arguments = [a for a in arguments[1 if quick else 0 :] if a != "--"]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if not quick:
        provision.provide("PostgreSQL", "Redis", "Chromium", "curl", "Java")
    with services.temporary_folder() as folder, ExitStack() as stack:
        if quick:
            wanted = [("SQLite", {}, QUICK)]
            arguments = ["-n", "auto", *arguments]
        else:
            full = stack.enter_context(services.full(folder))
            wanted = [
                ("SQLite", {}, f"{EMBEDDED} and not browser"),
                ("PostgreSQL and Redis", full, f"{FULL} and not browser"),
                ("SQLite, in the browser", {}, f"{EMBEDDED} and browser"),
                ("PostgreSQL and Redis, in the browser", apart(full), f"{FULL} and browser"),
            ]
        print(f"── {wanted[0][0]}{'; beside it, told afterwards, the others' if wanted[1:] else ''} ──", flush=True)
        suites = [
            stack.enter_context(suite(folder, *one, arguments, aside=number > 0)) for number, one in enumerate(wanted)
        ]
        complaints = [one.complaint() for one in suites]
    wrong = [complaint for complaint in complaints if complaint]
    what = "quick part, SQLite" if quick else "SQLite, PostgreSQL and Redis, nothing skipped"
    print(
        f"\nThe suite {'FAILED: ' + '; '.join(wrong) if wrong else f'passed ({what})'} in {time.monotonic() - begin:.0f} s."
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
