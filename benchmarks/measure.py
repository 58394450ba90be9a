"""The measurements of `python -m benchmarks`, one method each.

Runs inside the prepared environment.
"""

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

from benchmarks import bare_view, country, desk, exports, load, public  # noqa: E402
from benchmarks.__main__ import run_deployment, run_manage_command  # noqa: E402
from benchmarks.openrosa.submissions import import_checklist, measure_submissions  # noqa: E402
from reports.models import Due, Report, Summary  # noqa: E402
from reports.services.checklists.compiled import find_form  # noqa: E402

PHOTO = random.Random(2).randbytes(200_000 - 16)


def print_result(name: str, stored: int, text: str, target: str = "") -> None:
    print(f"{name:<34} {stored:>9,} stored   {text}{f'   (aim {target})' if target else ''}", flush=True)


class Benchmark:
    def __init__(self, bench_country: country.Country, stored: int, seconds: float) -> None:
        self.country, self.stored, self.seconds = bench_country, stored, seconds
        form = find_form(bench_country.election.pk, "voting", 1)
        assert form is not None
        self.form = form
        rnd = random.Random(7)
        self.bare_rates: dict[int, float] = {}  # by connections
        self.answers = [country.make_answers(form, rnd) for _ in range(200)]

    def documents(self) -> Iterator[tuple[dict[str, object], str]]:
        """Yields new reports, each with its observer's token."""
        for number in itertools.count():
            token = self.country.tokens[number % len(self.country.tokens)]
            yield country.make_report(self.country, number, self.form, self.answers[number % 200]), token

    def singles(self) -> Iterator[Sequence[bytes]]:
        for document, token in self.documents():
            yield [load.build_json_post("/api/v1/reports", document, token)]

    def batches(self) -> Iterator[Sequence[bytes]]:
        for number in itertools.count():
            token = self.country.tokens[number % len(self.country.tokens)]
            some = [country.make_report(self.country, number, self.form, self.answers[n]) for n in range(100)]
            yield [load.build_json_post("/api/v1/reports/batch", {"reports": some}, token)]

    def attach_photo(self, document: dict[str, object], token: str) -> bytes:
        """Announces a new photo in the report.

        Returns the request that uploads it.
        """
        bytes_ = PHOTO + uuid4().bytes
        evidence = str(uuid4())
        document["evidence"] = [
            {"id": evidence, "sha256": hashlib.sha256(bytes_).hexdigest(), "size": len(bytes_), "type": "image/jpeg"}
        ]
        return load.build_request(
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
            patch = self.attach_photo(document, token)
            yield [load.build_json_post("/api/v1/reports", document, token), patch]

    def batches_with_photos(self) -> Iterator[Sequence[bytes]]:
        for number in itertools.count():
            token = self.country.tokens[number % len(self.country.tokens)]
            some = [country.make_report(self.country, number, self.form, self.answers[n]) for n in range(100)]
            patches = [self.attach_photo(document, token) for document in some]
            yield [load.build_json_post("/api/v1/reports/batch", {"reports": some}, token), *patches]

    def measure_rate(
        self,
        name: str,
        units: Iterator[Sequence[bytes]],
        max_units_per_second: int,
        per_unit: int,
        target: str = "",
        warm_up_units: int = 20,
        web: Sequence[str] = ("config.serve",),
        baseline: Mapping[int, float] | None = None,
    ) -> dict[int, float]:
        """Returns units a second, by connections.

        With a `baseline` the line also shows the share of it.
        """
        rates = {}
        for connections in (8, 32):
            with run_deployment(worker=False, web=web) as (port, processes):
                load.run_closed_loop(
                    port, itertools.islice(units, connections * warm_up_units), connections, 2, per_unit
                )  # warm up
                limited = itertools.islice(units, int(max_units_per_second * self.seconds))
                result = load.run_closed_loop(port, limited, connections, self.seconds, per_unit)
                memory = max((p.memory_info().rss for p in list_process_tree(processes["web"].pid)), default=0) / 2**20
            text = (
                f"{result.per_second:8.0f}/s   p50 {result.quantile(0.5):6.1f} ms   p95 {result.quantile(0.95):6.1f} ms   "
                f"answers {dict(result.statuses)}   largest web process {memory:.0f} MiB"
            )
            rates[connections] = result.per_second
            if baseline:
                text += f"   {result.per_second / baseline[connections]:.2f} of the bare view"
            print_result(f"{name}, {connections} connections", self.stored, text, target)
        return rates

    def bare(self) -> None:
        """The baseline for `single`."""
        serving = "granian benchmarks.bare_view:application --interface wsgi --workers 2 --log-level error"
        with bare_view.create_tables():
            self.bare_rates = self.measure_rate(
                "a bare view, one POST each", self.singles(), 3_500, 1, web=serving.split()
            )

    def single(self) -> None:
        self.measure_rate("reports, one POST each", self.singles(), 2_000, 1, "900/s", baseline=self.bare_rates)

    def batch(self) -> None:
        self.measure_rate("reports, batches of 100", self.batches(), 120, 100, "6,000/s")

    def photo(self) -> None:
        self.measure_rate("reports with a 200 kB photo", self.photos(), 700, 1, "350/s")

    def batch_photo(self) -> None:
        self.measure_rate("batches with a 200 kB photo each", self.batches_with_photos(), 6, 100, warm_up_units=1)

    def delay(self) -> None:
        """Times a receipt to the national figure, at 100 reports a second."""
        process_due()
        root = "/api/v1/elections/bench/commissions/KZ/summary"
        with run_deployment() as (port, _processes):
            receipts: list[float] = []
            seen: list[tuple[float, int]] = []
            done = Event()
            poller = Thread(target=poll_report_count, args=(port, root, seen, done), daemon=True)
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
            deadline = perf_counter() + 30
            while (not seen or seen[-1][1] < base + len(receipts)) and perf_counter() < deadline:
                pause.wait(0.05)
            done.set()
            poller.join()
        delays = sorted(
            next((seen_at - receipt for seen_at, count in seen if count >= base + n), 99.0)
            for n, receipt in enumerate(receipts, 1)
        )
        text = f"p50 {delays[len(delays) // 2]:.2f} s   p95 {delays[int(len(delays) * 0.95)]:.2f} s   max {delays[-1]:.2f} s"
        print_result(f"receipt to national figure, {len(receipts) / self.seconds:.0f}/s", self.stored, text, "2 s")

    def recompute(self) -> None:
        Summary.objects.all().delete()
        country.mark_all_due()
        started = perf_counter()
        run_manage_command("refresh_summaries")
        print_result(
            "full recomputation",
            self.stored,
            f"{perf_counter() - started:.1f} s   10,101 precincts",
            "60 s at a million",
        )
        started = perf_counter()
        run_manage_command("check_summaries")
        print_result("check of every figure", self.stored, f"{perf_counter() - started:.1f} s")

    def measure_collect(self, name: str, target: str, *, photo: bool) -> None:
        """Times ODK Collect's submissions, one POST each, with a separate generator."""
        import_checklist(self.country)
        for connections in (8, 32):
            with run_deployment(worker=False) as (port, _processes):
                result = measure_submissions(
                    country=self.country, port=port, connections=connections, seconds=self.seconds, photo=photo
                )
            times: Any = result["ms"]
            text = f"{result['per_s']:8}/s   p50 {times['p50']} ms   p95 {times['p95']} ms   answers {result['status']}"
            print_result(f"{name}, {connections} connections", self.stored, text, target if connections == 8 else "")

    def openrosa(self) -> None:
        self.measure_collect("Collect, XML only", "800/s", photo=False)

    def openrosa_photo(self) -> None:
        self.measure_collect("Collect, a 200 kB photo each", "400/s", photo=True)

    def pages(self) -> None:
        process_due()
        with run_deployment(worker=False) as (port, _processes):
            for path in (
                "/ru/bench/",
                f"/ru/bench/{self.country.stations[0]}/",
                "/api/v1/elections/bench/commissions/KZ/summary",
            ):
                get = load.build_request("GET", path)
                load.run_closed_loop(port, itertools.repeat([get], 100), 8, 2, 1)
                result = load.run_closed_loop(port, itertools.repeat([get], 30_000), 8, self.seconds, 1)
                print_result(
                    f"GET {path[:28]}", self.stored, f"{result.per_second:8.0f}/s   answers {dict(result.statuses)}"
                )

    def desk(self) -> None:
        country.mark_all_due()
        process_due()
        desk.measure_desk(self.country, lambda name, text: print_result(name, self.stored, text, "300 ms"))

    def exports(self) -> None:
        exports.measure_exports(self.stored, lambda name, text, target: print_result(name, self.stored, text, target))

    def public(self) -> None:
        country.mark_all_due()
        process_due()
        public.measure_release(
            self.country, self.seconds, lambda name, text, target: print_result(name, self.stored, text, target)
        )

    def memory(self) -> None:
        with run_deployment() as (port, processes):
            load.run_closed_loop(port, itertools.islice(self.photos(), 400), 8, 5, 1)
            for name, process in processes.items():
                sizes = [p.memory_info().rss / 2**20 for p in list_process_tree(process.pid)]
                print_result(
                    f"memory of {name}",
                    self.stored,
                    "  ".join(f"{size:.0f} MiB" for size in sizes),
                    "250 MiB a web process",
                )


def poll_report_count(port: int, path: str, seen: list[tuple[float, int]], done: Event) -> None:
    connection_ = load.Connection(port)
    get = load.build_request("GET", path)
    while not done.wait(0.05):
        _status, body = connection_.send(get)
        position = body.find(b'"reports":')
        if position > 0:
            seen.append((perf_counter(), int(body[position + 10 :].split(b",", 1)[0].strip())))


def list_process_tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def process_due() -> None:
    if Due.objects.exists():
        run_manage_command("refresh_summaries")


def main(stored: str, seconds: str, only: str) -> None:
    print(f"begun {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", flush=True)
    bench_country = country.create_country()
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        print(f"PostgreSQL {cursor.fetchone()[0]}, Django {django.__version__}, pid {os.getpid()}", flush=True)
    for count in (int(word) for word in stored.split(",")):
        country.copy_reports(bench_country, count - Report.objects.count())
        bench = Benchmark(bench_country, count, float(seconds))
        for name in only.split(","):
            getattr(bench, name)()


if __name__ == "__main__":
    main(*sys.argv[1:])
