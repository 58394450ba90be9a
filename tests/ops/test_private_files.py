"""What the platform writes is its own user's; what is meant for others is not."""

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


def open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]


@pytest.mark.slow
@pytest.mark.sqlite
class TestFiles:
    def test_data_are_nobody_else_s(self, tmp_path: Path):
        deployment = Deployment(tmp_path / "one")
        deployment.must("migrate", "-v0")
        assert (deployment.data / "baqylau.sqlite3").exists()
        assert open_to_others(deployment.data) == []

    @pytest.mark.parametrize("module", ["config.wsgi", "config.celery"])
    def test_nor_what_serving_and_working_processes_write(self, module: str, tmp_path: Path):
        start = {
            "config.wsgi": "import config.wsgi",
            "config.celery": "import config.celery; from celery.signals import celeryd_init; celeryd_init.send(None)",
        }[module]
        deployment = Deployment(tmp_path / "one").migrated()
        script = f"{start}; open({str(tmp_path / 'file')!r}, 'w').close()"
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=deployment.environment, check=True, timeout=60)
        assert open_to_others(tmp_path / "file") == []

    def test_static_files_are_for_everyone(self, tmp_path: Path):
        into = tmp_path / "static"
        Deployment(tmp_path / "one").must(
            "collectstatic", "--noinput", "-v0", COLLECT_STATIC="yes", STATIC_ROOT=str(into)
        )
        closed = [path for path in into.rglob("*") if not path.stat().st_mode & stat.S_IROTH]
        assert closed == []
        assert any(into.rglob("*.css"))


@pytest.mark.slow
@pytest.mark.sqlite
class TestWarnings:
    def test_what_a_library_warns_of_is_a_line_of_the_log(self, tmp_path: Path):
        deployment = Deployment(tmp_path / "one")
        done = deployment.run("shell", "--no-imports", "-c", "import warnings; warnings.warn('Corrupt EXIF data')")
        (line,) = [json.loads(line) for line in done.stderr.splitlines()]
        assert line["logger"] == "py.warnings"
        assert "Corrupt EXIF data" in line["message"]
