"""Creation of an election from a country's pack."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from observer.models import Election, Level, User
from observer.services.registry.relay_keys import set_relay_keys
from observer.services.spreadsheets.tables import BadLine, BadTable
from observer.services.trail import add_trail_entry
from reports.models import ViolationGroup, ViolationType
from reports.services.checklists.publishing import publish_checklists
from reports.services.elections.pack_files import Pack, Window, read_pack

Row = TypeVar("Row", Level, ViolationGroup, ViolationType)


class ElectionExists(Exception):
    """There is already an election with this slug."""


def find_pack_folder(name: str) -> Path:
    """Finds a pack's folder by the name of a built-in pack (`kz`) or by a path. Raises BadTable."""
    if re.fullmatch(r"[\w\-]+", name) and (settings.PACKS_DIR / name / "pack.toml").is_file():
        return Path(settings.PACKS_DIR / name)
    if Path(name).is_dir():
        return Path(name)
    raise BadTable([BadLine(name, 0, _("there is no such pack and no such folder"))])


def list_packs() -> list[str]:
    """Lists the names of the packs that come with the platform."""
    return sorted(path.parent.name for path in Path(settings.PACKS_DIR).glob("*/pack.toml"))


def create_election(
    *,
    slug: str,
    name: str | Mapping[str, str],
    date: date,
    pack_dir: Path,
    publication: str = Election.Publication.RELEASED,
    state: str = Election.State.OPEN,
    languages: Sequence[str] = (),
    window: tuple[datetime, datetime] | None = None,
    idempotency_key: str = "",
    now: datetime,
    user: User | None = None,
) -> Election:
    """Creates an election with everything that the pack has; checklists are published as version 1.

    A `name` that is a string is used for every language. `languages` selects some of the pack's, in this order;
    `window` replaces the pack's hours. `idempotency_key` is stored in the trail, where
    `elections.find_created_election` finds it when a form is sent twice.

    The whole folder is checked first: raises BadTable with every problem by file and line, or ElectionExists, and
    then nothing is created.
    """
    pack = read_pack(pack_dir)
    if languages:
        pack.languages = tuple(languages)
        pack.choice_languages = tuple(one for one in pack.choice_languages if one in languages)
    names = dict(name) if isinstance(name, Mapping) else dict.fromkeys(pack.languages, name)
    with transaction.atomic():
        election = _insert_from_pack(pack, slug, names, date, publication, state, window)
        Level.objects.bulk_create([_set_election(election, level) for level in pack.levels])
        ViolationGroup.objects.bulk_create([_set_election(election, group) for group in pack.groups.values()])
        ViolationType.objects.bulk_create([_set_election(election, violation) for violation in pack.violations])
        publish_checklists(election=election, drafts=pack.drafts, now=now, user=user)
        add_trail_entry(
            action="election.create",
            subject=election,
            now=now,
            user=user,
            detail={"pack": pack.code, "press": idempotency_key},
        )
    return election


def _set_election(election: Election, row: Row) -> Row:
    row.election = election
    return row


def insert_election(election: Election) -> None:
    """Inserts the row of a new election.

    Raises ValidationError, or ElectionExists where the slug is taken, even by a request at the same moment.
    """
    election.full_clean(exclude=["names"], validate_unique=False)
    try:
        with transaction.atomic():
            election.save(force_insert=True)
    except IntegrityError:
        raise ElectionExists(election.slug) from None


def _insert_from_pack(
    pack: Pack,
    slug: str,
    names: dict[str, str],
    day: date,
    publication: str,
    state: str,
    hours: tuple[datetime, datetime] | None,
) -> Election:
    def to_utc(window: Window) -> tuple[datetime, datetime]:
        opens, closes = (moment.to_datetime(day, pack.timezone).astimezone(UTC) for moment in window)
        return opens, closes

    opens_at, closes_at = hours or to_utc(pack.window)
    election = Election(
        slug=slug,
        names=names,
        date=day,
        timezone=pack.timezone,
        languages=list(pack.languages),
        publication=publication,
        state=state,
        opens_at=opens_at,
        closes_at=closes_at,
        pack=pack.code,
        windows={code: [moment.isoformat() for moment in to_utc(window)] for code, window in pack.windows.items()},
        emergency_contact=pack.emergency_contact,
        emergency_names=pack.emergency_names,
        conduct_version=pack.conduct_version,
        rules={
            "choice_languages": list(pack.choice_languages),
            "deadlines": pack.deadlines,
            "guide": pack.guide,
            "schedule": pack.schedule,
            "removal": pack.removal,
            **pack.cases,
        },
    )
    set_relay_keys(election)
    insert_election(election)
    return election
