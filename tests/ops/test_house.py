"""Nothing stands outside the rooms: a stray module or folder is caught here or by the import contract."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = {"config", "observer", "reports", "api"}
OUTSIDE = {"tests", "benchmarks", "scripts", "manage.py"}


def test_every_python_file_stands_in_a_known_place():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {path.split("/")[0] for path in listed.stdout.split()} <= ROOMS | OUTSIDE


def test_the_import_contract_names_every_room():
    lines = (ROOT / ".importlinter").read_text().split("[importlinter:contract")[0].splitlines()
    assert {line.strip() for line in lines if line.startswith("    ")} == ROOMS
