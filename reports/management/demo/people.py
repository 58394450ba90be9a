"""Three organisations and three hundred observers, with phones and places to go. All names are invented."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from observer.models import Assignment, Commission, Consent, Device, Election, Level, Observer, Organisation
from reports.management.demo.chance import chance
from reports.management.demo.geography import apportioned

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, O, 1, I
FIRST = "OB-7F3K"  # the observer of the documentation's examples
FIRST_PLACE = "KZ-75-03-0375"
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
GIVEN = ("Айгүл", "Болат", "Гүлнар", "Дана", "Ерлан", "Жанар", "Зарина", "Ілияс", "Камила", "Лаура", "Мадина", "Нұрлан")
FAMILY = (
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
    """Who goes together, and where to; the first of them writes, the others are there."""

    role: str
    observers: tuple[Observer, ...]
    place: Commission
    stations: tuple[Commission, ...]


@dataclass(frozen=True)
class People:
    teams: tuple[Team, ...]
    devices: dict[int, Device]  # by observer


def people_create(*, election: Election, now: datetime) -> People:
    """60 teams of two from abroad, 120 citizens each in one station, 60 going about alone."""
    observers = _observers(_organisations(), now)
    places = list(election.commissions.select_related("level", "parent", "election").order_by("path"))
    precincts = [place for place in places if place.level.kind == Level.Kind.PRECINCT]
    districts = sorted({place.parent for place in precincts if place.parent}, key=lambda place: place.path)
    below = {district.pk: tuple(p for p in precincts if p.parent_id == district.pk) for district in districts}
    spread = _spread(districts, [len(below[one.pk]) for one in districts])
    abroad, citizens, youth = observers[:120], observers[120:240], observers[240:]
    teams = [
        Team(Assignment.Role.MOBILE, tuple(abroad[2 * n : 2 * n + 2]), spread[2 * n], below[spread[2 * n].pk])
        for n in range(60)
    ]
    for n, (observer, station) in enumerate(zip(citizens, _stations(precincts, len(citizens)), strict=True)):
        place = next(p for p in precincts if p.code == FIRST_PLACE) if n == 0 else station
        teams.append(Team(Assignment.Role.STATIONARY, (observer,), place, (place,)))
    teams += [
        Team(Assignment.Role.MOBILE, (observer,), spread[2 * n + 1], below[spread[2 * n + 1].pk])
        for n, observer in enumerate(youth)
    ]
    _assign(election, teams, now)
    given = now - timedelta(days=3)
    Consent.objects.bulk_create([Consent(observer=one, election=election, version=1, at=given) for one in observers])
    return People(tuple(teams), _devices(election, observers, now))


def _organisations() -> list[Organisation]:
    return [
        Organisation.objects.get_or_create(code=code, defaults={"kind": kind, "names": names})[0]
        for code, kind, names in ORGANISATIONS
    ]


def _observers(organisations: Sequence[Organisation], now: datetime) -> list[Observer]:
    luck = chance("codes")
    codes: list[str] = []
    while len(codes) < 300:
        code = "OB-" + "".join(luck.choices(ALPHABET, k=4))
        if code != FIRST and code not in codes:
            codes.append(code)
    codes[120] = FIRST
    made = []
    for n, code in enumerate(codes):
        organisation = organisations[0 if n < 120 else 1 if n < 240 else 2]
        observer = Observer(
            code=code,
            organisation=organisation,
            language=("en" if n < 120 else "kk" if n % 2 else "ru"),
            name=f"{GIVEN[n % 12]} {FAMILY[n % 8]} {n + 1:03}",
            phone=f"+7700000{n + 1:04}",
            email=f"{code.lower()}@observers.example",
            accreditation_number=f"ДЕМО-{n + 1:04}",
            accredited_from=now.date() - timedelta(days=20),
            accredited_until=now.date() + timedelta(days=345),
        )
        observer.index_contacts()
        made.append(observer)
    return Observer.objects.bulk_create(made)


def _spread(districts: Sequence[Commission], precincts: Sequence[int]) -> list[Commission]:
    """120 places for those who go about, in proportion to the stations there are."""
    shares = apportioned(precincts, 120)
    return [district for district, share in zip(districts, shares, strict=True) for _ in range(share)]


def _stations(precincts: Sequence[Commission], number: int) -> list[Commission]:
    step = len(precincts) / number
    return [precincts[int(n * step + step / 2)] for n in range(number)]


def _assign(election: Election, teams: Sequence[Team], now: datetime) -> None:
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


def _devices(election: Election, observers: Sequence[Observer], now: datetime) -> dict[int, Device]:
    """Phones whose tokens nobody knows: they were thrown away as they were made."""
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
