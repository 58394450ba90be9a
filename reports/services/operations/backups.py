"""Backup of database and files as one archive, without any key.

It is a tar file, compressed where its name ends in .gz or .tgz. It holds `manifest.json` (format, engine, migrations,
time), the files of the database, every sealed original under its SHA-256, public copies, unfinished uploads, and last
`sums` with one SHA-256 per line in the order of the members. A file without `sums` is incomplete. The archive is
written and read as a stream, so memory does not grow with its size.
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

from observer.services.trail import add_trail_entry
from reports.models import CaseFile, Evidence, RelayFile, Report
from reports.services.operations.dumps import dump_database
from reports.services.storage.sealed_store import open_sealed_file

FORMAT_VERSION = 1

BACKUP_ACTION = "backup.write"  # action of the trail entry


@dataclass(slots=True)
class BackupResult:
    """What a backup holds: numbers of reports and of files.

    `damaged` are members that the database names but that are missing or changed on disk.
    """

    reports: int = 0
    files: int = 0
    damaged: list[str] = field(default_factory=list)


class ReadableFile(Protocol):
    """Anything with a `read` method that gives bytes."""

    def read(self, size: int = -1, /) -> bytes: ...


class HashingReader:
    """Computes the SHA-256 of a file while it is read."""

    def __init__(self, file: ReadableFile) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


def open_private_file(path: Path) -> BinaryIO:
    """Creates or empties a file for writing that only the platform's user can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def write_backup(*, path: Path, now: datetime) -> BackupResult:
    """Writes a backup to `path`, which must not exist yet.

    Until it is complete, the file has another name. Raises FileExistsError. Files are read after the database: sealed
    files never change or disappear, so every file that the database's snapshot names is there.
    """
    if path.exists():
        raise FileExistsError(path)
    result = BackupResult()
    draft = path.with_name(path.name + ".partial")
    try:
        with open_private_file(draft) as out, ExitStack() as stack:
            target: IO[bytes] = out
            if path.suffix in (".gz", ".tgz"):
                target = stack.enter_context(cast(IO[bytes], gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1)))
            sums = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            with tarfile.open(fileobj=target, mode="w|") as tar:
                for name, file in _iterate_members(path.parent, now, result):
                    digest = _add_member(tar, name, file, now)
                    sums.write(f"{digest}  {name}\n".encode())
                    if name.startswith("sealed/") and name != f"sealed/{digest}":
                        result.damaged.append(name)
                _add_member(tar, "sums", sums, now)
            stack.close()
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, path)  # unlike a rename, it fails where the file exists by now
    finally:
        draft.unlink(missing_ok=True)
    detail = {"files": result.files, "damaged": len(result.damaged)}
    add_trail_entry(action=BACKUP_ACTION, subject=path.name[:120], now=now, detail=detail)
    return result


def _iterate_members(folder: Path, now: datetime, result: BackupResult) -> Iterator[tuple[str, IO[bytes]]]:
    manifest = {
        "format": FORMAT_VERSION,
        "engine": connection.vendor,
        "at": now.isoformat(),
        "migrations": sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()),
    }
    yield "manifest.json", io.BytesIO(json.dumps(manifest, indent=1).encode())
    for name, file in dump_database(folder=folder):
        yield f"database/{name}", file
    result.reports = Report.objects.count()
    evidence_hashes = Evidence.objects.filter(state=Evidence.State.STORED).order_by().values_list("sha256", flat=True)
    for sha256 in evidence_hashes.distinct().iterator():
        yield from _open_member(f"sealed/{sha256}", partial(open_sealed_file, sha256=sha256), result)
    relay_hashes = RelayFile.objects.filter(sealed=True).order_by("pk").values_list("sha256", flat=True)
    for sha256 in relay_hashes.iterator():
        yield from _open_member(f"sealed/{sha256}", partial(open_sealed_file, sha256=sha256), result)
    case_file_hashes = CaseFile.objects.exclude(sha256__in=evidence_hashes).order_by().values_list("sha256", flat=True)
    for sha256 in case_file_hashes.distinct().iterator():
        yield from _open_member(f"sealed/{sha256}", partial(open_sealed_file, sha256=sha256), result)
    parts_and_copies = Evidence.objects.order_by("pk").values_list("part", "copy", "thumbnail")
    for part, copy, thumbnail in parts_and_copies.iterator():
        for kind, root, name in (
            ("parts", settings.PARTS_DIR, part),
            ("public", settings.PUBLIC_DIR, copy),
            ("public", settings.PUBLIC_DIR, thumbnail),
        ):
            if name:
                yield from _open_member(f"{kind}/{name}", partial(_open_file, root / name), result)


def _open_file(path: Path) -> BinaryIO:
    return path.open("rb")


def _open_member(name: str, open_file: Callable[[], BinaryIO], result: BackupResult) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields the file with its name; a sealed file that is missing is listed as damaged."""
    try:
        file = open_file()
    except OSError:
        # An upload may have been sealed, or a public copy deleted, since the row was read.
        if name.startswith("sealed/"):
            result.damaged.append(name)
        return
    with file:
        yield name, file
        result.files += 1


def _add_member(tar: tarfile.TarFile, name: str, file: IO[bytes], now: datetime) -> str:
    """Adds the bytes that the file has now; returns their SHA-256.

    A partial upload may grow while it is read; later bytes are left out.
    """
    member = tarfile.TarInfo(name)
    member.size = file.seek(0, os.SEEK_END)
    member.mtime, member.mode = int(now.timestamp()), 0o600
    file.seek(0)
    reader = HashingReader(file)
    tar.addfile(member, cast(IO[bytes], reader))
    clear_member_cache(tar)
    return reader.digest.hexdigest()


def clear_member_cache(tar: tarfile.TarFile) -> None:
    """Makes a TarFile forget the members it has seen, because there may be a hundred thousand."""
    tar.members.clear()  # type: ignore[attr-defined]
