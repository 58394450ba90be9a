"""Every Python file is in a known package, and the import contract covers all packages."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = {"config", "observer", "reports", "api"}
OTHER_PLACES = {"tests", "benchmarks", "scripts", "manage.py"}


def test_every_python_file_is_in_a_known_place():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {path.split("/")[0] for path in listed.stdout.split()} <= PACKAGES | OTHER_PLACES


def test_the_import_contract_names_every_package():
    lines = (ROOT / ".importlinter").read_text().split("[importlinter:contract")[0].splitlines()
    assert {line.strip() for line in lines if line.startswith("    ")} == PACKAGES
