"""Reports that phones sent as rehearsal though the day had begun: shown, and changed in bulk."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from observer.models import Election, User
from observer.services.accounts.access import Scope
from reports.models import Report
from reports.services.review.decisions import rehearsals_set

AT_ONCE = 500


def rehearsals_on_the_day(*, election: Election, scope: Scope) -> QuerySet[Report]:
    """Rehearsal reports of the scope that came after the day had begun, the newest first."""
    rows = Report.objects.filter(
        rehearsal=True,
        received_at__gte=election.opens_at,
        commission__election=election,
        commission__path__startswith=scope.commission.path,
    )
    if scope.organisations is not None:
        rows = rows.filter(observer__organisation__in=scope.organisations)
    return rows.defer("body", "answers", "comment").order_by("-sequence")


def rehearsals_count(*, reports: Collection[Report], user: User, now: datetime) -> int:
    """These were meant in earnest: they count from now on. How many were still rehearsals; at most 500 at once."""
    with transaction.atomic():
        keys = [report.pk for report in reports]
        still = list(Report.objects.filter(pk__in=keys, rehearsal=True).defer("body", "answers", "comment")[:AT_ONCE])
        rehearsals_set(reports=still, rehearsal=False, user=user, now=now)
    return len(still)
