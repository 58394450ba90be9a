"""Organisations, observers, devices and assignments of the demonstration; all names are invented."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from observer.models import Assignment, Commission, Consent, Device, Election, Level, Observer, Organisation
from reports.management.demo.geography import apportion
from reports.management.demo.seeded_random import make_random

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, O, 1, I
FIRST_OBSERVER_CODE = "OB-7F3K"  # the observer of the documentation's examples
FIRST_COMMISSION_CODE = "KZ-75-03-0375"
ORGANISATIONS = (
    (
        "demo-mission",
        Organisation.Kind.INTERNATIONAL,
        {
            "kk": "Халықаралық миссия (көрсетілім)",
            "ru": "Международная миссия (демонстрация)",
            "en": "International mission (demonstration)",
        },
    ),
    (
        "demo-citizens",
        Organisation.Kind.CITIZEN,
        {
            "kk": "Азаматтық байқау (көрсетілім)",
            "ru": "Гражданское наблюдение (демонстрация)",
            "en": "Citizen observation (demonstration)",
        },
    ),
    (
        "demo-youth",
        Organisation.Kind.CITIZEN,
        {
            "kk": "Жастар желісі (көрсетілім)",
            "ru": "Молодёжная сеть (демонстрация)",
            "en": "Youth network (demonstration)",
        },
    ),
)
GIVEN_NAMES = (
    "Айгүл",
    "Болат",
    "Гүлнар",
    "Дана",
    "Ерлан",
    "Жанар",
    "Зарина",
    "Ілияс",
    "Камила",
    "Лаура",
    "Мадина",
    "Нұрлан",
)
FAMILY_NAMES = (
    "Мысалбаев",
    "Үлгібеков",
    "Сынақбаев",
    "Көрсетілімов",
    "Примернов",
    "Образцовский",
    "Пробникова",
    "Учебнинский",
)


@dataclass(frozen=True)
class Team:
    """Observers who go together.

    `place` is the commission of their assignment, `stations` are the precincts that they visit.
    """

    role: str
    observers: tuple[Observer, ...]
    place: Commission
    stations: tuple[Commission, ...]


@dataclass(frozen=True)
class People:
    """The teams, and each observer's device."""

    teams: tuple[Team, ...]
    devices: dict[int, Device]  # by observer key


def create_people(*, election: Election, now: datetime) -> People:
    """Creates 60 mobile teams of two, 120 stationary observers and 60 mobile observers, with all they need."""
    observers = _create_observers(_create_organisations(), now)
    places = list(election.commissions.select_related("level", "parent", "election").order_by("path"))
    precincts = [place for place in places if place.level.kind == Level.Kind.PRECINCT]
    districts = sorted({place.parent for place in precincts if place.parent}, key=lambda place: place.path)
    below = {district.pk: tuple(p for p in precincts if p.parent_id == district.pk) for district in districts}
    team_districts = _choose_districts(districts, [len(below[one.pk]) for one in districts])
    abroad, citizens, youth = observers[:120], observers[120:240], observers[240:]
    teams = [
        Team(
            Assignment.Role.MOBILE,
            tuple(abroad[2 * n : 2 * n + 2]),
            team_districts[2 * n],
            below[team_districts[2 * n].pk],
        )
        for n in range(60)
    ]
    for n, (observer, station) in enumerate(zip(citizens, _choose_stations(precincts, len(citizens)), strict=True)):
        place = next(p for p in precincts if p.code == FIRST_COMMISSION_CODE) if n == 0 else station
        teams.append(Team(Assignment.Role.STATIONARY, (observer,), place, (place,)))
    teams += [
        Team(Assignment.Role.MOBILE, (observer,), team_districts[2 * n + 1], below[team_districts[2 * n + 1].pk])
        for n, observer in enumerate(youth)
    ]
    _create_assignments(election, teams, now)
    given = now - timedelta(days=3)
    Consent.objects.bulk_create([Consent(observer=one, election=election, version=1, at=given) for one in observers])
    return People(tuple(teams), _create_devices(election, observers, now))


def _create_organisations() -> list[Organisation]:
    return [
        Organisation.objects.get_or_create(code=code, defaults={"kind": kind, "names": names})[0]
        for code, kind, names in ORGANISATIONS
    ]


def _create_observers(organisations: Sequence[Organisation], now: datetime) -> list[Observer]:
    rng = make_random("codes")
    codes: list[str] = []
    while len(codes) < 300:
        code = "OB-" + "".join(rng.choices(CODE_ALPHABET, k=4))
        if code != FIRST_OBSERVER_CODE and code not in codes:
            codes.append(code)
    codes[120] = FIRST_OBSERVER_CODE
    observers = []
    for n, code in enumerate(codes):
        organisation = organisations[0 if n < 120 else 1 if n < 240 else 2]
        observer = Observer(
            code=code,
            organisation=organisation,
            language=("en" if n < 120 else "kk" if n % 2 else "ru"),
            name=f"{GIVEN_NAMES[n % 12]} {FAMILY_NAMES[n % 8]} {n + 1:03}",
            phone=f"+7700000{n + 1:04}",
            email=f"{code.lower()}@observers.example",
            accreditation_number=f"ДЕМО-{n + 1:04}",
            accredited_from=now.date() - timedelta(days=20),
            accredited_until=now.date() + timedelta(days=345),
        )
        observer.update_contact_lookups()
        observers.append(observer)
    return Observer.objects.bulk_create(observers)


def _choose_districts(districts: Sequence[Commission], precincts: Sequence[int]) -> list[Commission]:
    """Chooses 120 districts for mobile teams, in proportion to their numbers of stations."""
    shares = apportion(precincts, 120)
    return [district for district, share in zip(districts, shares, strict=True) for _ in range(share)]


def _choose_stations(precincts: Sequence[Commission], number: int) -> list[Commission]:
    step = len(precincts) / number
    return [precincts[int(n * step + step / 2)] for n in range(number)]


def _create_assignments(election: Election, teams: Sequence[Team], now: datetime) -> None:
    day = {"starts_at": election.opens_at, "ends_at": election.closes_at}
    rows = Assignment.objects.bulk_create(
        [Assignment(election=election, commission=team.place, role=team.role, **day) for team in teams]
    )
    through = Assignment.observers.through
    through.objects.bulk_create(
        [
            through(assignment=row, observer=observer)
            for row, team in zip(rows, teams, strict=True)
            for observer in team.observers
        ]
    )


def _create_devices(election: Election, observers: Sequence[Observer], now: datetime) -> dict[int, Device]:
    """Creates devices with random tokens that are not kept, so nobody can use them."""
    models = ("Galaxy A14", "Redmi Note 12", "iPhone SE", "Moto G", "Redmi 9A")
    rows = Device.objects.bulk_create(
        [
            Device(
                observer=observer,
                election=election,
                name=models[n % 5],
                created_at=now - timedelta(days=2),
                token_hash=hashlib.sha256(secrets.token_bytes(32)).hexdigest(),
                last_used_at=election.closes_at,
            )
            for n, observer in enumerate(observers)
        ]
    )
    return {row.observer_id: row for row in rows}
