"""Times preparing and publishing a release, and its pages.

Pages are measured by how many a second one web process serves.
"""

import itertools
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from time import perf_counter

from benchmarks import load
from benchmarks.__main__ import run_deployment, start_process
from benchmarks.country import Country
from observer.models import User
from reports.models import ReleaseRow
from reports.services.publishing.releases import approve_release, prepare_release, publish_release
from scripts import services
from scripts.stack import PROXY_COMMAND

MAX_REQUESTS = 60_000  # requests are built before the clock starts
PrintResult = Callable[[str, str, str], None]


def measure_release(country: Country, seconds: float, print_result: PrintResult) -> None:
    """Calls `print_result(name, figure, target)` for each line.

    Publishes one release; the database is thrown away afterwards.
    """
    analyst, second, publisher = (
        User.objects.get_or_create(username=f"bench-{name}")[0] for name in ("analyst", "second", "publisher")
    )
    now, started = datetime.now(UTC), perf_counter()
    release = prepare_release(election=country.election, cutoff=now, user=analyst, now=now)
    parts = ReleaseRow.objects.filter(release=release).count()
    print_result("prepare a release", f"{perf_counter() - started:8.1f} s   {parts:,} parts", "")
    approve_release(release=release, user=second, now=now)
    started = perf_counter()
    publish_release(release=release, user=publisher, now=now)
    print_result("publish it", f"{perf_counter() - started:8.1f} s", "")
    national = f"/ru/{country.election.slug}/releases/{release.number}/"
    workers_before = os.environ.get("WEB_WORKERS")
    os.environ["WEB_WORKERS"] = "1"
    try:
        with run_deployment(worker=False) as (port, _processes):
            target = "1,500/s from one process"
            print_result("its national page", _measure_rate(port, _repeat_page(national), seconds), target)
            print_result(
                "its stations' pages", _measure_rate(port, _request_station_pages(country, national), seconds), target
            )
            with run_proxy(port) as proxy_port:
                if proxy_port:
                    print_result(
                        "its national page, by the proxy",
                        _measure_rate(proxy_port, _repeat_page(national), seconds),
                        "",
                    )
    finally:
        if workers_before is None:
            del os.environ["WEB_WORKERS"]
        else:
            os.environ["WEB_WORKERS"] = workers_before


def _measure_rate(port: int, units: Iterator[list[bytes]], seconds: float) -> str:
    load.run_closed_loop(port, itertools.islice(units, 50), 8, 2, 1)
    result = load.run_closed_loop(port, itertools.islice(units, MAX_REQUESTS), 8, seconds, 1)
    each = result.size / max(1, sum(result.statuses.values())) / 1000
    return f"{result.per_second:8.0f}/s   p99 {result.quantile(0.99):.1f} ms   {dict(result.statuses)}   {each:.1f} kB each"


@contextmanager
def run_proxy(web_port: int) -> Iterator[int]:
    """Runs the deployment's proxy in front of the web process on `web_port`, without TLS.

    Yields its port, 0 where Caddy is not installed. It caches nothing: every request reaches the web process, which
    has the page in memory.
    """
    if not shutil.which("caddy"):
        yield 0
        return
    port = services.find_free_port()
    home = {"DOMAIN": f":{port}", "WEB": f"127.0.0.1:{web_port}"}
    with ExitStack() as stack:
        start_process(stack, PROXY_COMMAND, os.environ | home)
        services.wait_for(lambda: services.accepts_connections(port), "the proxy")
        yield port


def _repeat_page(path: str) -> Iterator[list[bytes]]:
    return itertools.repeat([load.build_request("GET", path, Accept_Encoding="gzip")])


def _request_station_pages(country: Country, start: str) -> Iterator[list[bytes]]:
    chance = random.Random(5)
    while True:
        yield [load.build_request("GET", f"{start}{chance.choice(country.stations)}/", Accept_Encoding="gzip")]
