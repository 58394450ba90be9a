"""Runs the tests on SQLite, then on temporary PostgreSQL and Redis servers.

A skipped test fails the run.

    python -m scripts.test             everything
    python -m scripts.test quick       the quick part, on SQLite, a process for each core
    python -m scripts.test … -- ARGS   passes ARGS to pytest

Each database gets the tests that are about it: tests marked `postgresql` run on PostgreSQL only, those marked
`sqlite` or `once` on SQLite only, and all others on both. Tests that drive a browser wait more than they work, so
they run in parallel with the others: four processes, each with its own folders and databases.
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

QUICK_MARKS = "not slow and not browser and not postgresql"
EMBEDDED_MARKS = "not postgresql"
FULL_MARKS = "not sqlite and not once"
# Tests must not inherit these. With PYTHONDONTWRITEBYTECODE each process that tests start would compile all modules again.
CLEARED_VARIABLES = (
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
    """One run of pytest; all but the first run in the background."""

    name: str
    outcome: Path
    output: IO[bytes] | None
    process: "subprocess.Popen[bytes]"

    def find_problem(self) -> str:
        """Waits for the end.

        Returns what was wrong, "" where all tests passed.
        """
        code = self.process.wait()
        if self.output:
            self.output.seek(0)
            sys.stdout.flush()
            shutil.copyfileobj(self.output, sys.stdout.buffer)
        if code:
            return f"{self.name}: pytest ended with {code}"
        counts = ElementTree.parse(self.outcome).getroot().find("testsuite")  # noqa: S314
        if counts is None or int(counts.get("tests", 0)) == 0:
            return f"{self.name}: no test ran"
        skipped = int(counts.get("skipped", 0))
        return f"{self.name}: {skipped} skipped, and a test that is not run proves nothing" if skipped else ""


@contextmanager
def run_suite(
    folder: Path,
    name: str,
    environment: dict[str, str],
    marks: str,
    arguments: list[str],
    *,
    in_background: bool = False,
) -> Iterator[Suite]:
    """Runs pytest with the tests that `marks` select.

    `in_background`: its output goes to a file.
    """
    outcome = folder / f"{name}.xml"
    clean = {
        k: v
        for k, v in os.environ.items()
        if k not in CLEARED_VARIABLES and k.removesuffix("_FILE") not in CLEARED_VARIABLES
    }
    folders = {
        "DATA_DIR": str(folder / f"data-{name}"),
        "KEYS_DIR": str(folder / f"keys-{name}"),
        "LOG_LEVEL": "WARNING",
    }
    with ExitStack() as stack:
        output = stack.enter_context((folder / f"{name}.log").open("w+b")) if in_background else None
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
            env=clean | folders | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield Suite(name, outcome, output, process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def create_separate_environment(environment: dict[str, str]) -> dict[str, str]:
    """Returns the environment of the same services with separate databases.

    Two suites that run at once must not empty each other's.
    """
    database, redis, folder = (environment[name] for name in ("DATABASE_URL", "REDIS_URL", "DATA_DIR"))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE DATABASE apart")
    return environment | {
        "DATABASE_URL": f"{database.rpartition('/')[0]}/apart",
        "REDIS_URL": f"{redis.rpartition('/')[0]}/1",
        "DATA_DIR": f"{folder}-apart",
    }


def main(arguments: list[str]) -> int:
    started = time.monotonic()
    quick = arguments[:1] == ["quick"]
    arguments = [a for a in arguments[1 if quick else 0 :] if a != "--"]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if not quick:
        provision.install_missing("PostgreSQL", "Redis", "Chromium", "curl", "Java")
    with services.temporary_folder() as folder, ExitStack() as stack:
        if quick:
            runs = [("SQLite", {}, QUICK_MARKS)]
            arguments = ["-n", "auto", *arguments]
        else:
            full = stack.enter_context(services.run_full_services(folder))
            runs = [
                ("SQLite", {}, f"{EMBEDDED_MARKS} and not browser"),
                ("PostgreSQL and Redis", full, f"{FULL_MARKS} and not browser"),
                ("SQLite, in the browser", {}, f"{EMBEDDED_MARKS} and browser"),
                (
                    "PostgreSQL and Redis, in the browser",
                    create_separate_environment(full),
                    f"{FULL_MARKS} and browser",
                ),
            ]
        print(f"── {runs[0][0]}{'; beside it, told afterwards, the others' if runs[1:] else ''} ──", flush=True)
        suites = [
            stack.enter_context(run_suite(folder, *one, arguments, in_background=number > 0))
            for number, one in enumerate(runs)
        ]
        findings = [one.find_problem() for one in suites]
    problems = [complaint for complaint in findings if complaint]
    scope = "quick part, SQLite" if quick else "SQLite, PostgreSQL and Redis, nothing skipped"
    print(
        f"\nThe suite {'FAILED: ' + '; '.join(problems) if problems else f'passed ({scope})'} in {time.monotonic() - started:.0f} s."
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
