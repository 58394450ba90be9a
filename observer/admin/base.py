"""What every admin page of this project shares: permission by territory, few queries, no bulk deletion.

A superuser sees and does everything. Anyone else on the staff sees what lies in the territory of
their grants, and may take the decisions their role allows there; forms are the superuser's.
"""

import json
from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib import admin, messages
from django.db.models import Field, JSONField, Model, Q, QuerySet
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
from observer.models import Grant
from observer.services.desk import row_save

if TYPE_CHECKING:
    TabularInline: TypeAlias = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline

Role = Grant.Role
EVERYONE = frozenset(Role)
PEOPLE = frozenset({Role.ADMINISTRATOR, Role.COORDINATOR})
VERIFIERS = frozenset({Role.ADMINISTRATOR, Role.COORDINATOR, Role.VERIFIER})
PUBLISHERS = frozenset({Role.ADMINISTRATOR, Role.COORDINATOR, Role.PUBLISHER})


def grants_of(request: HttpRequest, roles: Iterable[str]) -> list[Grant]:
    """The reader's grants in any of `roles`; read from the database once a request."""
    known: list[Grant] | None = getattr(request, "_grants", None)
    if known is None:
        active = bool(request.user.is_active and request.user.is_staff)
        known = list(Grant.objects.filter(user=request.user.pk).select_related("commission")) if active else []
        request._grants = known  # type: ignore[attr-defined]
    return [grant for grant in known if grant.role in roles]


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


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
    """A registered noun.

    `territory`: the look-up from a row to its commission, "" for the commission itself, None where
    only superusers look. `organisation`: likewise to an organisation, for grants limited to one.
    `readers`, `deciders`: roles that may look, and that may run the actions.
    """

    territory: str | None = None
    organisation: str | None = None
    readers: frozenset[Role] = EVERYONE
    deciders: frozenset[Role] = frozenset()
    can_add = can_change = can_delete = True
    deferred: tuple[str, ...] = ()
    show_full_result_count = False
    list_per_page = 50
    rows_at_once = 500
    list_max_show_all = 200

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        rows = super().get_queryset(request).defer(*self.deferred)
        return rows if is_superuser(request) else self.within(rows, request, self.readers)

    def within(self, rows: "QuerySet[Any]", request: HttpRequest, roles: Iterable[str]) -> "QuerySet[Any]":
        """The rows of the territories that the reader's grants in `roles` open."""
        conditions = [self._opened(grant) for grant in grants_of(request, roles)] if self.territory is not None else []
        if not conditions:
            return rows.none()
        return rows.filter(pk__in=self.model._default_manager.filter(reduce(or_, conditions)).values("pk"))

    def _opened(self, grant: Grant) -> Q:
        start = f"{self.territory}__" if self.territory else ""
        place = Q(
            (f"{start}election", grant.commission.election_id), (f"{start}path__startswith", grant.commission.path)
        )
        if grant.organisation_id is None:
            return place
        return place & Q((self.organisation, grant.organisation_id)) if self.organisation else Q(pk__in=())

    # ── who may ──
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request) or (self.territory is not None and bool(grants_of(request, self.readers)))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.can_add and is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_change and is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_delete and is_superuser(request)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """May the reader run this noun's actions? Which rows it may touch, `decidable` says."""
        return is_superuser(request) or bool(grants_of(request, self.deciders))

    def decidable(self, request: HttpRequest, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        return rows if is_superuser(request) else self.within(rows, request, self.deciders)

    # ── what is done ──
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user: Any = request.user
        row_save(row=obj, changed=form.changed_data, user=user, at=timezone.now())

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

    change_form_template = "admin/desk_change_form.html"

    def url(self, page: str, *args: Any) -> str:
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


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
