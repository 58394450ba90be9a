from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from observer.admin.base import is_superuser
from observer.admin.sanitized import SanitizedAdmin
from observer.models import User

if TYPE_CHECKING:
    BaseUserAdmin: TypeAlias = DjangoUserAdmin[User]
else:
    BaseUserAdmin = DjangoUserAdmin


# Permissions come from grants only, not from groups or Django's own permissions.
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(SanitizedAdmin, BaseUserAdmin):
    """Users of the desk, managed by superusers only.

    What a user may do is defined by grants.
    """

    list_display = ("username", "email", "language", "is_staff", "is_superuser", "is_active", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email", "language")}),
        (None, {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )
    add_fieldsets = (*DjangoUserAdmin.add_fieldsets, (None, {"fields": ("language", "is_staff")}))
    show_full_result_count = False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        rows = super().get_queryset(request)
        return rows if is_superuser(request) else rows.none()  # otherwise the history page would tell which users exist

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)
