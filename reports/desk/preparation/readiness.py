"""Readiness pages: what is still missing before election day.

It is shown as counts for a territory, and as lists of places.
"""

from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, register_page
from observer.models import Commission, Observer
from observer.models.row_scope import Permission
from observer.services.accounts import access
from reports.desk.day.scope import get_scope, load_ancestors
from reports.desk.words import readiness_labels
from reports.desk.words.formats import get_place_name
from reports.services.elections import readiness
from reports.services.elections.readiness import filter_assigned, get_commissions_with_gap

PAGE_SIZE = 100


@register_page("ready/", name="ready", section="ready", order=1)
class ReadinessPage(DeskView):
    """The counts of everything that is missing in a territory; `?at=CODE` names it.

    Items of the whole election are shown to users who may set it up, items of the staff to its administrators, items
    of the platform to superusers.
    """

    permission = Permission.PEOPLE
    title = _("What is not ready")
    template_name = "desk/ready.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        territory = get_territory(self)
        rows = self._build_rows(territory)
        missing = sorted((row for row in rows if row["number"]), key=lambda row: not row["item"].first)
        context = {
            "missing": missing,
            "first": sum(row["item"].first for row in missing),
            "well": len(rows) - len(missing),
        }
        return super().get_context_data(**kwargs) | context | build_territory_context(self, territory)

    def _build_rows(self, territory: Commission | None) -> list[dict[str, Any]]:
        election, user, now = self.election, self.user, timezone.now()
        rows: list[dict[str, Any]] = []

        def add_rows(
            items: Iterable[readiness_labels.ReadinessItem], counts: readiness.Counts, may_fix: bool = True
        ) -> None:
            for item in items:
                if item.code in counts:
                    address = (
                        item.build_link(election, territory.code if territory else "")
                        if item.build_link and may_fix
                        else ""
                    )
                    rows.append({"item": item, "number": counts[item.code], "address": address})

        observer_counts = readiness.count_observer_gaps(election=election, people=load_observers(self, territory))
        # Without observers, the other counts about observers mean nothing.
        observer_counts = {"everybody": 1} if not observer_counts["everybody"] else observer_counts | {"everybody": 0}
        add_rows(readiness_labels.PLACE_ITEMS, readiness.count_commission_gaps(election=election, territory=territory))
        add_rows(readiness_labels.OBSERVER_ITEMS, observer_counts)
        if access.has_election_wide_permission(user, Permission.SETUP, election):
            add_rows(readiness_labels.ELECTION_ITEMS, readiness.count_election_gaps(election=election, now=now))
            add_rows(readiness_labels.CHECKLIST_ITEMS, readiness.count_checklist_gaps(election=election))
        if access.has_election_wide_permission(user, Permission.STAFF, election):
            add_rows(readiness_labels.STAFF_ITEMS, readiness.count_staff_gaps(election=election))
        if access.is_superuser(user):
            add_rows(readiness_labels.PLATFORM_ITEMS, readiness.count_platform_gaps(now=now))
        return rows


@register_page("ready/places/", name="ready_places")
class PlaceGapsPage(DeskView):
    """The places of a territory with one gap. `?lack=`: one of `readiness.COMMISSION_GAPS`. `?at=CODE`: the territory."""

    permission = Permission.PEOPLE
    title = _("What is not ready")
    template_name = "desk/ready_places.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        territory = get_territory(self)
        gap = self.request.GET.get("lack", "")
        gap = gap if gap in readiness.COMMISSION_GAPS else "unobserved"
        places = Commission.objects.none()
        if territory is not None:
            places = get_commissions_with_gap(election=self.election, territory=territory, gap=gap)
        part = Paginator(places, PAGE_SIZE).get_page(self.request.GET.get("page"))
        for place in part.object_list:
            place.election = self.election
        may_fix = access.has_election_wide_permission(self.user, Permission.SETUP, self.election)
        context = {
            "lack": gap,
            "lacks": readiness_labels.PLACE_GAP_LABELS.items(),
            "part": part,
            "places": [(one, get_place_name(one), self._build_link(one, gap, may_fix)) for one in part.object_list],
        }
        return super().get_context_data(**kwargs) | context | build_territory_context(self, territory)

    def _build_link(self, place: Commission, gap: str, may_fix: bool) -> str:
        """The page where the gap is fixed.

        It is the station's page where the reader may not fix it.
        """
        if gap in ("unobserved", "uncoordinated") or not may_fix:
            return self.get_page_url("station", place.pk)
        return reverse("admin:observer_commission_change", args=[place.pk])


def get_territory(view: DeskView) -> Commission | None:
    """The territory in the address. Raises Http404.

    None for superusers while the election has no commissions.
    """
    if access.is_superuser(view.user) and not view.get_visible_rows(Commission).exists():
        return None
    return get_scope(view, view.request.GET.get("at", "")).commission


def load_observers(view: DeskView, territory: Commission | None) -> "QuerySet[Observer]":
    """The observers of a territory whom the reader may see.

    For the whole election also those without an assignment.
    """
    observers = view.get_permitted_rows(Observer, Permission.PEOPLE)
    return filter_assigned(election=view.election, people=observers, territory=territory)


def build_territory_context(view: DeskView, territory: Commission | None) -> dict[str, Any]:
    """The template context for the heading of these pages.

    It has the territory and the commissions above it.
    """
    if territory is None:
        return {"here": None}
    ancestors = load_ancestors(view, territory)
    for place in ancestors:
        place.election = view.election
    return {
        "here": territory,
        "name": get_place_name(territory),
        "way": [(one, get_place_name(one)) for one in ancestors],
    }
