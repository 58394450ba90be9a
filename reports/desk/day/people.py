"""Who is where, as far as the reader of a page of the day may know. Names and numbers are never among it."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Prefetch

from observer.desk.pages import DeskView
from observer.models import Assignment, Observer
from observer.models.reach import Verb

PROTECTED = ("name", "phone", "email", "accreditation_number")


def assignments_at(view: DeskView, places: Collection[int]) -> list[Assignment]:
    """All assignments to these places, with their observers, places and levels."""
    rows = view.reachable(Assignment, Verb.PEOPLE).filter(commission__in=places).select_related("commission__level")
    people = Observer.objects.defer(*PROTECTED).order_by("code")
    found = list(rows.prefetch_related(Prefetch("observers", people)).order_by("commission__path", "starts_at", "pk"))
    for row in found:
        row.election = row.commission.election = view.election
    return found


def assignments_now(view: DeskView, places: Collection[int], now: datetime) -> list[Assignment]:
    """Those of them that hold, and those that ended with the day: their people still owe, and are still called."""
    return [row for row in assignments_at(view, places) if not is_over(row, now)]


def is_over(row: Assignment, now: datetime) -> bool:
    """Whether somebody was sent away, or replaced, before the day ended."""
    return row.ends_at is not None and row.ends_at <= now and row.ends_at < row.election.closes_at
