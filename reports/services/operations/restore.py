"""Bringing a backup back: first all of it is read and checked, only then anything is changed."""

import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from observer.models import Election, Observer, User
from reports.models import Report
from reports.services.operations.backups import FORMAT, Hashing, forget_members, private_file
from reports.services.operations.dumps import PIECE, database_load
from reports.services.storage.sealed_store import seal

NAME = re.compile(
    r"(manifest\.json|sums|(database|sealed|public|parts)/[A-Za-z0-9_][\w.\-]*(/[A-Za-z0-9_][\w.\-]*)*)\Z", re.A
)


class BadBackup(Exception):
    """The file is cut off, damaged, of another engine, or newer than this program. Nothing was changed."""


class NotEmpty(Exception):
    """There is something here already, which a restore would replace."""


@dataclass(frozen=True, slots=True)
class Restored:
    at: str
    reports: int
    files: int


def backup_restore(*, path: Path, force: bool = False) -> Restored:
    """Puts the backup in the place of an empty deployment, or of any with `force`. Raises BadBackup, NotEmpty.

    Files first, the database last and in one transaction: broken off, it can be begun again. Other
    processes of the platform must be stopped.
    """
    manifest = backup_check(path=path)
    if not force and _inhabited():
        raise NotEmpty
    files = _restore_files(path)
    if connection.vendor != "sqlite":
        _migrate_to(manifest["migrations"])
    with closing(_members(path, "database/")) as members:
        database_load(files=((member.removeprefix("database/"), file) for member, file in members))
    call_command("migrate", interactive=False, verbosity=0)
    return Restored(manifest["at"], Report.objects.count(), files)


def backup_check(*, path: Path) -> dict[str, Any]:
    """Reads the whole file and compares every hash; its manifest. Raises BadBackup."""
    manifest: dict[str, Any] = {}
    whole = False
    with tempfile.TemporaryFile() as computed:
        try:
            for name, file in _members(path, ""):
                if not NAME.match(name):
                    raise BadBackup(f"it holds a member that no backup has: {name!r}")
                if name == "sums":
                    whole = _same(computed, file)
                    continue
                hashing = Hashing(file)
                if name == "manifest.json":
                    manifest = json.loads(hashing.read(1_000_000) or b"{}")
                while hashing.read(PIECE):
                    pass
                digest = hashing.digest.hexdigest()
                if name.startswith("sealed/") and name != f"sealed/{digest}":
                    raise BadBackup(f"{name} is not what its address says")
                computed.write(f"{digest}  {name}\n".encode())
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise BadBackup(f"it cannot be read to its end: {error}") from None
    if not whole:
        raise BadBackup("it is cut off, or its content differs from its sums")
    if manifest.get("format") != FORMAT:
        raise BadBackup("its format is not known here")
    if manifest["engine"] != connection.vendor:
        raise BadBackup(f"it is of {manifest['engine']}, this deployment is of {connection.vendor}")
    known = {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    if newer := sorted(set(manifest["migrations"]) - known):
        raise BadBackup(f"it was made by a newer version: {', '.join(newer[:3])}")
    return manifest


def _members(path: Path, prefix: str) -> Generator[tuple[str, BinaryIO], None, None]:
    """Name and content of each regular file whose name begins with `prefix`, in order, as a stream."""
    with tarfile.open(path, mode="r|*") as tar:
        while (member := tar.next()) is not None:
            forget_members(tar)
            if not member.isreg():
                raise BadBackup(f"it holds something else than files: {member.name!r}")
            if member.name.startswith(prefix):
                yield member.name, cast(BinaryIO, tar.extractfile(member))


def _same(computed: IO[bytes], given: IO[bytes]) -> bool:
    computed.seek(0)
    while block := computed.read(PIECE):
        if given.read(len(block)) != block:
            return False
    return not given.read(1)


def _inhabited() -> bool:
    tables = set(connection.introspection.table_names())
    return any(
        model._meta.db_table in tables and model.objects.exists() for model in (Election, Observer, User, Report)
    )


def _restore_files(path: Path) -> int:
    count = 0
    settings.PARTS_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, file in _members(path, ""):
        kind, _, rest = name.partition("/")
        if kind == "sealed":
            draft = settings.PARTS_DIR / f"restore-{uuid4().hex}"
            _write(draft, file)
            seal(part=draft, sha256=rest)
        elif kind in ("public", "parts"):
            target = (settings.PUBLIC_DIR if kind == "public" else settings.PARTS_DIR) / rest
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(target, file)
        else:
            continue
        count += 1
    return count


def _write(path: Path, file: IO[bytes]) -> None:
    with private_file(path) as out:
        shutil.copyfileobj(file, out, PIECE)
        out.flush()
        os.fsync(out.fileno())


def _migrate_to(applied: list[str]) -> None:
    """Gives PostgreSQL the schema that the backup was made under."""
    here = {f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()}
    if here == set(applied):
        return
    last: dict[str, str] = {}
    for app, name in (entry.split(".", 1) for entry in sorted(applied)):
        last[app] = name
    for app in sorted({entry.split(".", 1)[0] for entry in here | set(applied)}):
        call_command("migrate", app, last.get(app, "zero"), interactive=False, verbosity=0)
