"""Waits until the demonstration's page of the country shows figures.

`wait_for_figures.py LOG PID`: LOG is the output of `make run`, from which the public address is read.

A figure is "n of N". Ends with 1 when the process PID ends first, or after five minutes. Needs nothing but Python,
since it runs before anything is installed.
"""

import os
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ADDRESS = re.compile(r"^Public pages\s+(http://127\.0\.0\.1:\d+/)$", re.MULTILINE)
PAGE = "en/kz-2022-president/KZ/"
FIGURE = re.compile(r"\d\s+of\s+\d", re.IGNORECASE)
MAX_WAIT_SECONDS = 300.0


def find_page_with_figures(log: Path) -> str | None:
    """Returns the address of the page; None while it shows no figure."""
    found = ADDRESS.search(log.read_text(encoding="utf-8", errors="replace"))
    if not found:
        return None
    try:
        with urllib.request.urlopen(found[1] + PAGE, timeout=10) as answer:  # noqa: S310
            text = re.sub(r"<[^>]+>", " ", answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None
    return found[1] + PAGE if FIGURE.search(text.replace("&nbsp;", " ")) else None


def main(log: Path, process: int) -> int:
    end = time.monotonic() + MAX_WAIT_SECONDS
    while time.monotonic() < end:
        if page := find_page_with_figures(log):
            print(f"{page} shows figures.")
            return 0
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            print("make run ended before its page showed figures")
            return 1
        time.sleep(0.2)
    print(f"no figures within {MAX_WAIT_SECONDS:.0f} s")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
