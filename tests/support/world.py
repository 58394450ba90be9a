"""A small test country, created by models.

It has one root, two regions, four districts and twelve precincts. Most tests need `World`; each of its parts
can be made alone too. Packs and imports are not used here; they have tests of their own.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from observer.models import Assignment, Commission, Device, Election, Level, Observer, Organisation
from reports.models import Checklist, ChecklistVersion, Question, ViolationGroup, ViolationType

DAY = datetime(2022, 11, 20, 4, 0, tzinfo=UTC)  # 10:00 in Astana on election day

QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "opening": [
        {"code": "O01", "type": "yes_no", "violation_answers": ["no"], "violation_code": "OPN-01", "required": True},
        {"code": "O90", "type": "rating"},
    ],
    "voting": [
        {"code": "V01", "type": "choice", "choices": ["female", "male"]},
        {"code": "V03", "type": "yes_no", "violation_answers": ["yes"], "violation_code": "FRD-05", "required": True},
        {"code": "V15", "type": "yes_no", "violation_answers": ["yes"], "violation_code": "UNA-01"},
        {
            "code": "V16",
            "type": "yes_no",
            "violation_answers": ["yes"],
            "violation_code": "UNA-02",
            "relevant_question": "V15",
            "relevant_answers": ["yes"],
            "required": True,
        },
        {"code": "V17", "type": "yes_no"},
        {"code": "V19", "type": "yes_no", "violation_answers": ["no"], "violation_code": "ACC-03"},
        {"code": "V20", "type": "yes_no", "violation_answers": ["no"], "violation_code": "ACC-03"},
        {"code": "V30", "type": "choices", "choices": ["a", "b", "c"]},
        {"code": "V90", "type": "rating"},
        {"code": "X05", "type": "integer", "minimum": 0, "maximum": 3000},
        {"code": "X06", "type": "decimal"},
        {"code": "X07", "type": "text"},
        {"code": "X08", "type": "time"},
        {"code": "X09", "type": "date"},
        {"code": "X10", "type": "location"},
        {"code": "X11", "type": "photo"},
        {"code": "X12", "type": "note"},
    ],
    "tabulation": [{"code": "T90", "type": "rating"}],
    "incident": [
        {"code": "I01", "type": "violation", "violation_answers": ["*"], "required": True},
        {"code": "I02", "type": "text"},
    ],
}
REPEAT = {"opening": "once", "voting": "visit", "tabulation": "once", "incident": "any"}
PLACE = {"tabulation": "territorial", "incident": "any"}
VIOLATIONS = [
    ("ACC-01", "access", "critical"),
    ("ACC-03", "access", "major"),
    ("OPN-01", "opening", "minor"),
    ("FRD-05", "fraud", "critical"),
    ("UNA-01", "fraud", "major"),
    ("UNA-02", "fraud", "critical"),
]


def make_texts(text: str) -> dict[str, str]:
    return {language: f"{text} {language}" for language in ("kk", "ru", "en")}


def make_election(slug: str = "test-2022", **fields: Any) -> Election:
    return Election.objects.create(
        **{
            "slug": slug,
            "names": make_texts(slug),
            "date": DAY.date(),
            "timezone": "Asia/Almaty",
            "languages": ["kk", "ru", "en"],
            "publication": "live",
            "opens_at": datetime(2022, 11, 19, 18, tzinfo=UTC),
            "closes_at": datetime(2022, 11, 21, 6, tzinfo=UTC),
        }
        | fields
    )


def make_tree(election: Election) -> dict[str, Commission]:
    """Creates two regions, two districts each, three precincts each.

    Their codes are KZ > KZ-1, KZ-2 > KZ-1-1 … > KZ-1-1-1 ….
    """
    kinds = [("central", "central"), ("region", "territorial"), ("district", "territorial"), ("precinct", "precinct")]
    levels = Level.objects.bulk_create(
        Level(election=election, order=n, code=code, kind=kind, names=make_texts(code))
        for n, (code, kind) in enumerate(kinds, 1)
    )
    tree: dict[str, Commission] = {}

    parents: list[Commission | None] = [None]
    for depth, level in enumerate(levels):
        rows = [
            Commission(
                election=election,
                parent=parent,
                level=level,
                code=code,
                depth=depth,
                path=(parent.path if parent else "") + code + "/",
                names=make_texts(code),
                lat=43.25,
                lon=76.95,
            )
            for parent in parents
            for code in ([f"{parent.code}-{n}" for n in range(1, (2, 2, 3)[depth - 1] + 1)] if parent else ["KZ"])
        ]
        parents = list(Commission.objects.bulk_create(rows))
        tree |= {row.code: row for row in rows}
    return tree


def make_checklists(election: Election) -> dict[str, ChecklistVersion]:
    groups = ViolationGroup.objects.bulk_create(
        ViolationGroup(election=election, code=code, names=make_texts(code)) for code in ("access", "opening", "fraud")
    )
    group_of = {group.code: group for group in groups}
    ViolationType.objects.bulk_create(
        ViolationType(
            election=election,
            code=code,
            group=group_of[group],
            severity=severity,
            names=make_texts(code),
            denies_access=code == "ACC-01",
        )
        for code, group, severity in VIOLATIONS
    )
    checklists = Checklist.objects.bulk_create(
        Checklist(
            election=election,
            code=code,
            stage=code,
            order=order,
            repeat=REPEAT[code],
            place=PLACE.get(code, "precinct"),
            titles=make_texts(code),
        )
        for order, code in enumerate(QUESTIONS)
    )
    versions = make_versions({one: QUESTIONS[one.code] for one in checklists}, 1)
    return {version.checklist.code: version for version in versions}


def make_version(checklist: Checklist, number: int, questions: list[dict[str, Any]]) -> ChecklistVersion:
    return make_versions({checklist: questions}, number)[0]


def make_versions(questions: dict[Checklist, list[dict[str, Any]]], number: int) -> list[ChecklistVersion]:
    """Published versions of these checklists.

    They are published last, because then questions cannot be added.
    """
    versions = ChecklistVersion.objects.bulk_create(
        ChecklistVersion(
            checklist=one, number=number, content_hash=hashlib.sha256(f"{one.code} {number}".encode()).hexdigest()
        )
        for one in questions
    )
    Question.objects.bulk_create(
        Question(
            version=version,
            order=place,
            labels=make_texts(question["code"]),
            **question | {"choices": [{"code": c, "labels": make_texts(c)} for c in question.get("choices", [])]},
        )
        for version in versions
        for place, question in enumerate(questions[version.checklist])
    )
    ChecklistVersion.objects.filter(pk__in=[version.pk for version in versions]).update(published_at=DAY)
    for version in versions:
        version.published_at = DAY
    return versions


@dataclass
class Phone:
    """An enrolled device and its token."""

    observer: Observer
    device: Device
    token: str

    @property
    def auth(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


def make_observer(code: str, organisation: Organisation, **fields: Any) -> Observer:
    observer = Observer(
        code=code,
        organisation=organisation,
        **{"name": f"Name of {code}", "phone": "+77010000000", "email": f"{code}@example.org", "language": "ru"}
        | fields,
    )
    observer.update_contact_lookups()
    observer.save()
    return observer


def make_phone(observer: Observer, election: Election) -> Phone:
    token = secrets.token_urlsafe(32)
    device = Device.objects.create(
        observer=observer,
        election=election,
        name="Test phone",
        created_at=DAY,
        last_used_at=DAY,
        token_hash=hashlib.sha256(token.encode()).hexdigest(),
    )
    return Phone(observer, device, token)


@dataclass
class World:
    """An election with everything in it, and two observers.

    They have phones: `first` at KZ-1-1-1, `second` at KZ-1-1-2.
    """

    election: Election = field(default_factory=make_election)
    tree: dict[str, Commission] = field(init=False)
    versions: dict[str, ChecklistVersion] = field(init=False)
    organisation: Organisation = field(init=False)
    first: Phone = field(init=False)
    second: Phone = field(init=False)

    def __post_init__(self) -> None:
        self.tree = make_tree(self.election)
        self.versions = make_checklists(self.election)
        self.organisation, _ = Organisation.objects.get_or_create(code="org", defaults={"names": make_texts("org")})
        self.first = self.enrol_phone("OB-2222", "KZ-1-1-1")
        self.second = self.enrol_phone("OB-3333", "KZ-1-1-2")

    def enrol_phone(self, code: str, station: str | None = None) -> Phone:
        observer = Observer.objects.filter(code=code).first() or make_observer(code, self.organisation)
        if station:
            Assignment.objects.create(election=self.election, commission=self.tree[station]).observers.add(observer)
        return make_phone(observer, self.election)


def payload(checklist: str = "voting", commission: str = "KZ-1-1-1", **fields: Any) -> dict[str, Any]:
    """The JSON body of a report, valid unless `fields` make it otherwise."""
    answers = {
        "opening": {"O01": "yes", "O90": "good"},
        "voting": {"V03": "no", "V15": "no", "V90": "good"},
        "tabulation": {"T90": "good"},
        "incident": {"I01": "ACC-01"},
    }[checklist]
    return {
        "id": str(uuid4()),
        "checklist": {"code": checklist, "version": 1},
        "commission": commission,
        "observed_at": "2022-11-20T10:00:00+06:00",
        "answers": answers,
    } | fields


def get_uuid(body: dict[str, Any]) -> UUID:
    return UUID(body["id"])
