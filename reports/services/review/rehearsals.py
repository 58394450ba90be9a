"""Rehearsal reports that were sent on election day.

They can be listed and made real ones in bulk.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from observer.models import Election, User
from observer.services.accounts.access import TerritoryScope
from reports.models import Report
from reports.services.review.decisions import set_rehearsals

MAX_REPORTS_PER_CALL = 500


def filter_election_day_rehearsals(*, election: Election, scope: TerritoryScope) -> QuerySet[Report]:
    """Rehearsal reports that came after the election had opened.

    Those of the scope, the newest first.
    """
    rows = Report.objects.filter(
        rehearsal=True,
        received_at__gte=election.opens_at,
        commission__election=election,
        commission__path__startswith=scope.commission.path,
    )
    if scope.organisations is not None:
        rows = rows.filter(observer__organisation__in=scope.organisations)
    return rows.defer("body", "answers", "comment").order_by("-sequence")


def convert_rehearsals(*, reports: Collection[Report], user: User, now: datetime) -> int:
    """Makes rehearsal reports real ones that count.

    Returns how many were still rehearsals. At most MAX_REPORTS_PER_CALL at one call.
    """
    with transaction.atomic():
        keys = [report.pk for report in reports]
        rehearsals = list(
            Report.objects.filter(pk__in=keys, rehearsal=True).defer("body", "answers", "comment")[
                :MAX_REPORTS_PER_CALL
            ]
        )
        set_rehearsals(reports=rehearsals, rehearsal=False, user=user, now=now)
    return len(rehearsals)
