"""Lists as files in tests: asked for, written, fetched and read."""

import csv
import io
import zipfile
from uuid import uuid4

from observer.models import Grant, User
from reports.models import Export
from reports.services.exports.exports import export_ask, export_fetch, lists_write
from tests.support.world import DAY, World


def granted(world: World, name: str = "anna", role: str = "territorial", code: str = "KZ", **more) -> User:
    user = User.objects.create_user(name, is_staff=True)
    Grant.objects.create(user=user, role=role, commission=world.tree[code], **more)
    return user


def ask(world: World, user: User, kind: str = "reports", filters=None, **more) -> Export:
    asked = {
        "uuid": uuid4(),
        "format": "csv",
        "labels": "codes",
        "language": "en",
        "words": False,
        "reason": "a test",
        "at": DAY,
    } | more
    return export_ask(user=user, election=world.election, kind=kind, filters=filters or {}, **asked)


def fetched(export: Export) -> bytes:
    export.refresh_from_db()
    user = User.objects.get(pk=export.user_id)
    with export_fetch(export=export, user=user, now=DAY) as file:
        return file.read()


def made(world: World, user: User, kind: str = "reports", filters=None, **more) -> dict[str, list[dict[str, str]]]:
    """Asked for, written, fetched: the rows of each table of the CSV."""
    export = ask(world, user, kind, filters, **more)
    assert lists_write(now=DAY) == 1
    return tables(fetched(export))


def tables(data: bytes) -> dict[str, list[dict[str, str]]]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            text = archive.read(name)
            assert text.startswith(b"\xef\xbb\xbf")
            found[name.removesuffix(".csv")] = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))
    return found
