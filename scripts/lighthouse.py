"""`python -m scripts.lighthouse ADDRESS` asks Lighthouse what it thinks of a page that is being served.

Needs Node 20 or newer and the network: Lighthouse is put into a folder that is thrown away. So it is no
test; what it said is written down in docs/public.md. Exit 1 where any of the four is below 100.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LIGHTHOUSE_VERSION = "12.8.2"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PRESETS = {"phone": [], "desk": ["--preset=desktop"]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.lighthouse", description=__doc__)
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:8000/en/kz-2022-president/releases/2/")
    address = parser.parse_args().address
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"lighthouse@{LIGHTHOUSE_VERSION}"]
        subprocess.run(npm, cwd=folder, check=True)  # noqa: S603
        for name, options in PRESETS.items():
            scores = run_lighthouse(Path(folder), address, name, options)
            print(f"{name:<6}", "  ".join(f"{category} {score}" for category, score in scores.items()), flush=True)
            passed &= all(score == 100 for score in scores.values())
    return 0 if passed else 1


def run_lighthouse(folder: Path, address: str, kind: str, options: list[str]) -> dict[str, int]:
    """Returns the score of each category; prints what cost points."""
    output = folder / f"{kind}.json"
    command = [
        folder / "node_modules" / ".bin" / "lighthouse",
        address,
        *options,
        "--quiet",
        "--output=json",
        f"--output-path={output}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    ]
    subprocess.run(command, env=os.environ | {"CHROME_PATH": CHROMIUM}, check=True)  # noqa: S603
    result = json.loads(output.read_text("utf-8"))
    for name, category in result["categories"].items():
        for one in category["auditRefs"]:
            audit = result["audits"][one["id"]]
            if one["weight"] and audit["score"] is not None and audit["score"] < 1:
                print(f"       {name}: {audit['title']} {audit.get('displayValue', '')}")
    return {name: round(100 * category["score"]) for name, category in result["categories"].items()}


if __name__ == "__main__":
    sys.exit(main())
