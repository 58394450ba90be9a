"""Finds the programs that tests and the native stack need; installs missing ones.

PostgreSQL, Redis and Chromium come from Debian's packages, where this user may install them. What is installed
already is used as it is.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_postgresql() -> Path | None:
    """Returns the folder with initdb and postgres.

    Debian has one folder a version, and none of them on PATH.
    """
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    return next((f for f in folders if (f / "postgres").exists() and (f / "initdb").exists()), None)


def find_redis() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def find_chromium() -> str | None:
    """Returns the path of Chromium; the headless shell where it is installed.

    It renders the same in three quarters of the time.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


# Program: how it is found, and its Debian packages.
PROGRAMS = {
    "PostgreSQL": (find_postgresql, ["postgresql"]),
    "Redis": (find_redis, ["redis-server"]),
    "curl": (lambda: shutil.which("curl"), ["curl"]),
    "Java": (lambda: shutil.which("java"), ["default-jre-headless"]),  # for ODK Validate
    "Chromium": (find_chromium, ["chromium-headless-shell", "fonts-dejavu-core"]),
}


def install_missing(*names: str) -> None:
    """Installs those of `names` that are missing.

    Where that is not possible, the process ends with a message that says what to do.
    """
    missing = [name for name in names if not PROGRAMS[name][0]()]
    if not missing:
        return
    packages = [package for name in missing for package in PROGRAMS[name][1]]
    by_hand = f"apt-get install {' '.join(packages)}"
    prefix = _find_root_prefix()
    if not shutil.which("apt-get") or prefix is None:
        sys.exit(f"Missing: {', '.join(missing)}. Install them and try again; on Debian, as root: {by_hand}")
    print(f"Installing {', '.join(missing)} from Debian's packages …", flush=True)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Acquire::Retries=3"]
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            sys.exit(f"{done.stdout[-2000:]}{done.stderr[-2000:]}\nCould not install them; by hand: {by_hand}")
    still = [name for name in missing if not PROGRAMS[name][0]()]
    if still:
        sys.exit(f"Installed, yet not found: {', '.join(still)}")


def _find_root_prefix() -> list[str] | None:
    """Returns the words before a command that needs root.

    None where that is not allowed.
    """
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:  # noqa: S603
        return [sudo, "-n"]
    return None
