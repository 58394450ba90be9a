"""Read-only admin pages of what belongs to a case, and of review checks.

They are changed on the desk's own pages. Texts that may name people are encrypted and shown only on the case's page.
"""

from django.contrib import admin

from observer.admin.base import ReadOnlyAdmin
from reports.models import CaseComment, CaseConsent, CaseExport, CaseFile, Check, Complaint


class CasePartAdmin(ReadOnlyAdmin):
    """Base for everything that belongs to one case."""

    list_filter = ("case__commission__election",)
    search_fields = ("=case__commission__code",)


@admin.register(CaseComment)
class CaseCommentAdmin(CasePartAdmin):
    list_display = ("at", "case", "user")
    list_select_related = ("case__commission", "user")
    fields = ("case", "user", "at")


@admin.register(CaseConsent)
class CaseConsentAdmin(CasePartAdmin):
    list_display = ("at", "case", "observer", "given")
    list_select_related = ("case__commission", "observer")
    fields = ("case", "observer", "given", "user", "at")


@admin.register(Complaint)
class ComplaintAdmin(CasePartAdmin):
    list_select_related = ("case__commission",)
    list_display = ("__str__", "case", "term", "due_at", "filed_at", "answer_due_at", "answered_at", "outcome")
    fields = (
        "case",
        "appeals",
        "term",
        "forum",
        "starts_at",
        "due_at",
        "filed_at",
        "answer_term",
        "answer_due_at",
        "answered_at",
        "outcome",
        "created_by",
        "created_at",
    )


@admin.register(CaseFile)
class CaseFileAdmin(CasePartAdmin):
    list_select_related = ("case__commission",)
    list_display = ("at", "case", "kind", "size", "sha256")
    fields = ("case", "complaint", "kind", "sha256", "size", "user", "at")


@admin.register(CaseExport)
class CaseExportAdmin(CasePartAdmin):
    list_display = ("asked_at", "case", "user", "done_at", "failed", "size")
    list_select_related = ("case__commission", "user")
    fields = ("case", "user", "asked_at", "claimed_at", "attempts", "done_at", "failed", "sha256", "size")


@admin.register(Check)
class CheckAdmin(ReadOnlyAdmin):
    list_display = ("report", "why", "user", "until", "done_at")
    list_select_related = ("report", "user")
    list_filter = ("why", "election")
    search_fields = ("=report__uuid",)
    fields = ("report", "election", "why", "user", "until", "done_at")
