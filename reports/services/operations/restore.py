"""Restore of a backup: the whole file is checked before anything is changed."""

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
from reports.services.operations.backups import FORMAT_VERSION, HashingReader, clear_member_cache, open_private_file
from reports.services.operations.dumps import CHUNK_BYTES, load_database
from reports.services.storage.sealed_store import seal_file

MEMBER_NAME = re.compile(
    r"(manifest\.json|sums|(database|sealed|public|parts)/[A-Za-z0-9_][\w.\-]*(/[A-Za-z0-9_][\w.\-]*)*)\Z", re.A
)


class InvalidBackup(Exception):
    """The file is incomplete, damaged, of another database engine, or newer than this program.

    Nothing was changed.
    """


class DeploymentNotEmpty(Exception):
    """The deployment has data already, which a restore would replace."""


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """When the backup was written (ISO), and how many reports and files were restored."""

    at: str
    reports: int
    files: int


def restore_backup(*, path: Path, force: bool = False) -> RestoreResult:
    """Restores a backup into an empty deployment, or with `force` into any.

    Files come first; the database comes last, in one transaction, so that an interrupted restore can be started
    again. All other processes of the platform must be stopped. Raises InvalidBackup, DeploymentNotEmpty.
    """
    manifest = check_backup(path=path)
    if not force and _has_data():
        raise DeploymentNotEmpty
    files = _restore_files(path)
    if connection.vendor != "sqlite":
        _migrate_to(manifest["migrations"])
    with closing(_read_members(path, "database/")) as members:
        load_database(files=((member.removeprefix("database/"), file) for member, file in members))
    call_command("migrate", interactive=False, verbosity=0)
    return RestoreResult(manifest["at"], Report.objects.count(), files)


def check_backup(*, path: Path) -> dict[str, Any]:
    """Reads the whole file and compares every hash; returns its manifest. Raises InvalidBackup."""
    manifest: dict[str, Any] = {}
    is_complete = False
    with tempfile.TemporaryFile() as computed:
        try:
            for name, file in _read_members(path, ""):
                if not MEMBER_NAME.match(name):
                    raise InvalidBackup(f"it holds a member that no backup has: {name!r}")
                if name == "sums":
                    is_complete = _is_same_content(computed, file)
                    continue
                reader = HashingReader(file)
                if name == "manifest.json":
                    manifest = json.loads(reader.read(1_000_000) or b"{}")
                while reader.read(CHUNK_BYTES):
                    pass
                digest = reader.digest.hexdigest()
                if name.startswith("sealed/") and name != f"sealed/{digest}":
                    raise InvalidBackup(f"{name} is not what its address says")
                computed.write(f"{digest}  {name}\n".encode())
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise InvalidBackup(f"it cannot be read to its end: {error}") from None
    if not is_complete:
        raise InvalidBackup("it is cut off, or its content differs from its sums")
    if manifest.get("format") != FORMAT_VERSION:
        raise InvalidBackup("its format is not known here")
    if manifest["engine"] != connection.vendor:
        raise InvalidBackup(f"it is of {manifest['engine']}, this deployment is of {connection.vendor}")
    known = {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    if newer := sorted(set(manifest["migrations"]) - known):
        raise InvalidBackup(f"it was made by a newer version: {', '.join(newer[:3])}")
    return manifest


def _read_members(path: Path, prefix: str) -> Generator[tuple[str, BinaryIO], None, None]:
    """Yields name and content of each file whose name starts with `prefix`, in order, as a stream."""
    with tarfile.open(path, mode="r|*") as tar:
        while (member := tar.next()) is not None:
            clear_member_cache(tar)
            if not member.isreg():
                raise InvalidBackup(f"it holds something else than files: {member.name!r}")
            if member.name.startswith(prefix):
                yield member.name, cast(BinaryIO, tar.extractfile(member))


def _is_same_content(computed: IO[bytes], given: IO[bytes]) -> bool:
    computed.seek(0)
    while block := computed.read(CHUNK_BYTES):
        if given.read(len(block)) != block:
            return False
    return not given.read(1)


def _has_data() -> bool:
    tables = set(connection.introspection.table_names())
    return any(
        model._meta.db_table in tables and model.objects.exists() for model in (Election, Observer, User, Report)
    )


def _restore_files(path: Path) -> int:
    restored = 0
    settings.PARTS_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, file in _read_members(path, ""):
        kind, _, rest = name.partition("/")
        if kind == "sealed":
            draft = settings.PARTS_DIR / f"restore-{uuid4().hex}"
            _write_file(draft, file)
            seal_file(part=draft, sha256=rest)
        elif kind in ("public", "parts"):
            target = (settings.PUBLIC_DIR if kind == "public" else settings.PARTS_DIR) / rest
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_file(target, file)
        else:
            continue
        restored += 1
    return restored


def _write_file(path: Path, file: IO[bytes]) -> None:
    with open_private_file(path) as out:
        shutil.copyfileobj(file, out, CHUNK_BYTES)
        out.flush()
        os.fsync(out.fileno())


def _migrate_to(applied: list[str]) -> None:
    """Migrates PostgreSQL to the schema that the backup was made with."""
    current = {f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()}
    if current == set(applied):
        return
    last_migrations: dict[str, str] = {}
    for app, name in (entry.split(".", 1) for entry in sorted(applied)):
        last_migrations[app] = name
    for app in sorted({entry.split(".", 1)[0] for entry in current | set(applied)}):
        call_command("migrate", app, last_migrations.get(app, "zero"), interactive=False, verbosity=0)
