from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.admin.base import DeskAdmin, is_superuser
from observer.models import Commission, Contest, Election, Level
from observer.models.row_scope import Permission
from observer.services.registry.observers import set_publication
from observer.services.registry.relay_keys import set_relay_keys

Publication = Election.Publication


@admin.register(Election)
class ElectionAdmin(DeskAdmin):
    """Elections.

    An election added here is empty; the command `create_election` makes one from a country's pack.
    """

    edit_permission = Permission.SETUP
    action_permission = Permission.RELEASE
    can_delete = False
    list_display = ("slug", "__str__", "date", "state", "publication", "opens_at", "closes_at")
    list_filter = ("state", "publication")
    search_fields = ("slug",)
    actions = ("publish_live", "publish_releases", "publish_nothing")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        set_relay_keys(obj)
        super().save_model(request, obj, form, change)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The slug is in URLs and on phones; publication is changed by the actions only.
        return ("slug", "pack", "publication", "relay_key") if obj else ("relay_key",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    @admin.action(description=_("Publish the figures as they come"), permissions=["decide"])
    def publish_live(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._publish(request, rows, Publication.LIVE)

    @admin.action(description=_("Publish releases only"), permissions=["decide"])
    def publish_releases(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._publish(request, rows, Publication.RELEASED)

    @admin.action(description=_("Publish nothing"), permissions=["decide"])
    def publish_nothing(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._publish(request, rows, Publication.CLOSED)

    def _publish(self, request: HttpRequest, rows: "QuerySet[Any]", publication: str) -> None:
        user: Any = request.user
        now = timezone.now()
        self.run_for_each(
            request, rows, lambda one: set_publication(election=one, publication=publication, user=user, now=now)
        )


@admin.register(Level)
class LevelAdmin(DeskAdmin):
    edit_permission = Permission.SETUP
    list_display = ("election", "order", "code", "kind", "__str__")
    list_select_related = ("election",)
    list_filter = ("election", "kind")
    search_fields = ("code",)
    autocomplete_fields = ("election",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The kind decides which commissions count as polling stations.
        if obj is None:
            return ()
        used = Commission.objects.filter(level=obj).exists()
        return ("election", "code", *(("kind",) if used else ()))


@admin.register(Contest)
class ContestAdmin(DeskAdmin):
    edit_permission = Permission.SETUP
    can_delete = False
    list_display = ("election", "code", "__str__", "round")
    list_select_related = ("election",)
    list_filter = ("election",)
    search_fields = ("code",)
    autocomplete_fields = ("election", "scope")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("election", "code") if obj else ()
