"""Pytest plugin: processor seconds of each test, for the runner's list.

Loaded by `scripts/test.py` with `-p`. Counts the test's own process, the children that ended in it, and for tests that
drive a browser the processes below it that go on living. Writes `[[node id, seconds], …]` as JSON to the file named by
PROCESSOR_TIME_FILE. What a shared server (PostgreSQL, Redis) does is in the runner's total only.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

_costs: list[tuple[str, float]] = []


def _seconds_so_far(*, with_living: bool) -> float:
    times = os.times()
    total = times.user + times.system + times.children_user + times.children_system
    if with_living:
        for process in psutil.Process().children(recursive=True):
            try:
                used = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += used.user + used.system
    return total


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with_living = item.get_closest_marker("browser") is not None
    before = _seconds_so_far(with_living=with_living)
    result = yield
    _costs.append((item.nodeid, max(0.0, _seconds_so_far(with_living=with_living) - before)))
    return result


def pytest_sessionfinish() -> None:
    if path := os.environ.get("PROCESSOR_TIME_FILE"):
        Path(path).write_text(json.dumps(_costs))
