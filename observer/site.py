"""The admin's site: Django's lists and forms within the desk's frame, behind the desk's door."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from observer.desk import login
from observer.desk.askable import askable, query_askable
from observer.desk.frame import frame
from observer.services.sign_ins import sign_ins_end


class DeskSite(admin.AdminSite):
    enable_nav_sidebar = False  # the desk has its own, by role

    def has_permission(self, request: HttpRequest) -> bool:
        """Of the staff, signed in as strongly as the settings ask, and not signed out from elsewhere."""
        return super().has_permission(request) and login.stands(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        return context | frame(request)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [
            path("login/code/", login.code, name="sign_in_code"),
            path("login/second-factor/", login.second_factor, name="second_factor"),
            *super().get_urls(),
        ]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return login.sign_in(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        user: Any = request.user
        if request.method == "POST" and request.session.get("sign_in"):
            sign_ins_end(user=user, by=user, at=timezone.now(), only=request.session["sign_in"])
        return super().logout(request, extra_context)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        guarded: Callable[..., Any] = super().admin_view(view, cacheable)

        @wraps(guarded)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.GET = query_askable(request.GET)  # type: ignore[assignment]
            answer: HttpResponse = guarded(request, *args, **{name: askable(given) for name, given in kwargs.items()})
            return answer

        return asked
