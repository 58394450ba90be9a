"""Threads that go off at one moment."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import Any

from django.db import connection, connections


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs every call in a thread of its own, all let go at one moment; their results, or raises the first error."""
    barrier = Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()  # so that the race is for the rows, not for a connection
            barrier.wait(timeout=30)
            results[place] = call()
        except BaseException as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
