"""The queue of reports that somebody must look at: worst first, each before one pair of eyes at a time.

In it come reports of critical violations, flagged ones, and of the rest a share that chance draws. The draw
is a keyed hash of the report's id: whoever chooses the id cannot know it, and it never changes.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from observer import crypto
from observer.models import Election, User
from reports.models import Check, Report, ViolationType

SHARE = 5  # percent
CLAIM = timedelta(minutes=15)  # then whoever took it has gone for coffee
COUNTED = 500
QUIET = frozenset({"rehearsal"})  # flags that nobody needs to look at


def is_drawn(uuid: object) -> bool:
    """Whether chance picks the report of this id."""
    return int(crypto.lookup("check", str(uuid))[:8], 16) % 100 < SHARE


def why_checked(*, uuid: object, flags: Iterable[str], critical: bool) -> int | None:
    """Why a report must be looked at; None where it need not be."""
    if critical:
        return Check.Why.CRITICAL
    if set(flags) - QUIET:
        return Check.Why.FLAGGED
    return Check.Why.RANDOM if is_drawn(uuid) else None


def check_rows(*, reports: Sequence[tuple[Report, int, Collection[str]]]) -> list[Check]:
    """What of reports about to be stored belongs in the queue: each with its election and the codes it raises."""
    raised = {(election, code) for _report, election, codes in reports for code in codes}
    critical: set[tuple[int, str]] = set()
    if raised:
        kinds = ViolationType.objects.filter(severity=ViolationType.Severity.CRITICAL).order_by()
        kinds = kinds.filter(
            election__in={election for election, _code in raised}, code__in={code for _e, code in raised}
        )
        critical = set(kinds.values_list("election_id", "code"))
    rows = []
    for report, election, codes in reports:
        grave = any((election, code) in critical for code in codes)
        why = why_checked(uuid=report.uuid, flags=report.flags, critical=grave)
        if why is not None:
            rows.append(Check(report=report, election_id=election, why=why))
    return rows


def check_flagged(*, report: Report, election: int) -> None:
    """Something was found out about a report after it had come in: it waits to be looked at, unless it did."""
    Check.objects.get_or_create(report=report, defaults={"election_id": election, "why": Check.Why.FLAGGED})
    Check.objects.filter(report=report, why=Check.Why.RANDOM).update(why=Check.Why.FLAGGED)


def checks_waiting(rows: "QuerySet[Check]") -> "QuerySet[Check]":
    """Of these, those that still wait, worst first and then the oldest."""
    standing = {"report__rehearsal": False, "report__quarantined": False, "report__superseded": False}
    return rows.filter(done_at__isnull=True, **standing).order_by("why", "report_id")


def checks_count(rows: "QuerySet[Check]") -> dict[int, int]:
    """How many wait, by why; COUNTED at most, for beyond that nobody needs the number and everybody the page."""
    waiting = checks_waiting(rows)
    return {why: waiting.filter(why=why)[:COUNTED].count() for why in Check.Why.values}


def check_claim(*, rows: "QuerySet[Check]", election: Election, user: User, now: datetime) -> Check | None:
    """The next report for this user, among `rows`: the one they have already, else the worst that nobody has.

    Nobody else gets it until it is decided, given back, or fifteen minutes have passed.
    """
    waiting = checks_waiting(rows.filter(election=election))
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk)  # a double click gets one, not two
        mine = waiting.filter(user=user, until__gt=now).first()
        if mine is not None:
            return mine
        free = waiting.filter(Q(until__isnull=True) | Q(until__lte=now))
        skip = connection.features.has_select_for_update_skip_locked
        check = free.select_for_update(of=("self",), no_key=True, skip_locked=skip).first()
        if check is None:
            return None
        check.user, check.until = user, now + CLAIM
        check.save(update_fields=["user", "until"])
        return check


def check_release(*, check: Check, user: User) -> None:
    """Gives back what one had taken; another's stays theirs."""
    Check.objects.filter(pk=check.pk, user=user).update(user=None, until=None)


def checks_settle(*, reports: Iterable[Report], now: datetime) -> None:
    """Who was decided waits no longer; who was undone waits again. For `decisions`, in its transaction."""
    decided = (Report.State.VERIFIED, Report.State.REJECTED)
    rows = list(reports)
    done = [row.pk for row in rows if row.state in decided]
    again = [row.pk for row in rows if row.state not in decided]
    for start in range(0, len(rows), 500):
        Check.objects.filter(report__in=done[start : start + 500], done_at__isnull=True).update(
            done_at=now, user=None, until=None
        )
        Check.objects.filter(report__in=again[start : start + 500], done_at__isnull=False).update(done_at=None)
