"""Waking background tasks when rows wait for them.

The rows are the queue; a wake-up only says that there are some. A request thread only sets an
event. One listener thread of each process passes it on: in an embedded deployment that thread does
the work itself, in a full deployment it publishes a Celery task by its name. So no receipt waits
for the broker, even if the broker is down, and a thousand reports at one moment are one message.
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
MIN_WAKE_INTERVAL_SECONDS = 0.2  # between two wake-ups of one task
# A message that no worker has begun by then is useless: the periodic sweep has found the rows.
MESSAGE_EXPIRES_SECONDS = 10
TASKS = ("reports.refresh_summaries", "reports.process_evidence", "reports.write_exports", "reports.write_lists")

_wake_events = {name: Event() for name in TASKS}
_listeners: dict[str, tuple[int, Thread]] = {}
_lock = Lock()


def wake_after_commit(task: str) -> None:
    """Wakes `task` after this transaction's commit.

    A failure to do so is logged and not raised.
    """

    def wake() -> None:  # not a partial: Django logs a robust callback that failed by its __qualname__
        wake_task(task)

    transaction.on_commit(wake, robust=True)


def wake_task(task: str) -> None:
    """Wakes `task` now. Returns at once and raises nothing."""
    _wake_events[task].set()
    if not settings.EMBEDDED:
        _start_listener(task, partial(_publish_task, task))


def _start_listener(task: str, action: Callable[[], None]) -> None:
    """Starts this process's listener for `task` unless it runs.

    A forked child starts its own.
    """
    pid, thread = _listeners.get(task, (0, None))
    if pid == os.getpid() and thread is not None and thread.is_alive():
        return
    with _lock:
        pid, thread = _listeners.get(task, (0, None))
        if pid == os.getpid() and thread is not None and thread.is_alive():
            return
        thread = Thread(target=_run_listener, args=(task, action), name=f"wake {task}", daemon=True)
        _listeners[task] = (os.getpid(), thread)
        thread.start()


def _run_listener(task: str, action: Callable[[], None]) -> None:
    """Calls `action` whenever `task` was woken.

    Runs as long as the process. An exception is logged.
    """
    pause = Event()
    while True:
        _wake_events[task].wait()
        _wake_events[task].clear()
        try:
            action()
        except Exception as error:
            log.warning("cannot wake %s, the sweep will find it: %s", task, error)
        pause.wait(MIN_WAKE_INTERVAL_SECONDS)


def _publish_task(task: str) -> None:
    """Publishes `task`, unless a message is queued that no worker has begun.

    The task of that message will find these rows too. Any process may have queued it.
    """
    if not cache.add(_build_queued_key(task), 1, MESSAGE_EXPIRES_SECONDS):
        return
    try:
        current_app.send_task(task, retry=False, expires=MESSAGE_EXPIRES_SECONDS)
    except Exception:
        cache.delete(_build_queued_key(task))
        raise


def mark_task_begun(task: str) -> None:
    """Notes that `task` has begun.

    Rows that are written from now on queue another message. So the task calls this before it looks for
    rows.
    """
    cache.delete(_build_queued_key(task))


def _build_queued_key(task: str) -> str:
    return f"queued:{task}"


def wait_for_wake(task: str, seconds: float) -> bool:
    """Waits until `task` is woken or `seconds` have passed.

    Returns whether it was woken. For the embedded worker.
    """
    was_woken = _wake_events[task].wait(seconds)
    _wake_events[task].clear()
    return was_woken
