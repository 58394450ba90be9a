"""Who may do what (roles and verbs), and where a row lies (its reach): facts, asked by `services/access.py`."""

from dataclasses import dataclass

from django.db import models


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", "administrator"
    NATIONAL = "national", "national coordinator"
    TERRITORIAL = "territorial", "territorial coordinator"
    VERIFIER = "verifier", "verifier"
    LAWYER = "lawyer", "lawyer"
    ANALYST = "analyst", "analyst"
    PUBLISHER = "publisher", "publisher"
    READER = "reader", "read-only"


class Verb(models.TextChoices):
    """What a role may do within its territory."""

    LOOK = "look"  # reports, figures, places, copies of files, cases: without anybody's name
    PEOPLE = "people"  # which observers are where, by code; their phones and codes
    CONTACT = "contact"  # an observer's name, phone and e-mail, each sight of which is noted
    REGISTER = "register"  # observers, assignments, enrolment, devices
    DICTATE = "dictate"  # a report for an observer on the phone
    VERIFY = "verify"  # how reports and violations stand
    QUARANTINE = "quarantine"  # all that one observer reported
    CASES = "cases"  # incidents and complaints
    MESSAGE = "message"  # words to observers
    APPROVE = "approve"  # which photos the public sees
    PREPARE = "prepare"  # a release, for others to agree to
    RELEASE = "release"  # what is public of the whole election
    EXPORT = "export"  # lists as files
    ORIGINAL = "original"  # sealed originals and bodies as received
    SETUP = "setup"  # the election, its tree, its checklists
    STAFF = "staff"  # who may do what; the trail


_COORDINATORS = frozenset({Role.ADMINISTRATOR, Role.NATIONAL, Role.TERRITORIAL})
MAY: dict[Verb, frozenset[Role]] = {
    Verb.LOOK: frozenset(Role),
    Verb.PEOPLE: _COORDINATORS,
    Verb.CONTACT: _COORDINATORS | {Role.VERIFIER, Role.LAWYER},
    Verb.REGISTER: _COORDINATORS,
    Verb.DICTATE: _COORDINATORS | {Role.VERIFIER},
    Verb.VERIFY: _COORDINATORS | {Role.VERIFIER},
    Verb.QUARANTINE: _COORDINATORS,
    Verb.CASES: _COORDINATORS | {Role.VERIFIER, Role.LAWYER},
    Verb.MESSAGE: _COORDINATORS,
    Verb.APPROVE: _COORDINATORS | {Role.PUBLISHER},
    Verb.PREPARE: frozenset({Role.ADMINISTRATOR, Role.NATIONAL, Role.ANALYST}),
    Verb.RELEASE: frozenset({Role.ADMINISTRATOR, Role.NATIONAL, Role.PUBLISHER}),
    Verb.EXPORT: frozenset(
        {Role.ADMINISTRATOR, Role.NATIONAL, Role.TERRITORIAL, Role.LAWYER, Role.ANALYST, Role.PUBLISHER}
    ),
    Verb.ORIGINAL: frozenset({Role.ADMINISTRATOR, Role.LAWYER}),
    Verb.SETUP: frozenset({Role.ADMINISTRATOR}),
    Verb.STAFF: frozenset({Role.ADMINISTRATOR}),
}


@dataclass(frozen=True)
class Reach:
    """Where rows of a model lie, as look-ups from the row; a model without one is for superusers only.

    `places`: each to a commission ("" is the row itself); one within the territory opens the row. `bound`: to
    its election, where places alone do not say which (an observer's phone is one election's).
    `election`: to its election, for rows that belong to the whole of it: a grant for the whole election opens
    them, and one for a part opens them to looking where `part` says so.
    `organisation`: to whose it is, for grants limited to one. Without it, such a grant opens the row to
    looking where `shared` says that all organisations share it, and else not at all.
    `look`: the verb that opens the rows to sight.
    """

    places: tuple[str, ...] = ()
    bound: str | None = None
    election: str | None = None
    part: bool = True
    organisation: str | None = None
    shared: bool = False
    look: Verb = Verb.LOOK


WHOLE = Reach(election="election", shared=True)  # what an election consists of: its levels, contests, checklists
OF_AN_OBSERVER = Reach(
    places=("observer__assignments__commission",),
    bound="election",
    election="election",
    part=False,
    organisation="observer__organisation",
    look=Verb.PEOPLE,
)
