"""Deployments of their own for a test, on the database that the suite runs on."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ops.deployment import Deployment, drop_database, fresh_database


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Makes an empty deployment; each call another one, on SQLite or on the suite's PostgreSQL and Redis."""
    server = os.environ.get("DATABASE_URL", "")
    with ExitStack() as stack:

        def make(name: str, **environment: str) -> Deployment:
            if server:
                url = fresh_database(server)
                stack.callback(drop_database, url, server)
                environment = {
                    "DATABASE_URL": url, "REDIS_URL": os.environ["REDIS_URL"], "ALLOWED_HOSTS": "localhost",
                    "SSL_REDIRECT": "no",
                } | environment  # fmt: skip
            return Deployment(tmp_path / name, environment)

        yield make
