"""Fixtures of the whole suite. Files go to a folder of the test's own; nothing reaches the network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.utils import translation

from observer.models import User
from reports.services import forms, release_store, remembered, shelf
from tests.desk import fill
from tests.world import World


@pytest.fixture(autouse=True)
def _fresh(settings, monkeypatch, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    settings.SEALED_DIR = tmp_path / "sealed"
    settings.PARTS_DIR = tmp_path / "parts"
    settings.PUBLIC_DIR = tmp_path / "public"
    settings.RELEASES_DIR = tmp_path / "releases"
    monkeypatch.setattr(shelf, "SECONDS", 0.0)  # what a test decides shows at once
    settings.SECURE_SSL_REDIRECT = False  # test clients speak plain HTTP; tests/ops has the redirect's own test
    forms.forget()
    remembered.forget()
    release_store.forget()
    shelf.forget()
    cache.clear()
    with translation.override("en"):  # a request before this test may have left its reader's language
        yield
    forms.forget()


@pytest.fixture
def world(db) -> World:
    return World()


@pytest.fixture
def concurrent_world(transactional_db) -> World:
    """The same, committed, for tests with threads of their own."""
    return World()


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root", "root@example.org")


@pytest.fixture
def desk(client, root):
    """A browser in which `root` is signed in."""
    client.force_login(root)
    return client


@pytest.fixture
def full(world: World, root: User) -> World:
    """The world with at least one row of every noun, and several of those whose lists are long."""
    return fill(world, root)
