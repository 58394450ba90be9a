"""Exports of lists: requested at the desk, written in the background, downloaded, deleted after a day.

The rows of Export are the queue. One process writes at a time, under a file lock that the operating system releases
when the process dies. A process that holds the lock and finds an unfinished row therefore knows that nobody else is
writing it, and starts it again. The lock file holds the writer's progress. A file gets its final name only when it
is complete.
"""

import errno
import fcntl
import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from observer.models import Election, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.accounts.disclosure_log import MIN_REASON_CHARACTERS, ReasonRequired
from observer.services.trail import add_trail_entry
from reports.models import Export
from reports.problems import Rejected
from reports.services.background.wakeups import wake_after_commit, wake_task
from reports.services.exports.filters import InvalidListing
from reports.services.exports.tables import Row, build_codebook, build_tables, check_listing
from reports.services.exports.writers import CsvWriter, TableWriter, XlsxWriter
from reports.services.storage.disk import get_free_disk_bytes
from reports.services.storage.snapshot import database_snapshot

log = logging.getLogger("baqylau.exports")
TASK_NAME = "reports.write_lists"
RETENTION = timedelta(days=1)
MAX_ATTEMPTS = 3
MAX_FILES_PER_USER = 20  # written or waiting
LOCK_FILE = "writing"
WRITERS: Mapping[str, tuple[Callable[[BinaryIO], TableWriter], str]] = {
    Export.Format.CSV: (CsvWriter, "zip"),
    Export.Format.XLSX: (XlsxWriter, "xlsx"),
}
ProgressCallback = Callable[[int, int, int], None]  # export key, rows written, rows in total
Problem = Export.Problem


class _ExportFailed(Exception):
    """The export cannot be written, and another attempt would not help."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def get_list_exports_dir() -> Path:
    """Returns the folder of the written files, the drafts and the lock."""
    return Path(settings.DATA_DIR) / "lists"


def request_export(
    *,
    uuid: UUID,
    user: User,
    election: Election,
    kind: str,
    format: str,
    labels: str,
    language: str,
    words: bool,
    filters: Mapping[str, str],
    reason: str,
    now: datetime,
) -> Export:
    """Requests an export, which a background task writes.

    `uuid` is the form's: the same form sent twice gives one export, and so does an equal request while the first one
    waits. `words` includes free text and locations of phones. Raises ReasonRequired, InvalidListing where there is no
    such list for this user, Rejected where they have too many files.
    """
    stripped_reason = reason.strip()[:200]
    if len(stripped_reason) < MIN_REASON_CHARACTERS:
        raise ReasonRequired
    check_listing(kind=kind, user=user, election=election, filters=filters, now=now)
    options = {
        "kind": kind,
        "format": format,
        "labels": labels,
        "language": language,
        "words": words,
        "filters": dict(filters),
    }
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # handles two equal requests one after the other
        own_exports = Export.objects.filter(user=user)
        existing = own_exports.filter(Q(uuid=uuid) | Q(done_at=None, problem="", **options), election=election).first()
        if existing is not None:
            return existing
        if own_exports.filter(Q(done_at=None, problem="") | ~Q(name="")).count() >= MAX_FILES_PER_USER:
            raise Rejected("too_many", _("You have too many files: wait until some are removed."))
        export = Export.objects.create(uuid=uuid, user=user, election=election, asked_at=now, **options)
        # The search term is not written to the trail, because a user may type anything there.
        logged_options = options | {"filters": {name: "…" if name == "q" else value for name, value in filters.items()}}
        add_trail_entry(
            action="export.ask", subject=export, now=now, user=user, detail=logged_options | {"reason": stripped_reason}
        )
        wake_after_commit(TASK_NAME)
    return export


def get_exports(*, user: User, election: Election) -> "QuerySet[Export]":
    """Returns the user's own exports, newest first; nobody sees those of others."""
    return Export.objects.filter(user=user, election=election)


def open_export(*, export: Export, user: User, now: datetime) -> BinaryIO:
    """Opens the complete file for the user who requested it.

    Raises FileNotFoundError for other users, where a permission by which rows were taken is gone, and where the file
    has expired.
    """
    allowed = set(access.describe_grants(user, Permission.EXPORT, export.election))
    if not access.is_superuser(user) and not set(export.scopes) <= allowed:
        raise FileNotFoundError
    if export.user_id != user.pk or not export.is_available(now):
        raise FileNotFoundError
    file = (get_list_exports_dir() / export.name).open("rb")
    add_trail_entry(action="export.fetch", subject=export, now=now, user=user, detail={"sha256": export.sha256})
    return file


def read_progress(export: Export) -> tuple[int, int] | None:
    """Reads how many rows are written and how many there are in total; None if it is not being written."""
    try:
        key, done, total = (get_list_exports_dir() / LOCK_FILE).read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return (int(done), int(total)) if key == str(export.pk) and export.is_waiting else None


def remove_exports(*, election: Election) -> int:
    """Deletes an election's files and cancels its waiting exports; returns how many."""
    rows = Export.objects.filter(election=election).filter(~Q(name="") | Q(done_at=None, problem=""))
    number = 0
    for export in rows:
        Export.objects.filter(pk=export.pk).update(name="", problem=Problem.LIST, filters={})
        if export.name:
            (get_list_exports_dir() / export.name).unlink(missing_ok=True)
        number += 1
    return number


