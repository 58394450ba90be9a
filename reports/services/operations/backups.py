"""Everything the platform has received, in one file; never a key.

A tar, gzipped where its name ends in .gz: `manifest.json` (format, engine, migrations, when), the
database's files, every sealed original under its SHA-256, public copies, uploads on their way, and
last `sums`, one SHA-256 a line in the order of the members. A file without its `sums` was cut off.
Written and read as a stream: memory does not grow with what is in it.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from observer.services.trail import trail_add
from reports.models import CaseFile, Evidence, RelayFile, Report
from reports.services.operations.dumps import database_dump
from reports.services.storage.sealed_store import open_sealed

FORMAT = 1

BACKUP = "backup.write"  # the trail's word for one that was written


@dataclass(slots=True)
class Written:
    """`damaged`: what the database speaks of but the disk has not, or not as it was."""

    reports: int = 0
    files: int = 0
    damaged: list[str] = field(default_factory=list)


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: Readable) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


def private_file(path: Path) -> BinaryIO:
    """`path` made anew for writing, readable by the platform's user only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def backup_write(*, path: Path, now: datetime) -> Written:
    """Writes the backup to `path`, which must not exist; until it is whole it bears another name.

    Raises FileExistsError. Files are read after the database, so that every file the database's
    moment speaks of is there: sealed files never change or go.
    """
    if path.exists():
        raise FileExistsError(path)
    result = Written()
    draft = path.with_name(path.name + ".partial")
    try:
        with private_file(draft) as out, ExitStack() as stack:
            target: IO[bytes] = out
            if path.suffix in (".gz", ".tgz"):
                target = stack.enter_context(cast(IO[bytes], gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1)))
            sums = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            with tarfile.open(fileobj=target, mode="w|") as tar:
                for name, file in _contents(path.parent, now, result):
                    digest = _add(tar, name, file, now)
                    sums.write(f"{digest}  {name}\n".encode())
                    if name.startswith("sealed/") and name != f"sealed/{digest}":
                        result.damaged.append(name)
                _add(tar, "sums", sums, now)
            stack.close()
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, path)  # fails, unlike a rename, where somebody else was quicker
    finally:
        draft.unlink(missing_ok=True)
    detail = {"files": result.files, "damaged": len(result.damaged)}
    trail_add(action=BACKUP, subject=path.name[:120], now=now, detail=detail)
    return result


def _contents(folder: Path, now: datetime, result: Written) -> Iterator[tuple[str, IO[bytes]]]:
    manifest = {
        "format": FORMAT,
        "engine": connection.vendor,
        "at": now.isoformat(),
        "migrations": sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()),
    }
    yield "manifest.json", io.BytesIO(json.dumps(manifest, indent=1).encode())
    for name, file in database_dump(folder=folder):
        yield f"database/{name}", file
    result.reports = Report.objects.count()
    stored = Evidence.objects.filter(state=Evidence.State.STORED).order_by().values_list("sha256", flat=True)
    for sha256 in stored.distinct().iterator():
        yield from _opened(f"sealed/{sha256}", partial(open_sealed, sha256=sha256), result)
    brought = RelayFile.objects.filter(sealed=True).order_by("pk").values_list("sha256", flat=True)
    for sha256 in brought.iterator():
        yield from _opened(f"sealed/{sha256}", partial(open_sealed, sha256=sha256), result)
    papers = CaseFile.objects.exclude(sha256__in=stored).order_by().values_list("sha256", flat=True)
    for sha256 in papers.distinct().iterator():
        yield from _opened(f"sealed/{sha256}", partial(open_sealed, sha256=sha256), result)
    rows = Evidence.objects.order_by("pk").values_list("part", "copy", "thumbnail")
    for part, copy, thumbnail in rows.iterator():
        for kind, root, name in (
            ("parts", settings.PARTS_DIR, part),
            ("public", settings.PUBLIC_DIR, copy),
            ("public", settings.PUBLIC_DIR, thumbnail),
        ):
            if name:
                yield from _opened(f"{kind}/{name}", partial(_open, root / name), result)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _opened(name: str, opening: Callable[[], BinaryIO], result: Written) -> Iterator[tuple[str, IO[bytes]]]:
    """The file under its name. One that is missing or not what its address says is told, not left out in silence."""
    try:
        file = opening()
    except OSError:
        # An upload may have been sealed, and a copy withdrawn, since the row was read.
        if name.startswith("sealed/"):
            result.damaged.append(name)
        return
    with file:
        yield name, file
        result.files += 1


def _add(tar: tarfile.TarFile, name: str, file: IO[bytes], now: datetime) -> str:
    """Adds the bytes that are there now (a part may grow while it is read); their SHA-256."""
    member = tarfile.TarInfo(name)
    member.size = file.seek(0, os.SEEK_END)
    member.mtime, member.mode = int(now.timestamp()), 0o600
    file.seek(0)
    hashing = Hashing(file)
    tar.addfile(member, cast(IO[bytes], hashing))
    forget_members(tar)
    return hashing.digest.hexdigest()


def forget_members(tar: tarfile.TarFile) -> None:
    """A TarFile remembers every member it has seen; there may be a hundred thousand."""
    tar.members.clear()  # type: ignore[attr-defined]
