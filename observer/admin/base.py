"""Base classes of all admin pages.

They provide permissions by territory, few queries and no bulk deletion.
The permissions come from `observer/services/accounts/access.py`.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Field, JSONField, Model, QuerySet
from django.forms import Field as FormField
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from observer.admin.sanitized import SanitizedAdmin
from observer.admin.translated_fields import TRANSLATED_FIELDS, TranslatedTextField
from observer.desk.layout import ADMIN_LISTS
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.registry.observers import save_row

if TYPE_CHECKING:
    TabularInline: TypeAlias = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


def is_superuser(request: HttpRequest) -> bool:
    return access.is_superuser(request.user)


class TranslatedFieldsMixin:
    """Edits texts by language with one input for each language."""

    def formfield_for_dbfield(
        self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        if isinstance(db_field, JSONField) and db_field.name in TRANSLATED_FIELDS:
            return db_field.formfield(form_class=TranslatedTextField)
        form_field: FormField | None = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        return form_field


class DeskAdmin(TranslatedFieldsMixin, SanitizedAdmin):
    """Base class for a registered model.

    It shows the rows that the user may see.
    `action_permission` is needed for the model's actions, `edit_permission` for its forms. If it is None, only
    superusers may use them. `deferred_fields` are not loaded for lists.
    """

    action_permission: Permission | None = None
    edit_permission: Permission | None = None
    can_add = can_change = can_delete = True
    deferred_fields: tuple[str, ...] = ()
    show_full_result_count = False
    list_per_page = 50
    max_action_rows = 500
    list_max_show_all = 200

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        rows = access.get_visible_rows(request.user, self.model).defer(*self.deferred_fields)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    # ── permissions ──
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        row_scope = access.get_row_scope(self.model)
        return is_superuser(request) or (
            row_scope is not None and access.has_permission(request.user, row_scope.view_permission)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.can_add and self._may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_change and self._may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_delete and self._may_write(request, obj)

    def _may_write(self, request: HttpRequest, obj: Any = None) -> bool:
        if is_superuser(request):
            return True
        if self.edit_permission is None or not access.has_permission(request.user, self.edit_permission):
            return False
        return obj is None or self._is_editable(request, obj)

    def _is_editable(self, request: HttpRequest, obj: Any) -> bool:
        assert self.edit_permission is not None
        return access.get_permitted_rows(request.user, self.model, self.edit_permission).filter(pk=obj.pk).exists()

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether the user may run the model's actions.

        `filter_actionable` says on which rows.
        """
        return is_superuser(request) or (
            self.action_permission is not None and access.has_permission(request.user, self.action_permission)
        )

    def filter_actionable(self, request: HttpRequest, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        """The rows on which the user may run actions."""
        if is_superuser(request):
            return rows
        if self.action_permission is None:
            return rows.none()
        return rows.filter(
            pk__in=access.get_permitted_rows(request.user, self.model, self.action_permission).values("pk")
        )

    # ── choices in forms ──
    def formfield_for_foreignkey(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(
            db_field, request, **({"queryset": _query_choices(request, db_field)} | kwargs)
        )

    def formfield_for_manytomany(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **({"queryset": _query_choices(request, db_field)} | kwargs)
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Refuses to save a row outside the user's territory.

        Raises PermissionDenied.
        This runs in the transaction that saved the row, so the change is rolled back.
        """
        super().save_related(request, form, formsets, change)
        if not is_superuser(request) and not self._is_editable(request, form.instance):
            raise PermissionDenied

    # ── saving and actions ──
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user: Any = request.user
        save_row(row=obj, changed=form.changed_data, user=user, now=timezone.now())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Removes bulk deletion, in which dependent rows would be overlooked."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def response_action(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponse | None:  # type: ignore[override]
        """Redirects back to an object's own page after an action there."""
        response: HttpResponse | None = super().response_action(request, queryset)
        if isinstance(response, HttpResponseRedirect) and request.POST.get("stay"):
            return HttpResponseRedirect(self.url("change", request.POST["stay"]))
        return response

    def run_for_each(
        self,
        request: HttpRequest,
        rows: "QuerySet[Any]",
        action: Callable[[Any], object],
        refusals: tuple[type[Exception], ...] = (),
    ) -> None:
        """Runs `action` on each row and shows how many were done.

        Rows on which the user may not act are left out.
        Exceptions of the types in `refusals` are shown as messages, and the other rows are still done.
        """
        actionable = list(self.filter_actionable(request, rows)[: self.max_action_rows + 1])
        if len(actionable) > self.max_action_rows:
            self.message_user(request, _("Too many at once: choose fewer."), messages.ERROR)
            return
        done = 0
        for row in actionable:
            try:
                action(row)
                done += 1
            except refusals as refusal:
                reason = getattr(refusal, "detail", "") or str(refusal)
                self.message_user(request, f"{row}: {reason}", messages.ERROR)
        self.message_user(request, ngettext("%d done.", "%d done.", done) % done, messages.SUCCESS)

    def render_action_form(self, request: HttpRequest, rows: "QuerySet[Any]", title: str, form: Form) -> HttpResponse:
        """Renders a form before an action runs.

        It is posted to the same action, with `answered` set.
        """
        context = self.admin_site.each_context(request) | {
            "title": title,
            "opts": self.model._meta,
            "form": form,
            "rows": list(self.filter_actionable(request, rows)[: self.max_action_rows]),
            "action": request.POST.get("action", ""),
            "stay": request.POST.get("stay", ""),
            "media": self.media + form.media,
        }
        return render(request, "admin/desk_ask.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        choices = [choice for choice in self.get_action_choices(request) if choice[0]]
        extra = {"desk_actions": choices, "desk_list": self.url("changelist")} | (extra_context or {})
        return super().change_view(request, object_id, form_url, extra)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Gives the list the title of its navigation link."""
        meta = self.model._meta
        _section, _order, title = ADMIN_LISTS.get(meta.label, ("", 0, str(meta.verbose_name_plural).capitalize()))
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    change_form_template = "admin/desk_change_form.html"

    def url(self, page: str, *args: Any) -> str:
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def _query_choices(request: HttpRequest, field: "Field[Any, Any]") -> "QuerySet[Any]":
    """The rows that a form offers.

    These are the rows that the user may see.
    """
    return access.get_visible_rows(request.user, cast("type[Model]", field.related_model))


class ReadOnlyAdmin(DeskAdmin):
    """Base class for models that are read-only in the admin."""

    can_add = can_change = can_delete = False


class ReadOnlyInline(TranslatedFieldsMixin, TabularInline):
    """Read-only rows on the page of another model."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


def format_link(to: Model | None) -> SafeString | str:
    """A link to the admin page of a row.

    The link has the row's text. Returns "—" for None.
    """
    if to is None:
        return "—"
    meta = to._meta
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[to.pk]), to
    )


def format_json(value: Any) -> SafeString:
    """Indented JSON in a `pre` element."""
    return format_html("<pre>{}</pre>", json.dumps(value, ensure_ascii=False, indent=1, default=str))
