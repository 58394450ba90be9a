"""An unsafe full deployment refuses to start and says why.

Each starts in a process of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config import keys

VALID_ENVIRONMENT = {
    "DATABASE_URL": "postgres://u:p%40ss@db.example:6432/name",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "s" * 40,
    "FIELD_KEYS": Fernet.generate_key().decode(),
    "LOOKUP_KEY": "a key of its own, long enough to be one",
    "ALLOWED_HOSTS": "observe.example.org",
}
PRINT_SETTINGS = (
    "from config import settings as s; print(s.SECRET_KEY, s.DATABASES['default']['PASSWORD'], s.SECURE_SSL_REDIRECT)"
)


def run_with_environment(environment: dict[str, str], code: str = PRINT_SETTINGS) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], "HOME": environment.get("HOME", "/nonexistent")}
    return subprocess.run([sys.executable, "-c", code], env=bare | environment, capture_output=True, text=True)


class TestFullDeployment:
    def test_starts_with_everything_it_needs(self, tmp_path: Path):
        done = run_with_environment(VALID_ENVIRONMENT | {"DATA_DIR": str(tmp_path)})
        assert done.stdout.split() == ["s" * 40, "p@ss", "True"], done.stderr

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
            ({"FIELD_KEYS": " , "}, "FIELD_KEYS is not set"),
            ({"FIELD_KEYS": "short"}, "FIELD_KEYS holds something that is no key"),
            ({"LOOKUP_KEY": ""}, "LOOKUP_KEY is not set"),
            ({"LOOKUP_KEY": "short"}, "LOOKUP_KEY is shorter"),
            ({"SECRET_KEY": "short"}, "shorter than 32"),
            ({"LOOKUP_KEY": "s" * 40}, "must differ"),
            ({"REDIS_URL": ""}, "REDIS_URL is not set"),
            ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
            ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
            ({"DEBUG": "yes"}, "DEBUG"),
            ({"TWO_FACTOR": "all, everyone"}, "TWO_FACTOR is neither"),
            ({"DEBUG": "perhaps"}, "DEBUG must be yes or no"),
            ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/nonexistent/key"}, "SECRET_KEY_FILE cannot be read"),
            ({"SECRET_KEY_FILE": "/nonexistent/key"}, "SECRET_KEY and SECRET_KEY_FILE are both set"),
            ({"KEYS_DIR": "/tmp/within/keys", "DATA_DIR": "/tmp/within"}, "KEYS_DIR lies within DATA_DIR"),
        ],
    )
    def test_refuses_and_says_why(self, tmp_path: Path, change: dict[str, str], words: str):
        done = run_with_environment(VALID_ENVIRONMENT | {"DATA_DIR": str(tmp_path)} | change)
        assert done.returncode != 0
        assert words in done.stderr
        assert "Traceback" not in done.stderr

    def test_reads_secrets_from_files(self, tmp_path: Path):
        secret = tmp_path / "secret"
        secret.write_text("f" * 40 + "\n")
        environment = VALID_ENVIRONMENT | {"DATA_DIR": str(tmp_path), "SECRET_KEY_FILE": str(secret)}
        del environment["SECRET_KEY"]
        assert run_with_environment(environment).stdout.split()[0] == "f" * 40


class TestEmbeddedDeployment:
    def test_makes_its_keys_once_outside_the_data(self, tmp_path: Path):
        environment = {"DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)}
        code = "from config import settings as s; print(s.SECRET_KEY, s.FIELD_KEYS[0], s.LOOKUP_KEY, s.DEBUG)"
        first, second = run_with_environment(environment, code), run_with_environment(environment, code)
        assert first.returncode == 0, first.stderr
        assert first.stdout == second.stdout
        *made, debug = first.stdout.split()
        assert len(set(made)) == 3
        assert debug == "False"
        kept = sorted((tmp_path / ".config" / "baqylau").iterdir())
        assert [path.name for path in kept] == ["field_keys", "lookup_key", "secret_key"]
        assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


class TestFreshKeys:
    def test_are_printed_without_reading_settings(self, tmp_path: Path):
        done = subprocess.run(
            [sys.executable, "-m", "config.keys"],
            capture_output=True,
            text=True,
            env={"DATABASE_URL": "x", "HOME": "/x"},
        )
        lines = dict(line.split("=", 1) for line in done.stdout.splitlines())
        assert list(lines) == ["SECRET_KEY", "FIELD_KEYS", "LOOKUP_KEY"]
        Fernet(lines["FIELD_KEYS"])
        assert run_with_environment(VALID_ENVIRONMENT | lines | {"DATA_DIR": str(tmp_path)}).returncode == 0

    def test_are_written_once_for_their_owner_only(self, tmp_path: Path):
        assert keys.main([str(tmp_path / "keys")]) == 0
        made = {path.name: path.read_text() for path in (tmp_path / "keys").iterdir()}
        assert set(made) == {"secret_key", "field_keys", "lookup_key", "postgres_password", "metrics_token"}
        assert keys.main([str(tmp_path / "keys")]) == 0
        assert {path.name: path.read_text() for path in (tmp_path / "keys").iterdir()} == made

    def test_give_the_database_its_password(self, tmp_path: Path):
        assert keys.main([str(tmp_path), "postgres://baqylau@postgres:5432/baqylau"]) == 0
        environment = {
            "DATABASE_URL_FILE": str(tmp_path / "database_url"),
            "REDIS_URL": "redis://redis/0",
            "ALLOWED_HOSTS": "x.org",
            "DATA_DIR": str(tmp_path / "data"),
        } | {f"{name}_FILE": str(tmp_path / name.lower()) for name in keys.REQUIRED_KEYS}
        code = "from config import settings as s; print(s.DATABASES['default']['PASSWORD'], s.DATABASES['default']['HOST'])"
        done = run_with_environment(environment, code)
        assert done.stdout.split() == [(tmp_path / "postgres_password").read_text(), "postgres"], done.stderr
        assert (tmp_path / "database_url").stat().st_mode & 0o777 == 0o600
