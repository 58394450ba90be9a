"""The background work of an embedded deployment: four daemon threads of the serving process.

They do what Celery does in a full one. A request thread never does this work; it only wakes them.
"""

import logging
import os
from collections.abc import Callable
from threading import Event, Lock, Thread

from django.db import close_old_connections, connection
from django.utils import timezone

from reports.services.background.wakeups import wait
from reports.services.cases.case_export import exports_write
from reports.services.elections.imports import imports_expire
from reports.services.evidence.crash_recovery import uploads_mend
from reports.services.evidence.processing import evidence_process_due
from reports.services.exports.exports import lists_write
from reports.services.figures.refresh import summaries_refresh
from reports.services.storage.partial_uploads import parts_sweep

log = logging.getLogger("baqylau.worker")
SWEEP = 2.0  # seconds after which rows are looked for without having been woken

_running: dict[str, tuple[int, Thread]] = {}
_lock = Lock()


def start() -> None:
    """Starts this process's threads unless they run; a forked child starts its own."""
    _start("reports.refresh_summaries", lambda: summaries_refresh())
    _start("reports.process_evidence", _evidence)
    _start("reports.write_exports", _exports)
    _start("reports.write_lists", lambda: lists_write(now=timezone.now()))


def _evidence() -> int:
    parts_sweep(now=timezone.now())
    uploads_mend(now=timezone.now())
    return evidence_process_due(now=timezone.now())


def _exports() -> int:
    imports_expire(now=timezone.now())
    return exports_write(now=timezone.now())


def _start(task: str, work: Callable[[], int]) -> None:
    with _lock:
        pid, thread = _running.get(task, (0, None))
        if pid == os.getpid() and thread is not None and thread.is_alive():
            return
        thread = Thread(target=run, args=(task, work), name=f"work {task}", daemon=True)
        _running[task] = (os.getpid(), thread)
        thread.start()


def run(task: str, work: Callable[[], int], stop: Event | None = None) -> None:
    """Does `work` whenever `task` is woken, or every two seconds, until `stop`. Survives whatever it raises."""
    while stop is None or not stop.is_set():
        try:
            close_old_connections()
            work()
        except Exception:
            log.exception("%s failed and will be tried again", task)
            connection.close()
        wait(task, SWEEP)
    connection.close()
