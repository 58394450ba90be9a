"""Making an election out of a country's pack."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from observer.models import Election, Level, User
from observer.services.registry.relay_keys import relay_keys_set
from observer.services.spreadsheets.tables import BadLine, BadTable
from observer.services.trail import trail_add
from reports.models import ViolationGroup, ViolationType
from reports.services.checklists.publishing import checklists_publish
from reports.services.elections.pack_files import Pack, Window, pack_read

Row = TypeVar("Row", Level, ViolationGroup, ViolationType)


class ElectionExists(Exception):
    """There is an election of this slug."""


def pack_folder(name: str) -> Path:
    """The folder of a pack that came with the platform (`kz`), or any other folder. Raises BadTable for neither."""
    if re.fullmatch(r"[\w\-]+", name) and (settings.PACKS_DIR / name / "pack.toml").is_file():
        return Path(settings.PACKS_DIR / name)
    if Path(name).is_dir():
        return Path(name)
    raise BadTable([BadLine(name, 0, _("there is no such pack and no such folder"))])


def packs_here() -> list[str]:
    """The names of the packs that came with the platform."""
    return sorted(path.parent.name for path in Path(settings.PACKS_DIR).glob("*/pack.toml"))


def election_create(
    *,
    slug: str,
    name: str | Mapping[str, str],
    date: date,
    pack_dir: Path,
    publication: str = Election.Publication.RELEASED,
    state: str = Election.State.OPEN,
    languages: Sequence[str] = (),
    window: tuple[datetime, datetime] | None = None,
    press: str = "",
    now: datetime,
    user: User | None = None,
) -> Election:
    """An open election with all that the pack brings, its checklists published as version 1.

    `languages`: only these of the pack's, in this order; `window`: other hours than the pack's;
    `press` goes into the trail, so that whoever presses a button twice finds what the first made.

    A plain `name` stands for every language. The whole folder is checked first: raises BadTable
    with every problem by file and line, or ElectionExists, and has made nothing then.
    """
    pack = pack_read(pack_dir)
    if languages:
        pack.languages = tuple(languages)
        pack.choice_languages = tuple(one for one in pack.choice_languages if one in languages)
    names = dict(name) if isinstance(name, Mapping) else dict.fromkeys(pack.languages, name)
    with transaction.atomic():
        election = _election(pack, slug, names, date, publication, state, window)
        Level.objects.bulk_create([_of(election, level) for level in pack.levels])
        ViolationGroup.objects.bulk_create([_of(election, group) for group in pack.groups.values()])
        ViolationType.objects.bulk_create([_of(election, violation) for violation in pack.violations])
        checklists_publish(election=election, drafts=pack.drafts, now=now, user=user)
        trail_add(
            action="election.create", subject=election, now=now, user=user, detail={"pack": pack.code, "press": press}
        )
    return election


def _of(election: Election, row: Row) -> Row:
    row.election = election
    return row


def election_store(election: Election) -> None:
    """A new row. Raises ValidationError, or ElectionExists where the slug is taken, be it this very moment."""
    election.full_clean(exclude=["names"], validate_unique=False)
    try:
        with transaction.atomic():
            election.save(force_insert=True)
    except IntegrityError:
        raise ElectionExists(election.slug) from None


def _election(
    pack: Pack,
    slug: str,
    names: dict[str, str],
    day: date,
    publication: str,
    state: str,
    hours: tuple[datetime, datetime] | None,
) -> Election:
    def utc(window: Window) -> tuple[datetime, datetime]:
        opens, closes = (moment.on(day, pack.timezone).astimezone(UTC) for moment in window)
        return opens, closes

    opens_at, closes_at = hours or utc(pack.window)
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
        windows={code: [moment.isoformat() for moment in utc(window)] for code, window in pack.windows.items()},
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
    relay_keys_set(election)
    election_store(election)
    return election
