"""Reports, files and people that cases under legal hold protect from being purged.

Every purge must ask here first.
"""

from django.db.models import Exists, OuterRef, QuerySet

from observer.models import Election, Observer
from reports.models import Case, CaseConsent, Evidence, Report, Violation
from reports.services.schedule.comparison import collect_corrected_keys


def get_held_reports(election: Election) -> "QuerySet[Report]":
    """Returns the reports of cases under legal hold, and the earlier reports that they correct."""
    held_violations = Violation.objects.filter(report=OuterRef("pk"), case__legal_hold=True)
    held = Report.objects.filter(Exists(held_violations), commission__election=election)
    return Report.objects.filter(pk__in=collect_corrected_keys(held))


def get_held_evidence(election: Election) -> "QuerySet[Evidence]":
    """Returns the files of the reports that are held."""
    return Evidence.objects.filter(report__in=get_held_reports(election))


def get_held_observers(election: Election) -> "QuerySet[Observer]":
    """Returns the observers who wrote held reports, or were asked whether they may be named."""
    held_cases = Case.objects.filter(legal_hold=True, commission__election=election)
    asked = CaseConsent.objects.filter(observer=OuterRef("pk"), case__in=held_cases)
    wrote = Report.objects.filter(observer=OuterRef("pk"), pk__in=get_held_reports(election))
    return Observer.objects.filter(Exists(asked) | Exists(wrote))
