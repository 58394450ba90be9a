"""Fixtures of the whole test suite.

Each test has a folder of its own for files; nothing uses the network.
"""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.utils import translation
from hypothesis import settings as hypothesis

from observer.models import Grant, User
from reports.services.checklists import compiled
from reports.services.figures import child_cache
from reports.services.publishing import published_releases, release_store
from tests.support.desk import fill_world
from tests.support.world import World

# No test depends on its duration: a busy machine must not fail one.
hypothesis.register_profile("untimed", deadline=None)
hypothesis.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests that use no database to run once.

    They would run again for each kind of database otherwise.
    """
    for item in items:
        package = item.path.relative_to(Path(__file__).parent).parts[0]
        uses_database = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ())) or item.get_closest_marker(
            "django_db"
        )
        runs_on_both = uses_database or item.get_closest_marker("postgresql") or item.path.name == "test_demo.py"
        if package in ("api", "observer", "reports") and not runs_on_both:
            item.add_marker(pytest.mark.once)
        marks = {mark.name for mark in item.iter_markers()}
        assert not {"once", "postgresql"} <= marks, f"{item.nodeid}: marked so, it would run nowhere"


def pytest_collection_finish() -> None:
    """Excludes what was imported from garbage collection.

    It took a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _reset_state(settings, monkeypatch, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    settings.SEALED_DIR = tmp_path / "sealed"
    settings.PARTS_DIR = tmp_path / "parts"
    settings.PUBLIC_DIR = tmp_path / "public"
    settings.RELEASES_DIR = tmp_path / "releases"
    monkeypatch.setattr(published_releases, "MAX_AGE_SECONDS", 0.0)  # decisions of a test are visible at once
    # Tests set and check hundreds of passwords; the real hasher takes a third of a second each time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.TWO_FACTOR = ["none"]  # tests/observer/services/accounts/test_sign_in.py requires more
    settings.WHITENOISE_AUTOREFRESH = True  # else each of a thousand clients scans all static files first
    settings.SECURE_SSL_REDIRECT = False  # test clients use plain HTTP; the redirect is tested in tests/ops
    compiled.clear_cache()
    child_cache.clear_cache()
    release_store.clear_cache()
    published_releases.clear_cache()
    cache.clear()
    with translation.override("en"):  # a request of an earlier test may have left another language active
        yield
    compiled.clear_cache()


@pytest.fixture(autouse=True, scope="session")
def _allow_trail_flush() -> Iterator[None]:
    """Lets Django empty the trail in SQLite test databases.

    Django does it by DELETE, which a trigger of the trail forbids.
    """
    original_sql_flush = DatabaseWrapper.ops_class.sql_flush

    def sql_flush(self, style, tables, **options):
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'observer_trail'")
            kept = cursor.fetchall()
        drop_statements = [f"DROP TRIGGER {name}" for name, _sql in kept]
        return [*drop_statements, *original_sql_flush(self, style, tables, **options), *(sql for _name, sql in kept)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper.ops_class, "sql_flush", sql_flush)
        yield


@pytest.fixture
def world(db) -> World:
    return World()


@pytest.fixture
def concurrent_world(transactional_db) -> World:
    """The same, committed, for tests with several threads."""
    return World()


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root", "root@example.org")


@pytest.fixture
def desk(client, root):
    """A test client in which `root` is signed in."""
    client.force_login(root)
    return client


@pytest.fixture
def full(world: World, root: User) -> World:
    """The world with at least one row of every model.

    Several rows of those with long lists.
    """
    return fill_world(world, root)


@pytest.fixture
def as_role(world: World):
    """Returns a function that signs a user in.

    The user has a role at a commission; the function returns the test client.
    """

    def sign_in(role: str, code: str = "KZ-1") -> Client:
        user = User.objects.create_user(f"{role}-{code}", is_staff=True)
        Grant.objects.create(user=user, role=role, commission=world.tree[code])
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def without_rendering(monkeypatch) -> None:
    """Responses of the admin without their HTML, for tests of status codes.

    The rows of a list are still read from the database, which a template would do.
    """

    def read_rows(response: SimpleTemplateResponse) -> str:
        change_list = (response.context_data or {}).get("cl")
        if change_list is not None:
            list(change_list.result_list)
        return ""

    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", property(read_rows))
