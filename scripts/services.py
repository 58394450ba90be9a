"""Runs temporary PostgreSQL and Redis servers on free ports of the loopback.

Used by the tests, the native stack and the benchmarks. PostgreSQL refuses to run as root, so there it runs as
`postgres` or `nobody`. fsync and synchronous_commit stay on: what is tested and timed is what would be deployed.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from config.keys import generate_key
from scripts import provision

MAX_START_SECONDS = 60.0


class NotReady(Exception):
    """A condition did not become true in time."""


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], what: str, seconds: float = MAX_START_SECONDS) -> Any:
    """Returns the first true result of `condition`, which is called twenty times a second.

    Raises NotReady after `seconds`.
    """
    pause = Event()
    for _ in range(int(seconds * 20)):
        if answer := condition():
            return answer
        pause.wait(0.05)
    raise NotReady(f"{what}: not within {seconds:.0f} s")


def accepts_connections(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _find_unprivileged_user() -> dict[str, Any]:
    """Returns the arguments of Popen for a process that must not be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NotReady("there is no unprivileged user to run PostgreSQL as")


def _stop_process(process: subprocess.Popen[bytes], signal: int) -> None:
    if process.poll() is None:
        process.send_signal(signal)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def run_postgresql(folder: Path) -> Iterator[str]:
    """Runs a new PostgreSQL in `folder`; yields its URL.

    It is stopped at the end; its files stay.
    """
    programs = provision.find_postgresql()
    if programs is None:
        raise NotReady("PostgreSQL is not installed")
    user = _find_unprivileged_user()
    home = folder / "postgresql"
    home.mkdir()
    password = secrets.token_hex(16)
    (home / "password").write_text(password)
    if user:
        for path in (home, home / "password"):
            os.chown(path, user["user"], user["group"])
    data, port = home / "data", find_free_port()
    common: dict[str, Any] = {"cwd": home, "stdin": subprocess.DEVNULL, **user}
    with (home / "log").open("wb") as log:
        subprocess.run(  # noqa: S603
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "baqylau",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--auth=scram-sha-256",
                f"--pwfile={home / 'password'}",
            ],
            check=True,
            stdout=log,
            stderr=log,
            **common,
        )
        process = subprocess.Popen(  # noqa: S603
            [
                programs / "postgres",
                "-D",
                data,
                "-p",
                str(port),
                "-k",
                "",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=200",
                "-c",
                "shared_buffers=128MB",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
            **common,
        )
        try:
            ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            try:
                wait_for(lambda: subprocess.run(ready).returncode == 0, "PostgreSQL")  # noqa: S603
            except NotReady as error:
                raise NotReady(f"{error}\n{(home / 'log').read_text(errors='replace')[-2000:]}") from None
            yield f"postgres://baqylau:{password}@127.0.0.1:{port}/postgres"
        finally:
            _stop_process(process, 2)  # SIGINT: PostgreSQL's fast shutdown


@contextmanager
def run_redis(folder: Path) -> Iterator[str]:
    """Runs a new Redis that stores nothing on disk; yields its URL."""
    program = provision.find_redis()
    if program is None:
        raise NotReady("Redis is not installed")
    port = find_free_port()
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for(lambda: accepts_connections(port), "Redis")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            _stop_process(process, 15)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yields a folder that an unprivileged process can read.

    Deleted at the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="baqylau-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_full_services(folder: Path) -> Iterator[dict[str, str]]:
    """Runs both servers; yields the environment of a full deployment."""
    with ExitStack() as stack:
        database = stack.enter_context(run_postgresql(folder))
        broker = stack.enter_context(run_redis(folder))
        (folder / "data").mkdir(exist_ok=True)
        yield {
            "DATABASE_URL": database,
            "REDIS_URL": broker,
            "SECRET_KEY": generate_key(),
            "FIELD_KEYS": generate_key(),
            "LOOKUP_KEY": generate_key(),
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "SSL_REDIRECT": "no",
            "DATA_DIR": str(folder / "data"),
        }
