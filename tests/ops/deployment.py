"""A deployment in processes of its own, on either database: for what a test database cannot show."""

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
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
        self.environment = bare | {
            "DATA_DIR": str(self.folder / "data"), "KEYS_DIR": str(self.folder / "keys"),
            "SECRET_KEY": fresh(), "FIELD_KEYS": fresh(), "LOOKUP_KEY": fresh(),
        } | self.environment  # fmt: skip

    def run(self, *arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *map(str, arguments)], cwd=ROOT, env=self.environment | changes,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def must(self, *arguments: str | Path, **changes: str) -> str:
        done = self.run(*arguments, **changes)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, script: str) -> str:
        return self.must("shell", "--no-imports", "-c", script)

    @property
    def data(self) -> Path:
        return self.folder / "data"


def fresh_database(server: str) -> str:
    """The URL of an empty database on the server that `server` points to. It goes with the server."""
    name = f"ops_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def drop_database(url: str, server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')
