from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.admin.base import ReadOnly, is_superuser
from observer.models import RecoveryCode, SecondFactor, SignIn, WrongGuess
from observer.services.accounts.sign_ins import sign_ins_end
from observer.services.accounts.two_factor import second_factor_reset


class OfAUser(ReadOnly):
    """How people sign in; superusers see it all, others their own account's page and their staff's."""

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)


@admin.register(SignIn)
class SignInAdmin(OfAUser):
    list_display = ("at", "user", "address", "by_second_factor", "seen_at", "ended_at")
    list_select_related = ("user",)
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "by_second_factor")
    search_fields = ("=user__username", "=address")
    actions = ("end",)

    @admin.action(description=_("Sign out there"), permissions=["decide"])
    def end(self, request: HttpRequest, rows: "QuerySet[SignIn]") -> None:
        by: Any = request.user
        now = timezone.now()
        chosen = rows.select_related("user")
        self.decide(request, chosen, lambda one: sign_ins_end(user=one.user, by=by, now=now, only=one.pk))


@admin.register(SecondFactor)
class SecondFactorAdmin(OfAUser):
    list_display = ("user", "since")
    list_select_related = ("user",)
    search_fields = ("=user__username",)
    fields = ("user", "since")
    actions = ("reset",)

    @admin.action(description=_("Reset: it is set up anew at the next sign-in"), permissions=["decide"])
    def reset(self, request: HttpRequest, rows: "QuerySet[SecondFactor]") -> None:
        by: Any = request.user
        now = timezone.now()
        chosen = rows.select_related("user")
        self.decide(request, chosen, lambda one: second_factor_reset(user=one.user, by=by, now=now))


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(OfAUser):
    """That a code was made and used; the code itself was shown once and is kept nowhere."""

    list_display = ("user", "used_at")
    list_select_related = ("user",)
    search_fields = ("=user__username",)
    fields = ("user", "used_at")


@admin.register(WrongGuess)
class WrongGuessAdmin(OfAUser):
    list_display = ("at", "key")
    search_fields = ("key",)
