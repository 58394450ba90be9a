"""Statements of docs/architecture.md, docs/extending.md and CONTRIBUTING.md that can be checked."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = ("docs/architecture.md", "docs/extending.md", "CONTRIBUTING.md")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = (ROOT / ".importlinter").read_text()
# Where a path in a document may begin, if it does not begin at the top.
BASES = (
    "",
    "reports/",
    "reports/services/",
    "reports/services/checklists/",
    "reports/services/publishing/",
    "docs/",
    "observer/services/",
    "reports/pages/",
    "api/rest/",
)


def read_layers(container: str) -> list[set[str]]:
    """The layers of one import contract, from the top down."""
    contract = next(part for part in CONTRACTS.split("[importlinter:contract:") if f"\n    {container}\n" in part)
    lines = contract.split("layers =\n")[1].split("exhaustive")[0].splitlines()
    return [set(re.split(r"\s*\|\s*", line.strip())) for line in lines if line.startswith("    ")]


def list_packages(folder: str) -> set[str]:
    """Names of the packages and modules in a folder."""
    found = {path.stem for path in (ROOT / folder).glob("*.py")} | {
        path.name for path in (ROOT / folder).iterdir() if (path / "__init__.py").exists()
    }
    return found - {"__init__"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str):
    text = (ROOT / document).read_text()
    missing = [
        name
        for name in re.findall(r"`([\w./-]+(?:/|\.(?:py|js|md|html|toml|yaml)))`", text)
        if "<" not in name and "sms" not in name and not any((ROOT / base / name).exists() for base in BASES)
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_and_function_that_is_named_exists(document: str):
    text = (ROOT / document).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    defined = {
        node.name
        for app in ("observer", "reports", "api", "config")
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert {name for name in re.findall(r"`([a-z]+_[a-z_]+)(?:\(\))?`", text) if "." not in name} - KNOWN <= defined


# Words in backticks that are no functions: packages, a migration's name, an example.
KNOWN = {"phone_number", "is_", "has_"}


def test_the_map_of_services_is_the_import_contract():
    table = ARCHITECTURE.split("### `reports/services`")[1].split("###")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    layers = read_layers("reports.services")
    assert set(named) == set().union(*layers) == list_packages("reports/services")
    depth = {name: number for number, layer in enumerate(layers) for name in layer}
    assert [depth[name] for name in named] == sorted(depth[name] for name in named)


@pytest.mark.parametrize("folder", ["observer/services", "reports/desk", "reports/pages"])
def test_the_map_of_the_other_packages_is_the_import_contract(folder: str):
    row = next(line for line in ARCHITECTURE.splitlines() if line.startswith(f"| `{folder}` |"))
    named = set(re.findall(r"`(\w+)(?:\.py)?`", row.split("|")[2]))
    assert named == set().union(*read_layers(folder.replace("/", "."))) == list_packages(folder)


def test_the_map_of_the_phone_is_its_folders():
    row = next(line for line in ARCHITECTURE.splitlines() if line.startswith("| `static/phone/core` |"))
    named = set(re.findall(r"`(\w+)`", row.split("|")[2]))
    assert named == {path.name for path in (ROOT / "static" / "phone" / "core").iterdir() if path.is_dir()}
