"""Fixtures of the whole suite. Files go to a folder of the test's own; nothing reaches the network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from reports.services import forms
from tests.world import World


@pytest.fixture(autouse=True)
def _fresh(settings, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    settings.SEALED_DIR = tmp_path / "sealed"
    settings.PARTS_DIR = tmp_path / "parts"
    settings.PUBLIC_DIR = tmp_path / "public"
    forms.forget()
    cache.clear()
    yield
    forms.forget()


@pytest.fixture
def world(db) -> World:
    return World()


@pytest.fixture
def concurrent_world(transactional_db) -> World:
    """The same, committed, for tests with threads of their own."""
    return World()
