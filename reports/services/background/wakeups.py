"""Telling whoever works in the background that rows wait. The rows are the queue; this is a nudge.

A request thread only sets an event. One thread a process listens and passes the nudge on: embedded
it does the work itself, in a full deployment it publishes a task by its name. So no receipt waits
for a broker, however dead, and a thousand reports in a moment are one message.
"""

import logging
import os
from collections.abc import Callable
from functools import partial
from threading import Event, Lock, Thread

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

log = logging.getLogger("baqylau.waking")
PAUSE = 0.2  # seconds between two nudges of one kind
QUEUED = 10  # seconds a message may wait to be begun; then it is worth nothing, for the sweep came by
TASKS = ("reports.refresh_summaries", "reports.process_evidence", "reports.write_exports", "reports.write_lists")

_waiting = {name: Event() for name in TASKS}
_listeners: dict[str, tuple[int, Thread]] = {}
_lock = Lock()


def wake_after_commit(task: str) -> None:
    """Nudges `task` once this transaction is durable; a failure to do so fails nothing."""

    def nudge() -> None:  # not a partial: Django names a robust callback that failed by its __qualname__
        wake(task)

    transaction.on_commit(nudge, robust=True)


def wake(task: str) -> None:
    """Nudges `task` now. Returns at once, raises nothing."""
    _waiting[task].set()
    if not settings.EMBEDDED:
        _listen(task, partial(_publish, task))


def _listen(task: str, act: Callable[[], None]) -> None:
    """Starts this process's listener for `task` unless it runs; a forked child starts its own."""
    pid, thread = _listeners.get(task, (0, None))
    if pid == os.getpid() and thread is not None and thread.is_alive():
        return
    with _lock:
        pid, thread = _listeners.get(task, (0, None))
        if pid == os.getpid() and thread is not None and thread.is_alive():
            return
        thread = Thread(target=_loop, args=(task, act), name=f"wake {task}", daemon=True)
        _listeners[task] = (os.getpid(), thread)
        thread.start()


def _loop(task: str, act: Callable[[], None]) -> None:
    pause = Event()
    while True:
        _waiting[task].wait()
        _waiting[task].clear()
        try:
            act()
        except Exception as error:
            log.warning("cannot wake %s, the sweep will find it: %s", task, error)
        pause.wait(PAUSE)


def _publish(task: str) -> None:
    """Queues `task`, unless it is queued already by any process and not yet begun: what it will find includes this."""
    if not cache.add(_mark(task), 1, QUEUED):
        return
    try:
        current_app.send_task(task, retry=False, expires=QUEUED)
    except Exception:
        cache.delete(_mark(task))
        raise


def begun(task: str) -> None:
    """To be called by the task before it looks for rows: whoever writes one from now on queues another."""
    cache.delete(_mark(task))


def _mark(task: str) -> str:
    return f"queued:{task}"


def wait(task: str, seconds: float) -> bool:
    """Blocks until `task` is nudged or `seconds` have passed; True where it was. For the embedded worker."""
    nudged = _waiting[task].wait(seconds)
    _waiting[task].clear()
    return nudged
