"""What every admin page of this project shares: permission by territory, few queries, no bulk deletion.

Who may what, `services/access.py` answers; here it is asked.
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

from observer.admin.asked import Asked
from observer.admin.names import NAMES, NamesField
from observer.desk.frame import LISTS
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.registry.observers import row_save

if TYPE_CHECKING:
    TabularInline: TypeAlias = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


def is_superuser(request: HttpRequest) -> bool:
    return access.is_superuser(request.user)


class NamesMixin:
    """Texts by language are edited one input a language."""

    def formfield_for_dbfield(
        self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        if isinstance(db_field, JSONField) and db_field.name in NAMES:
            return db_field.formfield(form_class=NamesField)
        found: FormField | None = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        return found


class Desk(NamesMixin, Asked):
    """A registered noun. Its rows are those that the reader may look at (`services/access.py`).

    `deciding`: the verb that its actions need; `writing`: the verb that its forms need. Without one, superusers only.
    """

    deciding: Verb | None = None
    writing: Verb | None = None
    can_add = can_change = can_delete = True
    deferred: tuple[str, ...] = ()
    show_full_result_count = False
    list_per_page = 50
    rows_at_once = 500
    list_max_show_all = 200

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        rows = access.visible(request.user, self.model).defer(*self.deferred)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    # ── who may ──
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        reach = access.reach_of(self.model)
        return is_superuser(request) or (reach is not None and access.may(request.user, reach.look))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.can_add and self._may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_change and self._may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_delete and self._may_write(request, obj)

    def _may_write(self, request: HttpRequest, obj: Any = None) -> bool:
        if is_superuser(request):
            return True
        if self.writing is None or not access.may(request.user, self.writing):
            return False
        return obj is None or self._reaches(request, obj)

    def _reaches(self, request: HttpRequest, obj: Any) -> bool:
        assert self.writing is not None
        return access.reachable(request.user, self.model, self.writing).filter(pk=obj.pk).exists()

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """May the reader run this noun's actions? Which rows it may touch, `decidable` says."""
        return is_superuser(request) or (self.deciding is not None and access.may(request.user, self.deciding))

    def decidable(self, request: HttpRequest, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        if is_superuser(request):
            return rows
        if self.deciding is None:
            return rows.none()
        return rows.filter(pk__in=access.reachable(request.user, self.model, self.deciding).values("pk"))

    # ── what may be chosen in a form ──
    def formfield_for_foreignkey(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **({"queryset": _known(request, db_field)} | kwargs))

    def formfield_for_manytomany(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(db_field, request, **({"queryset": _known(request, db_field)} | kwargs))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Stored within one transaction with this: what does not lie where the writer may write is undone."""
        super().save_related(request, form, formsets, change)
        if not is_superuser(request) and not self._reaches(request, form.instance):
            raise PermissionDenied

    # ── what is done ──
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user: Any = request.user
        row_save(row=obj, changed=form.changed_data, user=user, now=timezone.now())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Rows are never deleted by the handful: what depends on them goes unseen in a long list."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def response_action(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponse | None:  # type: ignore[override]
        """An action started on an object's own page leads back to it."""
        response: HttpResponse | None = super().response_action(request, queryset)
        if isinstance(response, HttpResponseRedirect) and request.POST.get("stay"):
            return HttpResponseRedirect(self.url("change", request.POST["stay"]))
        return response

    def decide(
        self,
        request: HttpRequest,
        rows: "QuerySet[Any]",
        verb: Callable[[Any], object],
        refusals: tuple[type[Exception], ...] = (),
    ) -> None:
        """Runs `verb` on each row that the reader may decide; tells what was done and what was refused, and why."""
        mine = list(self.decidable(request, rows)[: self.rows_at_once + 1])
        if len(mine) > self.rows_at_once:
            self.message_user(request, _("Too many at once: choose fewer."), messages.ERROR)
            return
        done = 0
        for row in mine:
            try:
                verb(row)
                done += 1
            except refusals as refusal:
                words = getattr(refusal, "detail", "") or str(refusal)
                self.message_user(request, f"{row}: {words}", messages.ERROR)
        self.message_user(request, ngettext("%d done.", "%d done.", done) % done, messages.SUCCESS)

    def ask(self, request: HttpRequest, rows: "QuerySet[Any]", title: str, form: Form) -> HttpResponse:
        """A page between an action and its doing; posted back with `answered` set, to the same action."""
        context = self.admin_site.each_context(request) | {
            "title": title,
            "opts": self.model._meta,
            "form": form,
            "rows": list(self.decidable(request, rows)[: self.rows_at_once]),
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
        """Headed by the word that leads here."""
        meta = self.model._meta
        _section, _order, word = LISTS.get(meta.label, ("", 0, str(meta.verbose_name_plural).capitalize()))
        return super().changelist_view(request, {"title": word} | (extra_context or {}))

    change_form_template = "admin/desk_change_form.html"

    def url(self, page: str, *args: Any) -> str:
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def _known(request: HttpRequest, field: "Field[Any, Any]") -> "QuerySet[Any]":
    """What a form offers: the rows that its reader may know of."""
    return access.visible(request.user, cast("type[Model]", field.related_model))


class ReadOnly(Desk):
    """What was received, derived or written by the platform itself: looked at, never edited here."""

    can_add = can_change = can_delete = False


class ReadOnlyRows(NamesMixin, TabularInline):
    """Rows shown within another noun's page."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


def link(to: Model | None) -> SafeString | str:
    """A link to a row's own page, worded by the row."""
    if to is None:
        return "—"
    meta = to._meta
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[to.pk]), to
    )


def pretty(value: Any) -> SafeString:
    """JSON as a person reads it."""
    return format_html("<pre>{}</pre>", json.dumps(value, ensure_ascii=False, indent=1, default=str))
