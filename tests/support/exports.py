"""Exported lists in tests: requesting, writing, fetching and reading them."""

import csv
import io
import zipfile
from uuid import uuid4

from observer.models import Grant, User
from reports.models import Export
from reports.services.exports.exports import open_export, request_export, write_next_export
from tests.support.world import DAY, World


def make_user(world: World, name: str = "anna", role: str = "territorial", code: str = "KZ", **more) -> User:
    user = User.objects.create_user(name, is_staff=True)
    Grant.objects.create(user=user, role=role, commission=world.tree[code], **more)
    return user


def request_list(world: World, user: User, kind: str = "reports", filters=None, **more) -> Export:
    arguments = {
        "uuid": uuid4(),
        "format": "csv",
        "labels": "codes",
        "language": "en",
        "words": False,
        "reason": "a test",
        "now": DAY,
    } | more
    return request_export(user=user, election=world.election, kind=kind, filters=filters or {}, **arguments)


def fetch_bytes(export: Export) -> bytes:
    export.refresh_from_db()
    user = User.objects.get(pk=export.user_id)
    with open_export(export=export, user=user, now=DAY) as file:
        return file.read()


def make_list_tables(
    world: World, user: User, kind: str = "reports", filters=None, **more
) -> dict[str, list[dict[str, str]]]:
    """Requests, writes and fetches a list.

    Returns the rows of each of its CSV tables.
    """
    export = request_list(world, user, kind, filters, **more)
    assert write_next_export(now=DAY) == 1
    return read_tables(fetch_bytes(export))


def read_tables(data: bytes) -> dict[str, list[dict[str, str]]]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            text = archive.read(name)
            assert text.startswith(b"\xef\xbb\xbf")
            found[name.removesuffix(".csv")] = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))
    return found
