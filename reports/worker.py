"""Background threads of an embedded deployment, which has no Celery: four daemon threads of the web process.

They do the work that Celery does in a full deployment. Request threads never do it; they only wake these threads.
"""

import logging
import os
from collections.abc import Callable
from threading import Event, Lock, Thread

from django.db import close_old_connections, connection
from django.utils import timezone

from reports.services.background.wakeups import wait_for_wake
from reports.services.cases.case_export import write_case_exports
from reports.services.elections.imports import delete_expired_imports
from reports.services.evidence.crash_recovery import recover_uploads
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.exports.exports import write_next_export
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.storage.partial_uploads import delete_abandoned_parts

log = logging.getLogger("baqylau.worker")
SWEEP_SECONDS = 2.0  # a thread looks for work at least this often, even if it is not woken

_running: dict[str, tuple[int, Thread]] = {}
_lock = Lock()


def start_threads() -> None:
    """Starts the threads of this process, unless they run; a forked child starts its own."""
    _start_thread("reports.refresh_summaries", lambda: recompute_due_summaries())
    _start_thread("reports.process_evidence", _process_evidence)
    _start_thread("reports.write_exports", _write_case_exports)
    _start_thread("reports.write_lists", lambda: write_next_export(now=timezone.now()))


def _process_evidence() -> int:
    delete_abandoned_parts(now=timezone.now())
    recover_uploads(now=timezone.now())
    return process_waiting_evidence(now=timezone.now())


def _write_case_exports() -> int:
    delete_expired_imports(now=timezone.now())
    return write_case_exports(now=timezone.now())


def _start_thread(task: str, work: Callable[[], int]) -> None:
    with _lock:
        pid, thread = _running.get(task, (0, None))
        if pid == os.getpid() and thread is not None and thread.is_alive():
            return
        thread = Thread(target=run_loop, args=(task, work), name=f"work {task}", daemon=True)
        _running[task] = (os.getpid(), thread)
        thread.start()


def run_loop(task: str, work: Callable[[], int], stop: Event | None = None) -> None:
    """Calls `work` whenever `task` is woken, and at least every SWEEP_SECONDS, until `stop` is set.

    An exception is logged, and the work is tried again.
    """
    while stop is None or not stop.is_set():
        try:
            close_old_connections()
            work()
        except Exception:
            log.exception("%s failed and will be tried again", task)
            connection.close()
        wait_for_wake(task, SWEEP_SECONDS)
    connection.close()
