"""Deployments in processes of their own, on either database.

For what cannot be tested on a test database.
"""

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

from config.keys import generate_key

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Deployment:
    """A deployment with folders and keys of its own.

    `environment`: its environment variables.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        self.environment = (
            bare
            | {
                "DATA_DIR": str(self.folder / "data"),
                "KEYS_DIR": str(self.folder / "keys"),
                "SECRET_KEY": generate_key(),
                "FIELD_KEYS": generate_key(),
                "LOOKUP_KEY": generate_key(),
            }
            | self.environment
        )

    def run_command(self, *arguments: str | Path, **environment_changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment | environment_changes,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def run_checked(self, *arguments: str | Path, **environment_changes: str) -> str:
        done = self.run_command(*arguments, **environment_changes)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run_script(self, script: str) -> str:
        return self.run_checked("shell", "--no-imports", "-c", script)

    def copy_from(self, other: "Deployment") -> "Deployment":
        """Copies data and database from another deployment.

        No process of the other may run. The keys are not copied.
        """
        if other.data.exists():
            shutil.copytree(other.data, self.data, dirs_exist_ok=True)
        if url := self.environment.get("DATABASE_URL"):
            own_name, other_name = (urlsplit(one).path[1:] for one in (url, other.environment["DATABASE_URL"]))
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{own_name}" WITH (FORCE)')
                connection.execute(f'CREATE DATABASE "{own_name}" TEMPLATE "{other_name}"')
        return self

    def migrate(self) -> "Deployment":
        """Makes it an empty deployment with all tables.

        As after `manage.py migrate`, which takes seconds and runs once for all tests.
        """
        return self.copy_from(_get_migrated(os.environ.get("DATABASE_URL", "")))

    @property
    def data(self) -> Path:
        return self.folder / "data"


_FOLDERS = tempfile.TemporaryDirectory(prefix="baqylau-tests-")


@cache
def _get_migrated(server: str) -> Deployment:
    deployment = Deployment(Path(_FOLDERS.name) / "migrated", build_database_environment(server))
    deployment.run_checked("migrate", "-v0")
    return deployment


def build_database_environment(server: str) -> dict[str, str]:
    """Environment variables for a new PostgreSQL database and Redis.

    Those of the test suite; none for SQLite.
    """
    if not server:
        return {}
    return {
        "DATABASE_URL": create_database(server),
        "REDIS_URL": os.environ["REDIS_URL"],
        "ALLOWED_HOSTS": "localhost",
        "SSL_REDIRECT": "no",
    }


def create_database(server: str) -> str:
    """Creates an empty database on a server; returns its URL.

    `server`: the URL of a database there. The new database is not removed before the server is.
    """
    name = f"ops_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def drop_database(url: str, server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')
