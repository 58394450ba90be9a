"""Roles, their permissions, and the row scopes of models.

`observer/services/accounts/access.py` builds querysets from these tables.
"""

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


class Permission(models.TextChoices):
    """What a role may do within its territory."""

    LOOK = "look"  # see reports, figures, places, copies of files and cases, without names of people
    PEOPLE = "people"  # see which observers are where, by code, with their devices and enrolment codes
    CONTACT = "contact"  # see an observer's name, phone and e-mail; each time is written to the trail
    REGISTER = "register"  # manage observers, assignments, enrolment and devices
    DICTATE = "dictate"  # type a report for an observer who is on the phone
    VERIFY = "verify"  # decide about reports and violations
    QUARANTINE = "quarantine"  # set all reports of one observer aside
    CASES = "cases"  # manage cases and complaints
    MESSAGE = "message"  # send messages to observers
    APPROVE = "approve"  # decide which photos are public
    PREPARE = "prepare"  # prepare a release, which others approve
    RELEASE = "release"  # decide what of the whole election is public
    EXPORT = "export"  # get lists as files
    ORIGINAL = "original"  # get sealed original files, and bodies as they were received
    SETUP = "setup"  # set up the election, its commissions and checklists
    STAFF = "staff"  # give roles, and read the trail


_COORDINATORS = frozenset({Role.ADMINISTRATOR, Role.NATIONAL, Role.TERRITORIAL})
ROLES_BY_PERMISSION: dict[Permission, frozenset[Role]] = {
    Permission.LOOK: frozenset(Role),
    Permission.PEOPLE: _COORDINATORS,
    Permission.CONTACT: _COORDINATORS | {Role.VERIFIER, Role.LAWYER},
    Permission.REGISTER: _COORDINATORS,
    Permission.DICTATE: _COORDINATORS | {Role.VERIFIER},
    Permission.VERIFY: _COORDINATORS | {Role.VERIFIER},
    Permission.QUARANTINE: _COORDINATORS,
    Permission.CASES: _COORDINATORS | {Role.VERIFIER, Role.LAWYER},
    Permission.MESSAGE: _COORDINATORS,
    Permission.APPROVE: _COORDINATORS | {Role.PUBLISHER},
    Permission.PREPARE: frozenset({Role.ADMINISTRATOR, Role.NATIONAL, Role.ANALYST}),
    Permission.RELEASE: frozenset({Role.ADMINISTRATOR, Role.NATIONAL, Role.PUBLISHER}),
    Permission.EXPORT: frozenset(
        {Role.ADMINISTRATOR, Role.NATIONAL, Role.TERRITORIAL, Role.LAWYER, Role.ANALYST, Role.PUBLISHER}
    ),
    Permission.ORIGINAL: frozenset({Role.ADMINISTRATOR, Role.LAWYER}),
    Permission.SETUP: frozenset({Role.ADMINISTRATOR}),
    Permission.STAFF: frozenset({Role.ADMINISTRATOR}),
}


@dataclass(frozen=True)
class RowScope:
    """How a model's rows belong to commissions, elections and organisations.

    A model without a row scope is for superusers only. The look-ups start at the row; "" is the row itself.

    `commission_lookups`: each leads to a commission. A grant gives access to the row if one of these commissions
    is in the grant's territory.
    `owner_election_lookup`: leads to the one election that the row belongs to. It is needed where the commissions
    may be of several elections: an observer has assignments in many, but a device belongs to one.
    `election_lookup`: leads to the election, for rows that belong to the whole of it. A grant for the whole election
    gives access to them; a grant for a part of it gives access for viewing only, and only if `visible_in_part`.
    `organisation_lookup`: leads to the organisation, for grants that are limited to one. Without it, such a grant
    gives access for viewing only, and only if `shared_by_organisations`.
    `view_permission`: the permission that is needed to see the rows.
    """

    commission_lookups: tuple[str, ...] = ()
    owner_election_lookup: str | None = None
    election_lookup: str | None = None
    visible_in_part: bool = True
    organisation_lookup: str | None = None
    shared_by_organisations: bool = False
    view_permission: Permission = Permission.LOOK


# For the parts of an election: its levels, contests and checklists.
ELECTION_ROW_SCOPE = RowScope(election_lookup="election", shared_by_organisations=True)
# For rows of one observer in one election.
OBSERVER_ROW_SCOPE = RowScope(
    commission_lookups=("observer__assignments__commission",),
    owner_election_lookup="election",
    election_lookup="election",
    visible_in_part=False,
    organisation_lookup="observer__organisation",
    view_permission=Permission.PEOPLE,
)
