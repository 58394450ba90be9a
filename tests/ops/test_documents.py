"""Statements of the README and of the operators' guide that can be checked."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.variables import VARIABLES
from scripts import services, settings_doc
from tests.support.deployment import Deployment

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def test_every_declared_setting_is_read_and_no_other():
    settings_read = {
        name
        for path in (ROOT / "config").glob("*.py")
        for name in re.findall(
            r'get_(?:text|flag|number|list|or_create_secret)\(\s*["\']([A-Z_0-9]+)["\']', path.read_text()
        )
    }
    assert settings_read == set(VARIABLES)


def test_the_document_of_settings_is_up_to_date():
    assert (ROOT / "docs" / "settings.md").read_text() == settings_doc.build_document()


def test_every_make_target_and_command_it_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = {
        path.stem
        for app in ("api", "reports", "observer")
        for path in (ROOT / app / "management/commands").glob("*.py")
    }
    commands |= {"migrate", "createsuperuser", "collectstatic"}
    for text in (README, OPERATIONS):
        assert set(re.findall(r"\bmake ([a-z-]+)`", text)) <= targets
        assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= commands


def test_every_link_has_a_target():
    for name, text in (("README.md", README), ("docs/operations.md", OPERATIONS)):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert ((ROOT / name).parent / link).exists() or link == "docs/picture.png", link


@pytest.mark.slow
@pytest.mark.sqlite
def test_the_first_report_and_photo_go_as_the_readme_says(tmp_path: Path):
    deployment = Deployment(tmp_path)
    deployment.migrate()
    deployment.run_script("from tests.support.world import World; World()")
    code = deployment.run_checked("enrol", "OB-2222").strip()
    block = README.split("## Your first report and photo")[1].split("```sh\n")[1].split("```")[0]
    port = services.find_free_port()
    for old, new in (
        ("127.0.0.1:8000", f"127.0.0.1:{port}"),
        ("M4TQ-7HXV", code),
        ("kz-2022-president", "test-2022"),
        (".venv/bin/python", sys.executable),
    ):
        assert old in block
        block = block.replace(old, new)
    with (tmp_path / "web.log").open("wb") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "config.serve"],
            cwd=ROOT,
            env=deployment.environment | {"PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            services.wait_for(lambda: services.accepts_connections(port), "the web server")
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=tmp_path,
                env=deployment.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
            )
        finally:
            os.killpg(web.pid, signal.SIGINT)
            web.wait(30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"KZ-1-1-1"' in done.stdout
    assert "204 No Content" in done.stdout
    assert len([path for path in (deployment.data / "sealed").rglob("*") if path.is_file()]) == 1
    deployment.run_checked("refresh_summaries")
    assert deployment.run_script(
        "from reports.models import Summary; print(Summary.objects.get(commission__code='KZ').tally != {})"
    ).split() == ["True"]
