"""Fixtures that make separate deployments, on the database that the test suite uses."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, build_database_environment, drop_database


@contextmanager
def deploying(folder: Path) -> Iterator[Callable[..., Deployment]]:
    server = os.environ.get("DATABASE_URL", "")
    with ExitStack() as stack:

        def make(name: str, **environment: str) -> Deployment:
            environment = build_database_environment(server) | environment
            if server:
                stack.callback(drop_database, environment["DATABASE_URL"], server)
            return Deployment(folder / name, environment)

        yield make


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Makes empty deployments, a new one at each call, on SQLite or on the suite's PostgreSQL and Redis."""
    with deploying(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def deploy_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Deployment]]:
    """Like `deploy`, for deployments that all tests of a module share."""
    with deploying(tmp_path_factory.mktemp("shared")) as make:
        yield make
