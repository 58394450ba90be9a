"""Assignments of observers to stations, as far as the reader may see them.

Names, phone numbers and other protected fields are never loaded.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Prefetch

from observer.desk.pages import DeskView
from observer.models import Assignment, Observer
from observer.models.row_scope import Permission

PROTECTED_FIELDS = ("name", "phone", "email", "accreditation_number")


def load_assignments(view: DeskView, places: Collection[int]) -> list[Assignment]:
    """All assignments to these places, with their observers, places and levels. `places` are primary keys."""
    rows = (
        view.get_permitted_rows(Assignment, Permission.PEOPLE)
        .filter(commission__in=places)
        .select_related("commission__level")
    )
    observers = Observer.objects.defer(*PROTECTED_FIELDS).order_by("code")
    assignments = list(
        rows.prefetch_related(Prefetch("observers", observers)).order_by("commission__path", "starts_at", "pk")
    )
    for row in assignments:
        row.election = row.commission.election = view.election
    return assignments


def load_current_assignments(view: DeskView, places: Collection[int], now: datetime) -> list[Assignment]:
    """The assignments in force, and those that ended with election day.

    Observers of the latter still owe reports and are still called.
    """
    return [assignment for assignment in load_assignments(view, places) if not is_over(assignment, now)]


def is_over(assignment: Assignment, now: datetime) -> bool:
    """Whether the assignment ended, by removal or replacement, before the election day closed."""
    return (
        assignment.ends_at is not None
        and assignment.ends_at <= now
        and assignment.ends_at < assignment.election.closes_at
    )
