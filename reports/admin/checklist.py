from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.admin.base import Desk, NamesMixin, ReadOnlyRows, TabularInline, is_superuser
from reports.models import Checklist, ChecklistVersion, Question, Section
from reports.problems import Rejected
from reports.services.checklists import version_publish


class WhileUnpublished(NamesMixin, TabularInline):
    """Rows of a checklist version: edited until it is published, then only read."""

    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request) and (obj is None or obj.published_at is None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)


class SectionRows(WhileUnpublished):
    model = Section


class QuestionRows(WhileUnpublished):
    model = Question
    raw_id_fields = ("section",)
    readonly_fields = ("section_code",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("section")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (
            "order", "code", "type", "labels", "hints", "choices", "required", "relevant_question", "relevant_answers",
            "minimum", "maximum", "violation_answers", "violation_code", "control", "sms_code", "section_code",
        )  # fmt: skip

    @admin.display(description=_("section"))
    def section_code(self, question: Question) -> str:
        return question.section.code if question.section else "—"


class VersionRows(ReadOnlyRows):
    model = ChecklistVersion
    fields = readonly_fields = ("number", "published_at")


@admin.register(Checklist)
class ChecklistAdmin(Desk):
    can_delete = False
    list_display = ("code", "__str__", "election", "stage", "place", "repeat", "order")
    list_select_related = ("election",)
    list_filter = ("election", "stage")
    search_fields = ("code",)
    autocomplete_fields = ("election",)
    inlines = (VersionRows,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What figures are made of stands from the first published version on."""
        if obj is None:
            return ()
        published = obj.versions.filter(published_at__isnull=False).exists()
        return ("election", "code", *(("stage", "place", "repeat") if published else ()))


@admin.register(ChecklistVersion)
class ChecklistVersionAdmin(Desk):
    """One wording. Published, it is read-only here and sealed in the database."""

    list_display = ("checklist", "number", "published_at")
    list_select_related = ("checklist",)
    list_filter = ("checklist__election", "checklist__code")
    search_fields = ("=checklist__code",)
    autocomplete_fields = ("checklist",)
    fields = ("checklist", "number", "published_at", "content_hash")
    inlines = (SectionRows, QuestionRows)
    actions = ("publish",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("published_at", "content_hash", *(("checklist", "number") if obj else ()))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    @admin.action(description=_("Publish: from now on it never changes"), permissions=["decide"])
    def publish(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        at = timezone.now()
        self.decide(request, rows, lambda one: version_publish(version=one, at=at, user=user), (Rejected,))


class OfAVersion(Desk):
    """A row of a version by itself: for looking up; edited on the version's page."""

    can_add = can_change = can_delete = False
    list_select_related = ("version__checklist",)
    list_filter = ("version__checklist__election", "version__checklist__code")
    search_fields = ("code",)

    @admin.display(description=_("version"))
    def of(self, row: Any) -> str:
        return f"{row.version.checklist.code} v{row.version.number}"


@admin.register(Question)
class QuestionAdmin(OfAVersion):
    list_display = ("code", "of", "order", "type", "__str__", "required", "violation_code")


@admin.register(Section)
class SectionAdmin(OfAVersion):
    list_display = ("code", "of", "order", "__str__")
