"""A deployment in processes of its own, on either database: for what a test database cannot show."""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.keys import fresh

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Deployment:
    """`run` is one `manage.py` command, `python` a script with Django ready."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        self.environment = (
            bare
            | {
                "DATA_DIR": str(self.folder / "data"),
                "KEYS_DIR": str(self.folder / "keys"),
                "SECRET_KEY": fresh(),
                "FIELD_KEYS": fresh(),
                "LOOKUP_KEY": fresh(),
            }
            | self.environment
        )

    def run(self, *arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment | changes,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def must(self, *arguments: str | Path, **changes: str) -> str:
        done = self.run(*arguments, **changes)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, script: str) -> str:
        return self.must("shell", "--no-imports", "-c", script)

    def become(self, other: "Deployment") -> "Deployment":
        """From now on it holds what `other` holds, of which no process may run. Its keys stay its own."""
        if other.data.exists():
            shutil.copytree(other.data, self.data, dirs_exist_ok=True)
        if url := self.environment.get("DATABASE_URL"):
            mine, given = (urlsplit(one).path[1:] for one in (url, other.environment["DATABASE_URL"]))
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{mine}" WITH (FORCE)')
                connection.execute(f'CREATE DATABASE "{mine}" TEMPLATE "{given}"')
        return self

    def migrated(self) -> "Deployment":
        """As `manage.py migrate` leaves an empty one, which takes seconds and is done once for all tests."""
        return self.become(_migrated(os.environ.get("DATABASE_URL", "")))

    @property
    def data(self) -> Path:
        return self.folder / "data"


_FOLDERS = tempfile.TemporaryDirectory(prefix="baqylau-tests-")


@cache
def _migrated(server: str) -> Deployment:
    deployment = Deployment(Path(_FOLDERS.name) / "migrated", on_database(server))
    deployment.must("migrate", "-v0")
    return deployment


def on_database(server: str) -> dict[str, str]:
    """What an environment says of a fresh database on the suite's PostgreSQL and of its Redis; nothing, for SQLite."""
    if not server:
        return {}
    return {
        "DATABASE_URL": fresh_database(server),
        "REDIS_URL": os.environ["REDIS_URL"],
        "ALLOWED_HOSTS": "localhost",
        "SSL_REDIRECT": "no",
    }


def fresh_database(server: str) -> str:
    """The URL of an empty database on the server that `server` points to. It goes with the server."""
    name = f"ops_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def drop_database(url: str, server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')
