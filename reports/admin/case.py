"""What was said and filed in a case, and who looks at what: to be looked at here, done on the desk's own pages.

Words that may name people are encrypted and shown on the case's page alone.
"""

from django.contrib import admin

from observer.admin.base import ReadOnly
from reports.models import CaseComment, CaseConsent, CaseExport, CaseFile, Check, Complaint


class OfACase(ReadOnly):
    list_filter = ("case__commission__election",)
    search_fields = ("=case__commission__code",)


@admin.register(CaseComment)
class CaseCommentAdmin(OfACase):
    list_display = ("at", "case", "user")
    list_select_related = ("case__commission", "user")
    fields = ("case", "user", "at")


@admin.register(CaseConsent)
class CaseConsentAdmin(OfACase):
    list_display = ("at", "case", "observer", "given")
    list_select_related = ("case__commission", "observer")
    fields = ("case", "observer", "given", "user", "at")


@admin.register(Complaint)
class ComplaintAdmin(OfACase):
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
class CaseFileAdmin(OfACase):
    list_select_related = ("case__commission",)
    list_display = ("at", "case", "kind", "size", "sha256")
    fields = ("case", "complaint", "kind", "sha256", "size", "user", "at")


@admin.register(CaseExport)
class CaseExportAdmin(OfACase):
    list_display = ("asked_at", "case", "user", "done_at", "failed", "size")
    list_select_related = ("case__commission", "user")
    fields = ("case", "user", "asked_at", "claimed_at", "attempts", "done_at", "failed", "sha256", "size")


@admin.register(Check)
class CheckAdmin(ReadOnly):
    list_display = ("report", "why", "user", "until", "done_at")
    list_select_related = ("report", "user")
    list_filter = ("why", "election")
    search_fields = ("=report__uuid",)
    fields = ("report", "election", "why", "user", "until", "done_at")
