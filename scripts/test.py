"""Runs the suite: on SQLite, then on PostgreSQL and Redis of its own. A skipped test fails the run.

    python -m scripts.test             everything
    python -m scripts.test quick       the quick part, on SQLite
    python -m scripts.test … -- ARGS   hands ARGS to pytest

Each database gets what holds for it: tests marked `postgresql` run on PostgreSQL only, those marked
`sqlite` on SQLite only, and everything else on both.
"""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from scripts import provision, services

QUICK = "not slow and not browser and not postgresql"
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "LOOKUP_KEY", "ALLOWED_HOSTS", "DEBUG",
        "TRUSTED_PROXIES", "SSL_REDIRECT", "DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS")  # fmt: skip


def suite(folder: Path, name: str, environment: dict[str, str], marks: str, arguments: list[str]) -> str:
    """Runs pytest once; gives a complaint, empty where all of it passed."""
    outcome = folder / f"{name}.xml"
    clean = {k: v for k, v in os.environ.items() if k not in OURS and k.removesuffix("_FILE") not in OURS}
    own = {"DATA_DIR": str(folder / f"data-{name}"), "KEYS_DIR": str(folder / "keys"), "LOG_LEVEL": "WARNING"}
    print(f"\n── {name} ──", flush=True)
    code = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-m", marks, f"--junitxml={outcome}", "--durations=5", "-r", "fEs",
         *arguments],
        env=clean | own | environment, stdin=subprocess.DEVNULL,
    ).returncode  # fmt: skip
    if code:
        return f"{name}: pytest ended with {code}"
    counts = ElementTree.parse(outcome).getroot().find("testsuite")  # noqa: S314
    if counts is None or int(counts.get("tests", 0)) == 0:
        return f"{name}: no test ran"
    skipped = int(counts.get("skipped", 0))
    return f"{name}: {skipped} skipped, and a test that is not run proves nothing" if skipped else ""


def main(arguments: list[str]) -> int:
    begin = time.monotonic()
    quick = arguments[:1] == ["quick"]
    arguments = [a for a in arguments[1 if quick else 0 :] if a != "--"]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if not quick:
        provision.provide("PostgreSQL", "Redis", "Chromium", "curl", "Java")
    with services.temporary_folder() as folder:
        marks = QUICK if quick else "not postgresql"
        complaints = [suite(folder, "SQLite", {}, marks, arguments)]
        if not quick:
            with services.full(folder) as environment:
                complaints.append(suite(folder, "PostgreSQL and Redis", environment, "not sqlite", arguments))
    wrong = [complaint for complaint in complaints if complaint]
    what = "quick part, SQLite" if quick else "SQLite, PostgreSQL and Redis, nothing skipped"
    print(
        f"\nThe suite {'FAILED: ' + '; '.join(wrong) if wrong else f'passed ({what})'} in {time.monotonic() - begin:.0f} s."
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
