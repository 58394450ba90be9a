"""Lists as files: asked for at the desk, written in the background, fetched by whoever asked, gone after a day.

The rows are the queue. One process writes at a time, under a lock that the system takes from it when it dies:
whoever holds the lock and finds an unfinished row knows that nobody is at it, and begins it again. The lock's
file says how far the writer is. A file gets its name only when it is whole.
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
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.accounts.disclosure_log import REASON_LEAST, ReasonNeeded
from observer.services.trail import trail_add
from reports.models import Export
from reports.problems import Rejected
from reports.services.background.wakeups import wake, wake_after_commit
from reports.services.exports.filters import Unlisted
from reports.services.exports.tables import Row, codebook, export_check, export_tables
from reports.services.exports.writers import Book, CsvBook, XlsxBook
from reports.services.storage.disk import disk_free
from reports.services.storage.snapshot import database_moment

log = logging.getLogger("baqylau.exports")
TASK = "reports.write_lists"
KEPT = timedelta(days=1)
ATTEMPTS_MAX = 3
AT_ONCE = 20  # files that one user may have or wait for
LOCK = "writing"
BOOKS: Mapping[str, tuple[Callable[[BinaryIO], Book], str]] = {
    Export.Format.CSV: (CsvBook, "zip"),
    Export.Format.XLSX: (XlsxBook, "xlsx"),
}
Tell = Callable[[int, int, int], None]  # an export, its rows written, its rows in all
Problem = Export.Problem


class _Refused(Exception):
    """It cannot be written, and trying again would not help."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def lists_dir() -> Path:
    return Path(settings.DATA_DIR) / "lists"


def export_ask(
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
    """Asks for the file; the background writes it. The same asked again while it waits is the same export.

    Raises ReasonNeeded, Unlisted where there is no such list for this user, Rejected where they have too many.
    """
    said = reason.strip()[:200]
    if len(said) < REASON_LEAST:
        raise ReasonNeeded
    export_check(kind=kind, user=user, election=election, filters=filters, now=now)
    asked = {
        "kind": kind,
        "format": format,
        "labels": labels,
        "language": language,
        "words": words,
        "filters": dict(filters),
    }
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two presses, one after the other
        mine = Export.objects.filter(user=user)
        before = mine.filter(Q(uuid=uuid) | Q(done_at=None, problem="", **asked), election=election).first()
        if before is not None:
            return before
        if mine.filter(Q(done_at=None, problem="") | ~Q(name="")).count() >= AT_ONCE:
            raise Rejected("too_many", _("You have too many files: wait until some are removed."))
        export = Export.objects.create(uuid=uuid, user=user, election=election, asked_at=now, **asked)
        # What was searched for stays out of the trail: it may be anything that somebody typed.
        told = asked | {"filters": {name: "…" if name == "q" else value for name, value in filters.items()}}
        trail_add(action="export.ask", subject=export, now=now, user=user, detail=told | {"reason": said})
        wake_after_commit(TASK)
    return export


def exports_of(*, user: User, election: Election) -> "QuerySet[Export]":
    """What this user asked for, the newest first: nobody sees another's."""
    return Export.objects.filter(user=user, election=election)


def export_fetch(*, export: Export, user: User, now: datetime) -> BinaryIO:
    """The whole file, for whoever asked, while they still may. Raises FileNotFoundError."""
    allowed = set(access.scopes(user, Verb.EXPORT, export.election))
    if not access.is_superuser(user) and not set(export.scopes) <= allowed:
        raise FileNotFoundError
    if export.user_id != user.pk or not export.is_there(now):
        raise FileNotFoundError
    file = (lists_dir() / export.name).open("rb")
    trail_add(action="export.fetch", subject=export, now=now, user=user, detail={"sha256": export.sha256})
    return file


def export_progress(export: Export) -> tuple[int, int] | None:
    """Rows written and rows in all, while it is being written."""
    try:
        key, done, total = (lists_dir() / LOCK).read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return (int(done), int(total)) if key == str(export.pk) and export.waits else None


def exports_remove(*, election: Election) -> int:
    """Removes the files of an election, and gives up those that wait; how many."""
    rows = Export.objects.filter(election=election).filter(~Q(name="") | Q(done_at=None, problem=""))
    number = 0
    for export in rows:
        Export.objects.filter(pk=export.pk).update(name="", problem=Problem.LIST, filters={})
        if export.name:
            (lists_dir() / export.name).unlink(missing_ok=True)
        number += 1
    return number


# ── writing ─────────────────────────────────────────────────────────────────────────────────
def lists_write(*, now: datetime) -> int:
    """Writes the one that waits longest, unless another process is writing; how many were finished."""
    if not _waiting().exists() and not _old(now).exists():
        return 0
    with _alone() as tell:
        if tell is None:
            return 0
        _tidy(now)
        export = _waiting().select_related("election").order_by("asked_at", "pk").first()
        if export is None:
            return 0
        done = _try(export, now, tell)
    if _waiting().exists():
        wake(TASK)  # others may use this worker in between
    return done


def _waiting() -> "QuerySet[Export]":
    return Export.objects.filter(done_at=None, problem="")


def _old(now: datetime) -> "QuerySet[Export]":
    return Export.objects.filter(expires_at__lt=now).exclude(name="")


@contextmanager
def _alone() -> Iterator[Tell | None]:
    """Gives a way to tell how far one is; None where somebody else writes."""
    folder = lists_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)

    def tell(key: int, done: int, total: int) -> None:
        os.pwrite(lock, f"{key} {done} {total}".ljust(60).encode(), 0)

    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield tell
        tell(0, 0, 0)
    finally:
        os.close(lock)


