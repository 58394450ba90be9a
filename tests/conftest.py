"""Fixtures of the whole suite. Files go to a folder of the test's own; nothing reaches the network."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test import Client
from django.utils import translation
from hypothesis import settings as hypothesis

from observer.models import Grant, User
from reports.services.checklists import compiled
from reports.services.figures import child_cache
from reports.services.publishing import published_releases, release_store
from tests.support.desk import fill
from tests.support.world import World

# No test is a matter of time: a busy machine is no failure.
hypothesis.register_profile("untimed", deadline=None)
hypothesis.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of ours that asks for no database is the same beside every one: it runs once."""
    for item in items:
        room = item.path.relative_to(Path(__file__).parent).parts[0]
        asks = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ())) or item.get_closest_marker(
            "django_db"
        )
        only = asks or item.get_closest_marker("postgresql") or item.path.name == "test_demo.py"
        if room in ("api", "observer", "reports") and not only:
            item.add_marker(pytest.mark.once)
        marks = {mark.name for mark in item.iter_markers()}
        assert not {"once", "postgresql"} <= marks, f"{item.nodeid}: marked so, it would run nowhere"


def pytest_collection_finish() -> None:
    """What was imported stays. Looking through it for rubbish, again and again, took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _fresh(settings, monkeypatch, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    settings.SEALED_DIR = tmp_path / "sealed"
    settings.PARTS_DIR = tmp_path / "parts"
    settings.PUBLIC_DIR = tmp_path / "public"
    settings.RELEASES_DIR = tmp_path / "releases"
    monkeypatch.setattr(published_releases, "SECONDS", 0.0)  # what a test decides shows at once
    # Passwords are made and asked for by the hundred here; the real hasher takes a third of a second each time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.TWO_FACTOR = ["none"]  # tests/observer/services/accounts/test_sign_in.py asks for more
    settings.WHITENOISE_AUTOREFRESH = True  # else each of a thousand clients looks at every static file first
    settings.SECURE_SSL_REDIRECT = False  # test clients speak plain HTTP; tests/ops has the redirect's own test
    compiled.forget()
    child_cache.forget()
    release_store.forget()
    published_releases.forget()
    cache.clear()
    with translation.override("en"):  # a request before this test may have left its reader's language
        yield
    compiled.forget()


@pytest.fixture(autouse=True, scope="session")
def _emptied() -> Iterator[None]:
    """SQLite's test databases are emptied by DELETE, which the trail refuses to everyone: to this, for once, not."""
    given = DatabaseWrapper.ops_class.sql_flush

    def sql_flush(self, style, tables, **options):
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'observer_trail'")
            kept = cursor.fetchall()
        dropped = [f"DROP TRIGGER {name}" for name, _sql in kept]
        return [*dropped, *given(self, style, tables, **options), *(sql for _name, sql in kept)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper.ops_class, "sql_flush", sql_flush)
        yield


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


@pytest.fixture
def as_role(world: World):
    """A browser in which somebody of a role at a commission is signed in."""

    def sign_in(role: str, code: str = "KZ-1") -> Client:
        user = User.objects.create_user(f"{role}-{code}", is_staff=True)
        Grant.objects.create(user=user, role=role, commission=world.tree[code])
        client = Client()
        client.force_login(user)
        return client

    return sign_in
