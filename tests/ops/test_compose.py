"""docker-compose.yml: same processes as `make stack`, no secrets, and small enough for a small server."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.rest.problems import build_problem_body
from config import keys
from scripts import stack

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
ONE_TIME_SERVICES = {"keys", "migrate"}


def megabytes(limit: str) -> int:
    found = re.fullmatch(r"(?:\$\{\w+:-)?(\d+)m\}?", limit)
    assert found, limit
    return int(found[1])


def test_has_every_process_of_a_full_deployment():
    assert set(SERVICES) == {"keys", "postgres", "redis", "migrate", "web", "worker", "beat", "proxy"}


@pytest.mark.parametrize(("name", "command"), [*stack.SETUP_COMMANDS.items(), *stack.SERVICE_COMMANDS.items()])
def test_runs_what_make_stack_runs(name: str, command: list[str]):
    assert [str(word) for word in SERVICES[name]["command"]] == command


def test_the_proxy_runs_the_same_configuration():
    inside = [word.replace("/etc/caddy/Caddyfile", "Caddyfile") for word in SERVICES["proxy"]["command"]]
    assert inside == stack.PROXY_COMMAND
    assert "./Caddyfile:/etc/caddy/Caddyfile:ro" in SERVICES["proxy"]["volumes"]


def test_uploads_are_not_buffered():
    caddyfile = re.sub(r"#.*", "", (ROOT / "Caddyfile").read_text())
    assert "request_buffers" not in caddyfile
    assert "flush_interval -1" in caddyfile


def test_the_proxy_itself_answers_503_with_a_problem_and_retry_after():
    caddyfile = (ROOT / "Caddyfile").read_text()
    said = caddyfile[caddyfile.index("handle_errors") :]
    assert "header Retry-After 10" in said
    problem = json.loads(re.search(r"`(\{\".*\})` 503", said)[1])  # type: ignore[index]
    assert (problem["status"], problem["code"], set(problem)) == (
        503,
        "unavailable",
        set(build_problem_body("unavailable")),
    )


def test_keeps_no_secret_and_reads_only_secrets_that_the_first_start_makes():
    command = SERVICES["keys"]["command"]
    assert command[:3] == ["python", "-m", "config.keys"]
    made = {name.lower() for name in (*keys.REQUIRED_KEYS, *keys.OTHER_SECRETS)} | {"database_url"}
    assert set(re.findall(r"/keys/(\w+)", TEXT)) == made
    assert not re.search(r"(SECRET_KEY|FIELD_KEYS|LOOKUP_KEY|PASSWORD|METRICS_TOKEN):", TEXT)
    assert "@" not in re.sub(r"baqylau@postgres|celery@\$\$HOSTNAME", "", TEXT)


def test_fits_a_server_of_two_gigabytes():
    assert (
        sum(megabytes(service["mem_limit"]) for name, service in SERVICES.items() if name not in ONE_TIME_SERVICES)
        < 1900
    )


def test_every_lasting_service_has_a_health_check_and_is_restarted():
    for name, service in SERVICES.items():
        if name not in ONE_TIME_SERVICES:
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_only_the_proxy_has_a_public_port():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}


def test_keys_and_data_are_in_separate_volumes_and_only_the_first_start_writes_keys():
    assert {"keys", "data", "database"} <= set(COMPOSE["volumes"])
    for name, service in SERVICES.items():
        mounts = [volume for volume in service.get("volumes", []) if volume.startswith("keys:")]
        assert name == "keys" or all(volume.endswith(":ro") for volume in mounts), name


def test_the_image_installs_by_hash_and_runs_without_rights():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER baqylau$", dockerfile, re.MULTILINE)


def test_the_image_leaves_out_an_operators_own_files():
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert {".env", "docker-compose.override.yml", "old-keys", "backup-*", "*.csv", "*.xlsx", "data"} <= ignored