def _tidy(now: datetime) -> None:
    """Removes what is old, and what a killed writer left behind: nobody else is writing now."""
    _old(now).update(name="")
    named = set(Export.objects.exclude(name="").values_list("name", flat=True))
    for path in lists_dir().iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in named and path.name != LOCK:
            path.unlink(missing_ok=True)


def _try(export: Export, now: datetime, tell: Tell) -> int:
    rows = Export.objects.filter(pk=export.pk)
    if export.attempts >= ATTEMPTS_MAX:
        rows.update(problem=Problem.BROKEN)
        return 0
    rows.update(attempts=export.attempts + 1)
    try:
        _write(export, now, tell)
    except _Refused as refused:
        rows.update(problem=refused.problem)
        return 0
    except Unlisted:
        rows.update(problem=Problem.LIST)
        return 0
    except Exception as error:
        log.exception("the export %d could not be written", export.pk)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            rows.update(problem=Problem.DISK)
        elif export.attempts + 1 >= ATTEMPTS_MAX:
            rows.update(problem=Problem.BROKEN)
        return 0
    return 1


def _write(export: Export, now: datetime, tell: Tell) -> None:
    made, ending = BOOKS[export.format]
    name = f"{export.kind}-{secrets.token_hex(16)}.{ending}"
    draft = lists_dir() / f"{name}.part"
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)
            with translation.override(export.language), database_moment():
                # Asked again, now: what may leave is what this user may take out when it is written.
                user = User.objects.get(pk=export.user_id)
                if not access.may(user, Verb.EXPORT, export.election):
                    raise _Refused(Problem.RIGHTS)
                scopes = access.scopes(user, Verb.EXPORT, export.election)
                with made(file) as book:
                    total = _fill(book, export, user, now, tell)
            file.flush()
            os.fsync(file.fileno())
        with draft.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        size = draft.stat().st_size
        draft.rename(lists_dir() / name)
    finally:
        draft.unlink(missing_ok=True)
    with transaction.atomic():
        done = Export.objects.filter(pk=export.pk, done_at=None, problem="").update(
            done_at=now, name=name, size=size, sha256=digest, total=total, scopes=scopes, expires_at=now + KEPT
        )
        if done:
            detail = {"rows": total, "sha256": digest}
            trail_add(action="export.write", subject=export, now=now, user=user, detail=detail)
    if not done:  # removed meanwhile
        (lists_dir() / name).unlink(missing_ok=True)


def _fill(book: Book, export: Export, user: User, now: datetime, tell: Tell) -> int:
    """Writes every table and what its columns mean; how many rows. Never fewer than the database counted."""
    tables = export_tables(export=export, user=user, now=now)
    total = sum(table.count for table in tables)
    done = 0

    def told(chunks: Iterable[list[Row]]) -> Iterator[list[Row]]:
        nonlocal done
        for rows in chunks:
            if disk_free() < settings.DISK_FREE_MIN_EVIDENCE:  # before the disk is wanted for reports
                raise _Refused(Problem.DISK)
            yield rows
            done += len(rows)
            tell(export.pk, done, total)

    tell(export.pk, 0, total)
    for table in tables:
        book.table(table.name, [one.name for one in table.columns], told(table.chunks))
    if done != total:
        raise RuntimeError(f"{done} rows instead of {total}")
    meaning = codebook(tables)
    book.table(meaning.name, [one.name for one in meaning.columns], meaning.chunks)
    return total
