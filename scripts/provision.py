"""Finds the programs that the tests and the native stack need, and installs what is missing where it may.

PostgreSQL, Redis and Chromium come from Debian's packages. What is installed already is used as it is.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def postgresql() -> Path | None:
    """The folder with initdb and postgres. Debian keeps them off PATH, one folder a version."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    return next((f for f in folders if (f / "postgres").exists() and (f / "initdb").exists()), None)


def redis() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def chromium() -> str | None:
    """The engine without a window where it is there: it draws the same in three quarters of the time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


# what is needed: how it is found, the Debian packages that bring it
NEEDED = {
    "PostgreSQL": (postgresql, ["postgresql"]),
    "Redis": (redis, ["redis-server"]),
    "curl": (lambda: shutil.which("curl"), ["curl"]),
    "Java": (lambda: shutil.which("java"), ["default-jre-headless"]),  # ODK Validate's
    "Chromium": (chromium, ["chromium-headless-shell", "fonts-dejavu-core"]),
}


def provide(*names: str) -> None:
    """Afterwards each of `names` is there, or the process has ended with a message that says what to do."""
    missing = [name for name in names if not NEEDED[name][0]()]
    if not missing:
        return
    packages = [package for name in missing for package in NEEDED[name][1]]
    by_hand = f"apt-get install {' '.join(packages)}"
    prefix = _permission()
    if not shutil.which("apt-get") or prefix is None:
        sys.exit(f"Missing: {', '.join(missing)}. Install them and try again; on Debian, as root: {by_hand}")
    print(f"Installing {', '.join(missing)} from Debian's packages …", flush=True)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Acquire::Retries=3"]
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            sys.exit(f"{done.stdout[-2000:]}{done.stderr[-2000:]}\nCould not install them; by hand: {by_hand}")
    still = [name for name in missing if not NEEDED[name][0]()]
    if still:
        sys.exit(f"Installed, yet not found: {', '.join(still)}")


def _permission() -> list[str] | None:
    """What to put before a command that needs root, or None where that is not allowed."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:  # noqa: S603
        return [sudo, "-n"]
    return None
