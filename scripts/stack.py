"""Runs a full deployment on this machine.

PostgreSQL, Redis, web, worker, beat, and Caddy where it is installed. `make stack` starts them on free ports of the
loopback and stops them all at Ctrl-C; their data is then deleted. The commands are those of docker-compose.yml,
which a test compares, so what the tests start is what is deployed.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from urllib.request import urlopen

from scripts import provision, services

ROOT = Path(__file__).resolve().parent.parent
SETUP_COMMANDS = {"migrate": ["python", "manage.py", "migrate", "--noinput"]}
SERVICE_COMMANDS = {
    "web": ["python", "-m", "config.serve"],
    "worker": [
        "python",
        "-m",
        "celery",
        "-q",
        "-A",
        "config.celery",
        "worker",
        "--concurrency",
        "2",
        "--loglevel",
        "WARNING",
        "--without-gossip",
        "--without-mingle",
    ],
    "beat": ["python", "-m", "celery", "-q", "-A", "config.celery", "beat", "--loglevel", "WARNING", "--pidfile="],
}
PROXY_COMMAND = ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


class Stack:
    """Running processes by name. Their logs are FOLDER/<name>.log."""

    def __init__(self, folder: Path, environment: dict[str, str], address: str) -> None:
        self.folder, self.environment, self.address = folder, environment, address
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, command: list[str], **changes: str) -> str:
        """Runs a command of the project to its end.

        Returns its output. Raises where it fails.
        """
        done = subprocess.run(  # noqa: S603
            self._use_this_python(command),
            cwd=ROOT,
            env=self.environment | changes,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise services.NotReady(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name: str) -> None:
        command = self._use_this_python(PROXY_COMMAND if name == "proxy" else SERVICE_COMMANDS[name])
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, name: str, signal_number: int = signal.SIGTERM) -> None:
        """Stops a process with `signal_number`, then kills what is left of its group."""
        process = self.processes.pop(name)
        if signal_number != signal.SIGKILL and process.poll() is None:
            process.send_signal(signal_number)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                signal_number = signal.SIGKILL
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def read_log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def is_ready(self) -> bool:
        """Whether the web server answers. Raises NotReady where a process has ended."""
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        if ended:
            raise services.NotReady(f"{ended[0]} has ended:\n{self.read_log(ended[0])[-3000:]}")
        try:
            with urlopen(f"{self.address}/healthz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def _use_this_python(self, command: list[str]) -> list[str]:
        return [sys.executable, *command[1:]] if command[0] == "python" else command


@contextmanager
def run_stack(folder: Path) -> Iterator[Stack]:
    """Runs the whole stack in `folder`: migrated, its web server answering."""
    with ExitStack() as stack:
        environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        environment |= stack.enter_context(services.run_full_services(folder))
        port = services.find_free_port()
        environment |= {
            "PORT": str(port),
            "STATIC_ROOT": str(folder / "static"),
            "TRUSTED_PROXIES": "127.0.0.0/8",
            "KEYS_DIR": str(folder / "keys"),
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        running = Stack(folder, environment, f"http://127.0.0.1:{port}")
        for command in SETUP_COMMANDS.values():
            running.run(command)
        running.run(["python", "manage.py", "collectstatic", "--noinput", "-v0"], COLLECT_STATIC="yes")
        names = list(SERVICE_COMMANDS)
        if shutil.which("caddy"):
            proxy_port = services.find_free_port()
            environment |= {"DOMAIN": f"http://127.0.0.1:{proxy_port}", "WEB": f"127.0.0.1:{port}"}
            running.address = f"http://127.0.0.1:{proxy_port}"
            names.append("proxy")
        stack.callback(lambda: [running.stop(name) for name in reversed(list(running.processes))])
        for name in names:
            running.start(name)
        services.wait_for(running.is_ready, "the web server")
        yield running


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    provision.install_missing("PostgreSQL", "Redis")
    try:
        with services.temporary_folder() as folder, run_stack(folder) as stack:
            file = folder / "environment"
            file.touch(mode=0o600)
            file.write_text("".join(f"export {k}='{v}'\n" for k, v in stack.environment.items() if k.isupper()))
            print(f"The full stack answers on {stack.address}; Ctrl-C ends it and what it holds.")
            print(f"For manage.py in another terminal:  . {file}")
            print(f"Logs: {folder}/*.log", flush=True)
            pause = Event()
            while True:
                stack.is_ready()  # raises when a process has ended
                pause.wait(1)
    except KeyboardInterrupt:
        print("\nEnded.")
    except services.NotReady as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
