"""The admin site, with the desk's layout and sign-in."""

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
from observer.desk.input_sanitizing import sanitize_query, sanitize_value
from observer.desk.layout import build_layout_context
from observer.services.accounts.sign_ins import end_sign_ins


class DeskSite(admin.AdminSite):
    enable_nav_sidebar = False  # the desk has its own navigation

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        super().register(model_or_iterable, admin_class, **options)
        for model in [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable:
            translate_model_names(model)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user is staff with a valid sign-in.

        If the settings require a second factor, the sign-in must have one.
        """
        return super().has_permission(request) and login.is_sign_in_valid(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The context of every page.

        It leaves out Django's list of all models.
        That list is for Django's own sidebar, and took a third of each page's time.
        """
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "has_permission": self.has_permission(request),
            "available_apps": [],
            "is_nav_sidebar_enabled": False,
            "log_entries": self.get_log_entries(request),
            "is_popup": False,
        } | build_layout_context(request)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [
            path("login/code/", login.enter_code, name="sign_in_code"),
            path("login/second-factor/", login.set_up_second_factor, name="second_factor"),
            *super().get_urls(),
        ]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return login.sign_in(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        user: Any = request.user
        if request.method == "POST" and request.session.get("sign_in"):
            end_sign_ins(user=user, by=user, now=timezone.now(), only=request.session["sign_in"])
        return super().logout(request, extra_context)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        guarded: Callable[..., Any] = super().admin_view(view, cacheable)

        @wraps(guarded)
        def sanitized_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.GET = sanitize_query(request.GET)  # type: ignore[assignment]
            values = {name: sanitize_value(value) for name, value in kwargs.items()}
            response: HttpResponse = guarded(request, *args, **values)
            return response

        return sanitized_view


def translate_model_names(model: type[Model]) -> None:
    """Makes the names of a model and its fields translatable.

    The help texts and choices become translatable too.
    This is done here, because in the model each changed text would need a migration. `scripts/messages.py` collects
    these texts.
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
