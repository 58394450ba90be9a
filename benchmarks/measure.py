"""What `python -m benchmarks` measures, one function a line of its table. Runs inside the prepared environment."""

import hashlib
import itertools
import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event, Thread
from time import perf_counter
from typing import Any
from uuid import uuid4

import django
import psutil

django.setup()

from django.db import connection  # noqa: E402

from benchmarks import bare, country, desk, exports, load, public  # noqa: E402
from benchmarks.__main__ import deployment, manage  # noqa: E402
from benchmarks.openrosa.submissions import checklist_make, submissions_time  # noqa: E402
from reports.models import Due, Report, Summary  # noqa: E402
from reports.services.checklists.compiled import form_named  # noqa: E402

PHOTO = random.Random(2).randbytes(200_000 - 16)


def line(name: str, stored: int, said: str, aim: str = "") -> None:
    print(f"{name:<34} {stored:>9,} stored   {said}{f'   (aim {aim})' if aim else ''}", flush=True)


class Bench:
    def __init__(self, place: country.Country, stored: int, seconds: float) -> None:
        self.place, self.stored, self.seconds = place, stored, seconds
        form = form_named(place.election.pk, "voting", 1)
        assert form is not None
        self.form = form
        rnd = random.Random(7)
        self.bare_rates: dict[int, float] = {}  # by connections
        self.said = [country.answers_some(form, rnd) for _ in range(200)]

    def documents(self) -> Iterator[tuple[dict[str, object], str]]:
        """Fresh reports, each with its observer's token."""
        for number in itertools.count():
            token = self.place.tokens[number % len(self.place.tokens)]
            yield country.document(self.place, number, self.form, self.said[number % 200]), token

    def singles(self) -> Iterator[Sequence[bytes]]:
        for document, token in self.documents():
            yield [load.post_json("/api/v1/reports", document, token)]

    def batches(self) -> Iterator[Sequence[bytes]]:
        for number in itertools.count():
            token = self.place.tokens[number % len(self.place.tokens)]
            some = [country.document(self.place, number, self.form, self.said[n]) for n in range(100)]
            yield [load.post_json("/api/v1/reports/batch", {"reports": some}, token)]

    def with_photo(self, document: dict[str, object], token: str) -> bytes:
        """Announces a photo of its own in the report; the request that uploads it."""
        bytes_ = PHOTO + uuid4().bytes
        evidence = str(uuid4())
        document["evidence"] = [
            {"id": evidence, "sha256": hashlib.sha256(bytes_).hexdigest(), "size": len(bytes_), "type": "image/jpeg"}
        ]
        return load.request(
            "PATCH",
            f"/api/v1/evidence/{evidence}",
            bytes_,
            Authorization=f"Bearer {token}",
            Upload_Offset="0",
            Content_Type="application/offset+octet-stream",
            Tus_Resumable="1.0.0",
        )

    def photos(self) -> Iterator[Sequence[bytes]]:
        for document, token in self.documents():
            patch = self.with_photo(document, token)
            yield [load.post_json("/api/v1/reports", document, token), patch]

    def batches_with_photos(self) -> Iterator[Sequence[bytes]]:
        for number in itertools.count():
            token = self.place.tokens[number % len(self.place.tokens)]
            some = [country.document(self.place, number, self.form, self.said[n]) for n in range(100)]
            patches = [self.with_photo(document, token) for document in some]
            yield [load.post_json("/api/v1/reports/batch", {"reports": some}, token), *patches]

    def run(
        self,
        name: str,
        units: Iterator[Sequence[bytes]],
        most: int,
        per_unit: int,
        aim: str = "",
        warm: int = 20,
        web: Sequence[str] = ("config.serve",),
        beside: Mapping[int, float] | None = None,
    ) -> dict[int, float]:
        """Units a second, by connections; told as a part of those `beside`, where there are such."""
        rates = {}
        for connections in (8, 32):
            with deployment(worker=False, web=web) as (port, processes):
                load.closed_loop(port, itertools.islice(units, connections * warm), connections, 2, per_unit)  # warm up
                stock = itertools.islice(units, int(most * self.seconds))
                result = load.closed_loop(port, stock, connections, self.seconds, per_unit)
                memory = max((p.memory_info().rss for p in tree(processes["web"].pid)), default=0) / 2**20
            said = (
                f"{result.per_second:8.0f}/s   p50 {result.quantile(0.5):6.1f} ms   p95 {result.quantile(0.95):6.1f} ms   "
                f"answers {dict(result.statuses)}   largest web process {memory:.0f} MiB"
            )
            rates[connections] = result.per_second
            if beside:
                said += f"   {result.per_second / beside[connections]:.2f} of the bare view"
            line(f"{name}, {connections} connections", self.stored, said, aim)
        return rates

    def bare(self) -> None:
        """The measure for `single`."""
        serving = "granian benchmarks.bare:application --interface wsgi --workers 2 --log-level error"
        with bare.tables():
            self.bare_rates = self.run("a bare view, one POST each", self.singles(), 3_500, 1, web=serving.split())

    def single(self) -> None:
        self.run("reports, one POST each", self.singles(), 2_000, 1, "900/s", beside=self.bare_rates)

    def batch(self) -> None:
        self.run("reports, batches of 100", self.batches(), 120, 100, "6,000/s")

    def photo(self) -> None:
        self.run("reports with a 200 kB photo", self.photos(), 700, 1, "350/s")

    def batch_photo(self) -> None:
        self.run("batches with a 200 kB photo each", self.batches_with_photos(), 6, 100, warm=1)

    def delay(self) -> None:
        """From a receipt to the national figure, at 100 reports a second."""
        drained()
        root = "/api/v1/elections/bench/commissions/KZ/summary"
        with deployment() as (port, _processes):
            receipts: list[float] = []
            seen: list[tuple[float, int]] = []
            done = Event()
            poller = Thread(target=poll, args=(port, root, seen, done), daemon=True)
            poller.start()
            connection_ = load.Connection(port)
            units = self.singles()
            pause = Event()
            connection_.send(next(units)[0])
            base = Report.objects.counted().count()
            while not seen or seen[-1][1] < base:  # the worker takes seconds to start
                pause.wait(0.05)
            started = perf_counter()
            while perf_counter() - started < self.seconds:
                due = started + len(receipts) / 100
                pause.wait(max(0.0, due - perf_counter()))
                if connection_.send(next(units)[0])[0] == 201:
                    receipts.append(perf_counter())
            until = perf_counter() + 30
            while (not seen or seen[-1][1] < base + len(receipts)) and perf_counter() < until:
                pause.wait(0.05)
            done.set()
            poller.join()
        delays = sorted(
            next((now - receipt for now, count in seen if count >= base + n), 99.0)
            for n, receipt in enumerate(receipts, 1)
        )
        said = f"p50 {delays[len(delays) // 2]:.2f} s   p95 {delays[int(len(delays) * 0.95)]:.2f} s   max {delays[-1]:.2f} s"
        line(f"receipt to national figure, {len(receipts) / self.seconds:.0f}/s", self.stored, said, "2 s")

    def recompute(self) -> None:
        Summary.objects.all().delete()
        country.everything_due()
        started = perf_counter()
        manage("refresh_summaries")
        line(
            "full recomputation",
            self.stored,
            f"{perf_counter() - started:.1f} s   10,101 precincts",
            "60 s at a million",
        )
        started = perf_counter()
        manage("check_summaries")
        line("check of every figure", self.stored, f"{perf_counter() - started:.1f} s")

    def submissions(self, name: str, aim: str, *, photo: bool) -> None:
        """Collect's submissions, one POST each, by a generator of its own."""
        checklist_make(self.place)
        for connections in (8, 32):
            with deployment(worker=False) as (port, _processes):
                told = submissions_time(
                    country=self.place, port=port, connections=connections, seconds=self.seconds, photo=photo
                )
            times: Any = told["ms"]
            said = f"{told['per_s']:8}/s   p50 {times['p50']} ms   p95 {times['p95']} ms   answers {told['status']}"
            line(f"{name}, {connections} connections", self.stored, said, aim if connections == 8 else "")

    def openrosa(self) -> None:
        self.submissions("Collect, XML only", "800/s", photo=False)

    def openrosa_photo(self) -> None:
        self.submissions("Collect, a 200 kB photo each", "400/s", photo=True)

    def pages(self) -> None:
        drained()
        with deployment(worker=False) as (port, _processes):
            for path in (
                "/ru/bench/",
                f"/ru/bench/{self.place.stations[0]}/",
                "/api/v1/elections/bench/commissions/KZ/summary",
            ):
                get = load.request("GET", path)
                load.closed_loop(port, itertools.repeat([get], 100), 8, 2, 1)
                result = load.closed_loop(port, itertools.repeat([get], 30_000), 8, self.seconds, 1)
                line(f"GET {path[:28]}", self.stored, f"{result.per_second:8.0f}/s   answers {dict(result.statuses)}")

    def desk(self) -> None:
        country.everything_due()
        drained()
        desk.desk_times(self.place, lambda name, said: line(name, self.stored, said, "300 ms"))

    def exports(self) -> None:
        exports.export_times(self.stored, lambda name, said, aim: line(name, self.stored, said, aim))

    def public(self) -> None:
        country.everything_due()
        drained()
        public.release_times(self.place, self.seconds, lambda name, said, aim: line(name, self.stored, said, aim))

    def memory(self) -> None:
        with deployment() as (port, processes):
            load.closed_loop(port, itertools.islice(self.photos(), 400), 8, 5, 1)
            for name, process in processes.items():
                sizes = [p.memory_info().rss / 2**20 for p in tree(process.pid)]
                line(
                    f"memory of {name}",
                    self.stored,
                    "  ".join(f"{size:.0f} MiB" for size in sizes),
                    "250 MiB a web process",
                )


def poll(port: int, path: str, seen: list[tuple[float, int]], done: Event) -> None:
    connection_ = load.Connection(port)
    get = load.request("GET", path)
    while not done.wait(0.05):
        _status, body = connection_.send(get)
        now = body.find(b'"reports":')
        if now > 0:
            seen.append((perf_counter(), int(body[now + 10 :].split(b",", 1)[0].strip())))


def tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def drained() -> None:
    if Due.objects.exists():
        manage("refresh_summaries")


def main(stored: str, seconds: str, only: str) -> None:
    print(f"begun {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", flush=True)
    place = country.country_make()
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        print(f"PostgreSQL {cursor.fetchone()[0]}, Django {django.__version__}, pid {os.getpid()}", flush=True)
    for count in (int(word) for word in stored.split(",")):
        country.reports_copy(place, count - Report.objects.count())
        bench = Bench(place, count, float(seconds))
        for name in only.split(","):
            getattr(bench, name)()


if __name__ == "__main__":
    main(*sys.argv[1:])
