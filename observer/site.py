"""The admin's site: Django's lists and forms within the desk's frame, behind the desk's door."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.desk import login
from observer.desk.askable import askable, query_askable
from observer.desk.frame import frame
from observer.services.accounts.sign_ins import sign_ins_end


class DeskSite(admin.AdminSite):
    enable_nav_sidebar = False  # the desk has its own, by role

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        super().register(model_or_iterable, admin_class, **options)
        for model in [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable:
            words_translate(model)

    def has_permission(self, request: HttpRequest) -> bool:
        """Of the staff, signed in as strongly as the settings ask, and not signed out from elsewhere."""
        return super().has_permission(request) and login.stands(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Without Django's list of every noun, which is for its own sidebar and took a third of each page's time."""
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "has_permission": self.has_permission(request),
            "available_apps": [],
            "is_nav_sidebar_enabled": False,
            "log_entries": self.get_log_entries(request),
            "is_popup": False,
        } | frame(request)

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
            sign_ins_end(user=user, by=user, now=timezone.now(), only=request.session["sign_in"])
        return super().logout(request, extra_context)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        guarded: Callable[..., Any] = super().admin_view(view, cacheable)

        @wraps(guarded)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.GET = query_askable(request.GET)  # type: ignore[assignment]
            answer: HttpResponse = guarded(request, *args, **{name: askable(given) for name, given in kwargs.items()})
            return answer

        return asked


def words_translate(model: type[Model]) -> None:
    """From now on a noun, its fields, what is said of them and its choices are in the reader's words.

    Here and not in the model, where each word would be a migration. `scripts/messages.py` gathers these words.
    """
    meta: Any = model._meta
    meta.verbose_name, meta.verbose_name_plural = _(meta.verbose_name), _(meta.verbose_name_plural)
    for field in (*meta.local_fields, *meta.local_many_to_many):
        if isinstance(field.verbose_name, str) and field.verbose_name != "ID":
            field.verbose_name = _(field.verbose_name)
        if field.help_text and isinstance(field.help_text, str):
            field.help_text = _(field.help_text)
        if field.choices:
            field.choices = [(value, _(label) if isinstance(label, str) else label) for value, label in field.choices]
