"""Times exports and measures their memory: `python -m benchmarks --only exports`.

Each is requested and written by the service, as the worker does, in a process of its own, with all rights over the
election. Seconds are of writing and hashing the whole file; memory is the growth of the process's maximum.
"""

import resource
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from uuid import uuid4

import django
from django.db import connection

USERNAME = "bench-exports"
# Kind, format, labels, free words.
EXPORTS = (
    ("reports", "csv", "codes", False),
    ("reports", "csv", "both", False),
    ("reports", "xlsx", "both", False),
    ("violations", "csv", "codes", False),
    ("coverage", "csv", "codes", False),
)
TARGETS = {10_000: "0.4 s", 50_000: "2 s"}


def measure_exports(stored: int, print_line: Callable[[str, str, str], None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for kind, format, labels, free_text in EXPORTS:
        inner = [sys.executable, "-m", "benchmarks.exports", kind, format, labels, str(int(free_text))]
        output = subprocess.run(inner, check=True, capture_output=True, text=True).stdout.strip()
        target = TARGETS.get(stored, "") if (kind, format) == ("reports", "csv") else ""
        print_line(f"export of {kind}, {format}, {labels}", output, target)


def main(kind: str, format: str, labels: str, words: str) -> None:
    from observer.models import Commission, Election, User
    from reports.models import Export
    from reports.services.exports.exports import request_export, write_next_export

    election = Election.objects.get(slug="bench")
    user, _new = User.objects.get_or_create(username=USERNAME, defaults={"is_staff": True, "is_superuser": True})
    root = Commission.objects.get(election=election, depth=0)
    now = election.closes_at
    times = []
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        export = request_export(
            uuid=uuid4(),
            user=user,
            election=election,
            kind=kind,
            format=format,
            labels=labels,
            language="ru",
            words=words == "1",
            filters={"at": root.code} if kind == "coverage" else {},
            reason="a benchmark",
            now=now,
        )
        started = perf_counter()
        if write_next_export(now=now) != 1:
            raise RuntimeError("not written")
        times.append(perf_counter() - started)
        export.refresh_from_db()
        if (export.total or 0) > 100_000:
            break
    memory_growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_before) / 1024
    size = export.size / 2**20
    Export.objects.all().delete()
    print(
        f"{export.total:>9,} rows   best {min(times):6.2f} s   first {times[0]:6.2f} s   "
        f"{size:6.1f} MiB   memory +{memory_growth:.0f} MiB"
    )


if __name__ == "__main__":
    django.setup()
    main(*sys.argv[1:])
