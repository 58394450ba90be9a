"""What is not ready: one page of counts for a territory, and the list behind each."""

from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, page
from observer.models import Commission, Observer
from observer.models.reach import Verb
from observer.services.accounts import access
from reports.desk.day.scope import scope_of, way_to
from reports.desk.words import readiness_labels as lines
from reports.desk.words.formats import name_of
from reports.services.elections import readiness
from reports.services.elections.readiness import people_sent, places_lacking

ON_A_PAGE = 100


@page("ready/", name="ready", section="ready", order=1)
class Ready(DeskView):
    """`?at=CODE` the territory. What belongs to the whole election is told to whoever sets it up."""

    verb = Verb.PEOPLE
    title = _("What is not ready")
    template_name = "desk/ready.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        here = here_of(self)
        rows = self._rows(here)
        missing = sorted((row for row in rows if row["number"]), key=lambda row: not row["item"].first)
        context = {
            "missing": missing,
            "first": sum(row["item"].first for row in missing),
            "well": len(rows) - len(missing),
        }
        return super().get_context_data(**kwargs) | context | around(self, here)

    def _rows(self, here: Commission | None) -> list[dict[str, Any]]:
        election, user, now = self.election, self.user, timezone.now()
        rows: list[dict[str, Any]] = []

        def tell(items: Iterable[lines.Item], counts: readiness.Counts, mended: bool = True) -> None:
            for item in items:
                if item.code in counts:
                    address = item.mend(election, here.code if here else "") if item.mend and mended else ""
                    rows.append({"item": item, "number": counts[item.code], "address": address})

        people = readiness.people_lacks(election=election, people=people_at(self, here))
        # Where nobody is, nothing else can be said of them.
        people = {"everybody": 1} if not people["everybody"] else people | {"everybody": 0}
        tell(lines.OF_PLACES, readiness.place_lacks(election=election, territory=here))
        tell(lines.OF_PEOPLE, people)
        if access.may_whole(user, Verb.SETUP, election):
            tell(lines.OF_ELECTION, readiness.election_lacks(election=election, now=now))
            tell(lines.OF_CHECKLISTS, readiness.checklist_lacks(election=election))
        if access.may_whole(user, Verb.STAFF, election):
            tell(lines.OF_DESK, readiness.desk_lacks(election=election))
        if access.is_superuser(user):
            tell(lines.OF_PLATFORM, readiness.platform_lacks(now=now))
        return rows


@page("ready/places/", name="ready_places")
class ReadyPlaces(DeskView):
    """`?lack=` one of `preparation.PLACES`, `?at=CODE` the territory."""

    verb = Verb.PEOPLE
    title = _("What is not ready")
    template_name = "desk/ready_places.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        here = here_of(self)
        lack = self.request.GET.get("lack", "")
        lack = lack if lack in readiness.PLACES else "unobserved"
        found = Commission.objects.none()
        if here is not None:
            found = places_lacking(election=self.election, territory=here, lack=lack)
        part = Paginator(found, ON_A_PAGE).get_page(self.request.GET.get("page"))
        for place in part.object_list:
            place.election = self.election
        mended = access.may_whole(self.user, Verb.SETUP, self.election)
        context = {
            "lack": lack,
            "lacks": lines.LACKS.items(),
            "part": part,
            "places": [(one, name_of(one), self._address(one, lack, mended)) for one in part.object_list],
        }
        return super().get_context_data(**kwargs) | context | around(self, here)

    def _address(self, place: Commission, lack: str, mended: bool) -> str:
        if lack in ("unobserved", "uncoordinated") or not mended:
            return self.link("station", place.pk)
        return reverse("admin:observer_commission_change", args=[place.pk])


def here_of(view: DeskView) -> Commission | None:
    """The territory asked for; None where the election has no commissions yet."""
    if access.is_superuser(view.user) and not view.visible(Commission).exists():
        return None
    return scope_of(view, view.request.GET.get("at", "")).commission


def people_at(view: DeskView, here: Commission | None) -> "QuerySet[Observer]":
    """The observers of a territory whom the reader may know of: of the whole election those too who are sent nowhere."""
    people = view.reachable(Observer, Verb.PEOPLE)
    return people_sent(election=view.election, people=people, territory=here)


def around(view: DeskView, here: Commission | None) -> dict[str, Any]:
    """What stands above these pages: the territory and the way to it."""
    if here is None:
        return {"here": None}
    way = way_to(view, here)
    for place in way:
        place.election = view.election
    return {"here": here, "name": name_of(here), "way": [(one, name_of(one)) for one in way]}
