"""The admin's site: Django's lists and forms within the desk's frame, behind the desk's door."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from observer.desk.askable import askable, query_askable
from observer.desk.frame import frame


class DeskSite(admin.AdminSite):
    enable_nav_sidebar = False  # the desk has its own, by role

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        return context | frame(request)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        guarded: Callable[..., Any] = super().admin_view(view, cacheable)

        @wraps(guarded)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.GET = query_askable(request.GET)  # type: ignore[assignment]
            answer: HttpResponse = guarded(request, *args, **{name: askable(given) for name, given in kwargs.items()})
            return answer

        return asked
