"""Files that the platform writes are private to its user; static files are readable by all."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, Deployment


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def list_open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]


@pytest.mark.slow
@pytest.mark.sqlite
class TestFiles:
    def test_data_are_private(self, tmp_path: Path):
        deployment = Deployment(tmp_path / "one")
        deployment.run_checked("migrate", "-v0")
        assert (deployment.data / "baqylau.sqlite3").exists()
        assert list_open_to_others(deployment.data) == []

    @pytest.mark.parametrize("module", ["config.wsgi", "config.celery"])
    def test_files_of_web_and_worker_processes_are_private(self, module: str, tmp_path: Path):
        start = {
            "config.wsgi": "import config.wsgi",
            "config.celery": "import config.celery; from celery.signals import celeryd_init; celeryd_init.send(None)",
        }[module]
        deployment = Deployment(tmp_path / "one").migrate()
        script = f"{start}; open({str(tmp_path / 'file')!r}, 'w').close()"
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=deployment.environment, check=True, timeout=60)
        assert list_open_to_others(tmp_path / "file") == []

    def test_static_files_are_readable_by_everyone(self, tmp_path: Path):
        into = tmp_path / "static"
        Deployment(tmp_path / "one").run_checked(
            "collectstatic", "--noinput", "-v0", COLLECT_STATIC="yes", STATIC_ROOT=str(into)
        )
        closed = [path for path in into.rglob("*") if not path.stat().st_mode & stat.S_IROTH]
        assert closed == []
        assert any(into.rglob("*.css"))


@pytest.mark.slow
@pytest.mark.sqlite
class TestWarnings:
    def test_a_librarys_warning_is_logged_as_json(self, tmp_path: Path):
        deployment = Deployment(tmp_path / "one")
        done = deployment.run_command(
            "shell", "--no-imports", "-c", "import warnings; warnings.warn('Corrupt EXIF data')"
        )
        (line,) = [json.loads(line) for line in done.stderr.splitlines()]
        assert line["logger"] == "py.warnings"
        assert "Corrupt EXIF data" in line["message"]
