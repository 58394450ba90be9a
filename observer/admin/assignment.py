from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from observer.admin.base import DeskAdmin
from observer.models import Assignment
from observer.models.row_scope import Permission


@admin.register(Assignment)
class AssignmentAdmin(DeskAdmin):
    edit_permission = Permission.REGISTER
    list_display = ("commission", "team", "role", "starts_at", "ends_at")
    list_select_related = ("commission", "election")
    list_filter = ("election", "role")
    search_fields = ("=commission__code", "=observers__code")
    autocomplete_fields = ("election", "commission", "observers")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Assignment]":
        return super().get_queryset(request).prefetch_related("observers")

    @admin.display(description="observers")
    def team(self, assignment: Assignment) -> str:
        return ", ".join(observer.code for observer in assignment.observers.all())
