from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.admin.base import ReadOnlyAdmin, is_superuser
from observer.models import RecoveryCode, SecondFactor, SignIn, WrongGuess
from observer.services.accounts.sign_ins import end_sign_ins
from observer.services.accounts.two_factor import reset_second_factor


class SignInDataAdmin(ReadOnlyAdmin):
    """Base class for sign-in data, whose actions are for superusers only.

    Other users have their own account page and the staff page.
    """

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)


@admin.register(SignIn)
class SignInAdmin(SignInDataAdmin):
    list_display = ("at", "user", "address", "by_second_factor", "seen_at", "ended_at")
    list_select_related = ("user",)
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "by_second_factor")
    search_fields = ("=user__username", "=address")
    actions = ("end",)

    @admin.action(description=_("Sign out there"), permissions=["decide"])
    def end(self, request: HttpRequest, rows: "QuerySet[SignIn]") -> None:
        by: Any = request.user
        now = timezone.now()
        with_users = rows.select_related("user")
        self.run_for_each(request, with_users, lambda one: end_sign_ins(user=one.user, by=by, now=now, only=one.pk))


@admin.register(SecondFactor)
class SecondFactorAdmin(SignInDataAdmin):
    list_display = ("user", "since")
    list_select_related = ("user",)
    search_fields = ("=user__username",)
    fields = ("user", "since")
    actions = ("reset",)

    @admin.action(description=_("Reset: it is set up anew at the next sign-in"), permissions=["decide"])
    def reset(self, request: HttpRequest, rows: "QuerySet[SecondFactor]") -> None:
        by: Any = request.user
        now = timezone.now()
        with_users = rows.select_related("user")
        self.run_for_each(request, with_users, lambda one: reset_second_factor(user=one.user, by=by, now=now))


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(SignInDataAdmin):
    """Shows that a code was made and used.

    The code itself was shown once and is not stored.
    """

    list_display = ("user", "used_at")
    list_select_related = ("user",)
    search_fields = ("=user__username",)
    fields = ("user", "used_at")


@admin.register(WrongGuess)
class WrongGuessAdmin(SignInDataAdmin):
    list_display = ("at", "key")
    search_fields = ("key",)
