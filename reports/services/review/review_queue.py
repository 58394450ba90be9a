"""The queue of reports that a verifier must check.

It holds reports of critical violations, flagged reports, and a random sample of the others, the worst
first. Each is given to one user at a time. The sample is drawn by a keyed hash of the report's id: who
chooses the id cannot foresee the result, and the result never changes.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from observer import crypto
from observer.models import Election, User
from reports.models import Check, Report, ViolationType

RANDOM_SHARE_PERCENT = 5
CLAIM_DURATION = timedelta(minutes=15)  # after this a report that was claimed is given to another user
MAX_COUNTED = 500
IGNORED_FLAGS = frozenset({"rehearsal"})  # flags that need no check


def is_sampled(uuid: object) -> bool:
    """Whether the report of this id is in the random sample."""
    return int(crypto.compute_lookup("check", str(uuid))[:8], 16) % 100 < RANDOM_SHARE_PERCENT


def get_check_reason(*, uuid: object, flags: Iterable[str], is_critical: bool) -> int | None:
    """Why a report must be checked; None where it need not be."""
    if is_critical:
        return Check.Why.CRITICAL
    if set(flags) - IGNORED_FLAGS:
        return Check.Why.FLAGGED
    return Check.Why.RANDOM if is_sampled(uuid) else None


def build_checks(*, reports: Sequence[tuple[Report, int, Collection[str]]]) -> list[Check]:
    """The unsaved queue rows for reports that are about to be stored.

    `reports`: each with the key of its election and the codes of the violations it raises.
    """
    raised = {(election, code) for _report, election, codes in reports for code in codes}
    critical: set[tuple[int, str]] = set()
    if raised:
        critical_types = ViolationType.objects.filter(severity=ViolationType.Severity.CRITICAL).order_by()
        critical_types = critical_types.filter(
            election__in={election for election, _code in raised}, code__in={code for _e, code in raised}
        )
        critical = set(critical_types.values_list("election_id", "code"))
    rows = []
    for report, election, codes in reports:
        is_critical = any((election, code) in critical for code in codes)
        reason = get_check_reason(uuid=report.uuid, flags=report.flags, is_critical=is_critical)
        if reason is not None:
            rows.append(Check(report=report, election_id=election, why=reason))
    return rows


def queue_flagged_report(*, report: Report, election: int) -> None:
    """Queues a report that was flagged after it had been stored.

    One that is in the queue already stays there once; a random one becomes a flagged one.
    """
    Check.objects.get_or_create(report=report, defaults={"election_id": election, "why": Check.Why.FLAGGED})
    Check.objects.filter(report=report, why=Check.Why.RANDOM).update(why=Check.Why.FLAGGED)


def filter_pending_checks(rows: "QuerySet[Check]") -> "QuerySet[Check]":
    """Those of these checks that still wait.

    The worst first, then the oldest.
    """
    counted = {"report__rehearsal": False, "report__quarantined": False, "report__superseded": False}
    return rows.filter(done_at__isnull=True, **counted).order_by("why", "report_id")


def count_pending_checks(rows: "QuerySet[Check]") -> dict[int, int]:
    """How many checks wait, by reason.

    Each number is at most MAX_COUNTED, which keeps the page fast.
    """
    waiting = filter_pending_checks(rows)
    return {why: waiting.filter(why=why)[:MAX_COUNTED].count() for why in Check.Why.values}


def claim_next_check(*, rows: "QuerySet[Check]", election: Election, user: User, now: datetime) -> Check | None:
    """Claims the next report for this user.

    It is among `rows`; None where none waits. It is the one that the user has claimed already, else the worst
    that nobody has. Nobody else gets it until it is decided, given back, or CLAIM_DURATION has passed.
    """
    waiting = filter_pending_checks(rows.filter(election=election))
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk)  # a double click claims one report
        claimed = waiting.filter(user=user, until__gt=now).first()
        if claimed is not None:
            return claimed
        unclaimed = waiting.filter(Q(until__isnull=True) | Q(until__lte=now))
        can_skip_locked = connection.features.has_select_for_update_skip_locked
        check = unclaimed.select_for_update(of=("self",), no_key=True, skip_locked=can_skip_locked).first()
        if check is None:
            return None
        check.user, check.until = user, now + CLAIM_DURATION
        check.save(update_fields=["user", "until"])
        return check


def release_claim(*, check: Check, user: User) -> None:
    """Gives back a report that this user has claimed.

    Another user's claim stays.
    """
    Check.objects.filter(pk=check.pk, user=user).update(user=None, until=None)


def update_checks(*, reports: Iterable[Report], now: datetime) -> None:
    """Closes checks of decided reports and reopens undecided ones.

    Reopened are those whose decision was undone. Called by `decisions` in its own transaction.
    """
    decided_states = (Report.State.VERIFIED, Report.State.REJECTED)
    rows = list(reports)
    decided_keys = [row.pk for row in rows if row.state in decided_states]
    reopened = [row.pk for row in rows if row.state not in decided_states]
    for start in range(0, len(rows), 500):
        Check.objects.filter(report__in=decided_keys[start : start + 500], done_at__isnull=True).update(
            done_at=now, user=None, until=None
        )
        Check.objects.filter(report__in=reopened[start : start + 500], done_at__isnull=False).update(done_at=None)
