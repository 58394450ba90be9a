"""Deployments of their own for a test, on the database that the suite runs on."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, drop_database, on_database


@contextmanager
def deploying(folder: Path) -> Iterator[Callable[..., Deployment]]:
    server = os.environ.get("DATABASE_URL", "")
    with ExitStack() as stack:

        def make(name: str, **environment: str) -> Deployment:
            environment = on_database(server) | environment
            if server:
                stack.callback(drop_database, environment["DATABASE_URL"], server)
            return Deployment(folder / name, environment)

        yield make


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Makes an empty deployment; each call another one, on SQLite or on the suite's PostgreSQL and Redis."""
    with deploying(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def deploy_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Deployment]]:
    """The same, for what a whole module may share."""
    with deploying(tmp_path_factory.mktemp("shared")) as make:
        yield make
