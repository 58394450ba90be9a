"""Pages of a release: how long it takes to prepare and publish one, and how many pages a second one process gives."""

import itertools
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from time import perf_counter

from benchmarks import load
from benchmarks.__main__ import deployment, start
from benchmarks.country import Country
from observer.models import User
from reports.models import ReleaseRow
from reports.services.publishing.releases import release_approve, release_prepare, release_publish
from scripts import services
from scripts.stack import PROXY

MOST = 60_000  # requests are built before the clock starts
Said = Callable[[str, str, str], None]


def release_times(place: Country, seconds: float, said: Said) -> None:
    """`said(name, figure, aim)` for each line. Publishes one release; the database is thrown away afterwards."""
    analyst, second, publisher = (
        User.objects.get_or_create(username=f"bench-{name}")[0] for name in ("analyst", "second", "publisher")
    )
    now, began = datetime.now(UTC), perf_counter()
    release = release_prepare(election=place.election, cutoff=now, user=analyst, now=now)
    parts = ReleaseRow.objects.filter(release=release).count()
    said("prepare a release", f"{perf_counter() - began:8.1f} s   {parts:,} parts", "")
    release_approve(release=release, user=second, now=now)
    began = perf_counter()
    release_publish(release=release, user=publisher, now=now)
    said("publish it", f"{perf_counter() - began:8.1f} s", "")
    national = f"/ru/{place.election.slug}/releases/{release.number}/"
    before = os.environ.get("WEB_WORKERS")
    os.environ["WEB_WORKERS"] = "1"
    try:
        with deployment(worker=False) as (port, _processes):
            aim = "1,500/s from one process"
            said("its national page", _rate(port, _always(national), seconds), aim)
            said("its stations' pages", _rate(port, _stations(place, national), seconds), aim)
            with proxy(port) as before_it:
                if before_it:
                    said("its national page, by the proxy", _rate(before_it, _always(national), seconds), "")
    finally:
        if before is None:
            del os.environ["WEB_WORKERS"]
        else:
            os.environ["WEB_WORKERS"] = before


def _rate(port: int, units: Iterator[list[bytes]], seconds: float) -> str:
    load.closed_loop(port, itertools.islice(units, 50), 8, 2, 1)
    result = load.closed_loop(port, itertools.islice(units, MOST), 8, seconds, 1)
    each = result.size / max(1, sum(result.statuses.values())) / 1000
    return f"{result.per_second:8.0f}/s   p99 {result.quantile(0.99):.1f} ms   {dict(result.statuses)}   {each:.1f} kB each"


@contextmanager
def proxy(web: int) -> Iterator[int]:
    """The deployment's proxy before the web process on that port, without TLS; its port, 0 where Caddy is not installed.

    It keeps nothing: every request reaches the web process, which has the page in memory.
    """
    if not shutil.which("caddy"):
        yield 0
        return
    port = services.free_port()
    home = {"DOMAIN": f":{port}", "WEB": f"127.0.0.1:{web}"}
    with ExitStack() as stack:
        start(stack, PROXY, os.environ | home)
        services.wait_for(lambda: services.accepts(port), "the proxy")
        yield port


def _always(path: str) -> Iterator[list[bytes]]:
    return itertools.repeat([load.request("GET", path, Accept_Encoding="gzip")])


def _stations(place: Country, start: str) -> Iterator[list[bytes]]:
    chance = random.Random(5)
    while True:
        yield [load.request("GET", f"{start}{chance.choice(place.stations)}/", Accept_Encoding="gzip")]
