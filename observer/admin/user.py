from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from observer.admin.base import is_superuser
from observer.models import User

if TYPE_CHECKING:
    BaseUserAdmin: TypeAlias = DjangoUserAdmin[User]
else:
    BaseUserAdmin = DjangoUserAdmin


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    """Who signs in. Only superusers make others; what a user may do in which territory is a grant."""

    list_display = ("username", "email", "language", "is_staff", "is_superuser", "is_active", "last_login")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (_("Language"), {"fields": ("language",)}))
    add_fieldsets = (*DjangoUserAdmin.add_fieldsets, (None, {"fields": ("language", "is_staff")}))
    show_full_result_count = False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)