# ── writing ─────────────────────────────────────────────────────────────────────────────────
def write_next_export(*, now: datetime) -> int:
    """Writes the export that waits longest, unless another process is writing; returns how many were finished."""
    if not _get_waiting_exports().exists() and not _get_expired_exports(now).exists():
        return 0
    with _hold_writer_lock() as report_progress:
        if report_progress is None:
            return 0
        _delete_stale_files(now)
        export = _get_waiting_exports().select_related("election").order_by("asked_at", "pk").first()
        if export is None:
            return 0
        done = _try_export(export, now, report_progress)
    if _get_waiting_exports().exists():
        wake_task(TASK_NAME)  # other tasks may use this worker in between
    return done


def _get_waiting_exports() -> "QuerySet[Export]":
    return Export.objects.filter(done_at=None, problem="")


def _get_expired_exports(now: datetime) -> "QuerySet[Export]":
    return Export.objects.filter(expires_at__lt=now).exclude(name="")


@contextmanager
def _hold_writer_lock() -> Iterator[ProgressCallback | None]:
    """Holds the writer's lock; yields a progress callback, or None if another process writes."""
    folder = get_list_exports_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)

    def report_progress(key: int, done: int, total: int) -> None:
        os.pwrite(lock, f"{key} {done} {total}".ljust(60).encode(), 0)

    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield report_progress
        report_progress(0, 0, 0)
    finally:
        os.close(lock)


def _delete_stale_files(now: datetime) -> None:
    """Deletes expired files and the leftovers of killed writers. Needs the writer's lock."""
    _get_expired_exports(now).update(name="")
    known_names = set(Export.objects.exclude(name="").values_list("name", flat=True))
    for path in get_list_exports_dir().iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in known_names and path.name != LOCK_FILE:
            path.unlink(missing_ok=True)


def _try_export(export: Export, now: datetime, report_progress: ProgressCallback) -> int:
    rows = Export.objects.filter(pk=export.pk)
    if export.attempts >= MAX_ATTEMPTS:
        rows.update(problem=Problem.BROKEN)
        return 0
    rows.update(attempts=export.attempts + 1)
    try:
        _write_export(export, now, report_progress)
    except _ExportFailed as failure:
        rows.update(problem=failure.problem)
        return 0
    except InvalidListing:
        rows.update(problem=Problem.LIST)
        return 0
    except Exception as error:
        log.exception("the export %d could not be written", export.pk)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            rows.update(problem=Problem.DISK)
        elif export.attempts + 1 >= MAX_ATTEMPTS:
            rows.update(problem=Problem.BROKEN)
        return 0
    return 1


def _write_export(export: Export, now: datetime, report_progress: ProgressCallback) -> None:
    writer_class, extension = WRITERS[export.format]
    name = f"{export.kind}-{secrets.token_hex(16)}.{extension}"
    draft = get_list_exports_dir() / f"{name}.part"
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)
            with translation.override(export.language), database_snapshot():
                # Permissions are read again: they may have changed since the request.
                user = User.objects.get(pk=export.user_id)
                if not access.has_permission(user, Permission.EXPORT, export.election):
                    raise _ExportFailed(Problem.RIGHTS)
                scopes = access.describe_grants(user, Permission.EXPORT, export.election)
                with writer_class(file) as writer:
                    total = _write_tables(writer, export, user, now, report_progress)
            file.flush()
            os.fsync(file.fileno())
        with draft.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        size = draft.stat().st_size
        draft.rename(get_list_exports_dir() / name)
    finally:
        draft.unlink(missing_ok=True)
    with transaction.atomic():
        is_written = Export.objects.filter(pk=export.pk, done_at=None, problem="").update(
            done_at=now, name=name, size=size, sha256=digest, total=total, scopes=scopes, expires_at=now + RETENTION
        )
        if is_written:
            detail = {"rows": total, "sha256": digest}
            add_trail_entry(action="export.write", subject=export, now=now, user=user, detail=detail)
    if not is_written:  # deleted in the meantime
        (get_list_exports_dir() / name).unlink(missing_ok=True)


def _write_tables(
    writer: TableWriter, export: Export, user: User, now: datetime, report_progress: ProgressCallback
) -> int:
    """Writes every table and the codebook; returns the number of rows.

    Raises RuntimeError where it differs from the number that the database counted.
    """
    tables = build_tables(export=export, user=user, now=now)
    total = sum(table.count for table in tables)
    done = 0

    def count_rows(chunks: Iterable[list[Row]]) -> Iterator[list[Row]]:
        nonlocal done
        for rows in chunks:
            if get_free_disk_bytes() < settings.DISK_FREE_MIN_EVIDENCE:  # keeps the rest of the disk for reports
                raise _ExportFailed(Problem.DISK)
            yield rows
            done += len(rows)
            report_progress(export.pk, done, total)

    report_progress(export.pk, 0, total)
    for table in tables:
        writer.write_table(table.name, [one.name for one in table.columns], count_rows(table.chunks))
    if done != total:
        raise RuntimeError(f"{done} rows instead of {total}")
    codebook = build_codebook(tables)
    writer.write_table(codebook.name, [one.name for one in codebook.columns], codebook.chunks)
    return total
