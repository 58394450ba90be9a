"""Dump and load of the whole database as files, from one consistent snapshot, without holding it in memory.

On SQLite the dump is a copy of the database file; on PostgreSQL it is one COPY file per table, read in one snapshot.
Sessions are left out, so everybody has to sign in again after a restore.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO, cast

from django.db import connection, transaction

CHUNK_BYTES = 256 * 1024
EXCLUDED_TABLES = ("django_migrations", "django_session")
# These tables are loaded before all others, because triggers refuse questions and files of a version, and rows of a
# release, that is already published. Foreign keys are checked only at the end of the transaction.
TABLES_LOADED_FIRST = ("reports_section", "reports_question", "reports_checklistfile", "reports_releaserow")


def dump_database(*, folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Yields name and content of each file; temporary files are made in `folder`.

    Read each file before you ask for the next one.
    """
    if connection.vendor == "sqlite":
        yield from _dump_sqlite(folder)
    else:
        yield from _dump_postgresql(folder)


def load_database(*, files: Iterator[tuple[str, BinaryIO]]) -> None:
    """Replaces the content of the database by the files of `dump_database`, all or nothing.

    The schema must be that of the dump, except on SQLite, where the copy includes its schema.
    """
    if connection.vendor == "sqlite":
        _load_sqlite(files)
    else:
        _load_postgresql(files)


def _dump_sqlite(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    with tempfile.TemporaryDirectory(dir=folder) as drafts:
        copy = Path(drafts) / "copy.sqlite3"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(copy)])
        with closing(sqlite3.connect(copy)) as opened, opened, suppress(sqlite3.OperationalError):
            opened.execute("DELETE FROM django_session")
        with copy.open("rb") as file:
            yield "baqylau.sqlite3", file


def _load_sqlite(files: Iterator[tuple[str, BinaryIO]]) -> None:
    with tempfile.NamedTemporaryFile(suffix=".sqlite3") as draft:
        for _, file in files:
            shutil.copyfileobj(file, draft, CHUNK_BYTES)
        draft.flush()
        connection.ensure_connection()
        with closing(sqlite3.connect(draft.name)) as source:
            if source.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("the copy in the backup is damaged")
            source.backup(cast(sqlite3.Connection, connection.connection))
    connection.close()


def _list_tables() -> list[tuple[str, list[str]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' GROUP BY table_name"
        )
        columns_by_table = {name: columns for name, columns in cursor.fetchall() if name not in EXCLUDED_TABLES}
    return sorted(columns_by_table.items(), key=lambda item: (item[0] not in TABLES_LOADED_FIRST, item[0]))


def _dump_postgresql(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for number, (table, columns) in enumerate(_list_tables()):
            with tempfile.TemporaryFile(dir=folder) as draft:
                # The first line names the columns; the rest is the text format of COPY.
                draft.write(("\t".join(columns) + "\n").encode())
                with cursor.copy(f"COPY {_quote_table_columns(table, columns)} TO STDOUT") as copy:
                    for block in copy:
                        draft.write(block)
                draft.seek(0)
                yield f"{number:03}-{table}.copy", cast(BinaryIO, draft)


def _load_postgresql(files: Iterator[tuple[str, BinaryIO]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        quoted = ", ".join(connection.ops.quote_name(table) for table, _ in _list_tables())
        cursor.execute(f"TRUNCATE {quoted} RESTART IDENTITY CASCADE")
        for name, file in files:
            table = name.removesuffix(".copy").split("-", 1)[1]
            columns = file.readline().decode().rstrip("\n").split("\t")
            with cursor.copy(f"COPY {_quote_table_columns(table, columns)} FROM STDIN") as copy:
                while block := file.read(CHUNK_BYTES):
                    copy.write(block)
        # Set the sequences, so that new rows do not get the keys of loaded ones.
        for table, columns in _list_tables():
            for column in columns:
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [connection.ops.quote_name(table), column])
                (sequence,) = cursor.fetchone()
                if sequence:
                    cursor.execute(
                        f"SELECT setval(%s, COALESCE(MAX({connection.ops.quote_name(column)}), 1), "  # noqa: S608
                        f"COUNT(*) > 0) FROM {connection.ops.quote_name(table)}",
                        [sequence],
                    )


def _quote_table_columns(table: str, columns: list[str]) -> str:
    return f"{connection.ops.quote_name(table)} ({', '.join(map(connection.ops.quote_name, columns))})"
