"""The database as files: one consistent moment of it, written and read without holding it in memory.

SQLite gives a copy of itself; PostgreSQL one COPY file a table, read in one snapshot. Sessions are
left out: whoever is signed in signs in again.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO, cast

from django.db import connection, transaction

PIECE = 256 * 1024
LEFT_OUT = ("django_migrations", "django_session")
# Triggers refuse questions and files for a version, and rows for a release, that is published, so these come before it. Foreign
# keys wait for the end of the transaction.
FIRST = ("reports_section", "reports_question", "reports_checklistfile", "reports_releaserow")


def database_dump(*, folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of each file, one after another; drafts lie in `folder`. Use each before the next."""
    if connection.vendor == "sqlite":
        yield from _sqlite_dump(folder)
    else:
        yield from _postgresql_dump(folder)


def database_load(*, files: Iterator[tuple[str, BinaryIO]]) -> None:
    """Puts the files of `database_dump` in the place of what is there. All of it, or nothing.

    The schema must be that of the dump, except on SQLite, whose copy brings its own.
    """
    if connection.vendor == "sqlite":
        _sqlite_load(files)
    else:
        _postgresql_load(files)


def _sqlite_dump(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    with tempfile.TemporaryDirectory(dir=folder) as drafts:
        copy = Path(drafts) / "copy.sqlite3"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(copy)])
        with closing(sqlite3.connect(copy)) as opened, opened, suppress(sqlite3.OperationalError):
            opened.execute("DELETE FROM django_session")
        with copy.open("rb") as file:
            yield "baqylau.sqlite3", file


def _sqlite_load(files: Iterator[tuple[str, BinaryIO]]) -> None:
    with tempfile.NamedTemporaryFile(suffix=".sqlite3") as draft:
        for _, file in files:
            shutil.copyfileobj(file, draft, PIECE)
        draft.flush()
        connection.ensure_connection()
        with closing(sqlite3.connect(draft.name)) as source:
            if source.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("the copy in the backup is damaged")
            source.backup(cast(sqlite3.Connection, connection.connection))
    connection.close()


def _tables() -> list[tuple[str, list[str]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' GROUP BY table_name"
        )
        found = {name: columns for name, columns in cursor.fetchall() if name not in LEFT_OUT}
    return sorted(found.items(), key=lambda item: (item[0] not in FIRST, item[0]))


def _postgresql_dump(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for number, (table, columns) in enumerate(_tables()):
            with tempfile.TemporaryFile(dir=folder) as draft:
                # The first line names the columns; what follows is COPY's text form.
                draft.write(("\t".join(columns) + "\n").encode())
                with cursor.copy(f"COPY {_listed(table, columns)} TO STDOUT") as copy:
                    for block in copy:
                        draft.write(block)
                draft.seek(0)
                yield f"{number:03}-{table}.copy", cast(BinaryIO, draft)


def _postgresql_load(files: Iterator[tuple[str, BinaryIO]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        quoted = ", ".join(connection.ops.quote_name(table) for table, _ in _tables())
        cursor.execute(f"TRUNCATE {quoted} RESTART IDENTITY CASCADE")
        for name, file in files:
            table = name.removesuffix(".copy").split("-", 1)[1]
            columns = file.readline().decode().rstrip("\n").split("\t")
            with cursor.copy(f"COPY {_listed(table, columns)} FROM STDIN") as copy:
                while block := file.read(PIECE):
                    copy.write(block)
        # New rows must not take the numbers of those that came back.
        for table, columns in _tables():
            for column in columns:
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [connection.ops.quote_name(table), column])
                (sequence,) = cursor.fetchone()
                if sequence:
                    cursor.execute(
                        f"SELECT setval(%s, COALESCE(MAX({connection.ops.quote_name(column)}), 1), "  # noqa: S608
                        f"COUNT(*) > 0) FROM {connection.ops.quote_name(table)}",
                        [sequence],
                    )


def _listed(table: str, columns: list[str]) -> str:
    return f"{connection.ops.quote_name(table)} ({', '.join(map(connection.ops.quote_name, columns))})"
