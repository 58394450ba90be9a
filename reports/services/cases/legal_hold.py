"""What a legal hold keeps: whoever purges asks here first."""

from django.db.models import Exists, OuterRef, QuerySet

from observer.models import Election, Observer
from reports.models import Case, CaseConsent, Evidence, Report, Violation
from reports.services.schedule.comparison import earlier_too


def reports_held(election: Election) -> "QuerySet[Report]":
    """Reports of cases that are held, and the earlier ones that they correct."""
    of_held = Violation.objects.filter(report=OuterRef("pk"), case__legal_hold=True)
    told = Report.objects.filter(Exists(of_held), commission__election=election)
    return Report.objects.filter(pk__in=earlier_too(told))


def evidence_held(election: Election) -> "QuerySet[Evidence]":
    """Their files."""
    return Evidence.objects.filter(report__in=reports_held(election))


def observers_held(election: Election) -> "QuerySet[Observer]":
    """The people who wrote those reports, or who were asked whether they may be named."""
    held = Case.objects.filter(legal_hold=True, commission__election=election)
    asked = CaseConsent.objects.filter(observer=OuterRef("pk"), case__in=held)
    wrote = Report.objects.filter(observer=OuterRef("pk"), pk__in=reports_held(election))
    return Observer.objects.filter(Exists(asked) | Exists(wrote))
