"""Which observers have enrolled, consented and rehearsed.

Figures by territory, and the list of observers by code. To consent is to accept the code of conduct.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, register_page
from observer.models import Commission
from observer.models.row_scope import Permission
from observer.services.accounts import access
from reports.desk.preparation.readiness import build_territory_context, get_territory, load_observers
from reports.desk.words.formats import get_place_name
from reports.desk.words.readiness_labels import Label
from reports.services.elections.readiness import ObserverProgress, load_observer_paths, load_observer_progress

PAGE_SIZE = 100
SHOW_FILTERS: dict[str, tuple[Label, Callable[[ObserverProgress], bool]]] = {
    "": (_("All"), lambda one: True),
    "unenrolled": (_("No phone"), lambda one: not one.enrolled),
    "unconsented": (_("Not consented"), lambda one: not one.consented),
    "unrehearsed": (_("Not rehearsed"), lambda one: not one.rehearsed),
    "neither": (_("Neither enrolled nor rehearsed"), lambda one: not one.enrolled and not one.rehearsed),
    "unsent": (_("Sent nowhere"), lambda one: not one.sent),
    "unaccredited": (_("Not accredited on the day"), lambda one: not one.accredited),
}
FIGURE_COLUMNS: tuple[Callable[[ObserverProgress], bool], ...] = (
    lambda one: one.enrolled,
    lambda one: one.consented,
    lambda one: one.rehearsed,
    lambda one: not one.enrolled and not one.rehearsed,
)


@register_page("enrolled/", name="enrolled", section="people", order=5)
class EnrolmentStatusPage(DeskView):
    """`?at=CODE`: the territory. `?show=`: one of SHOW_FILTERS. Observers are listed by code, without names."""

    permission = Permission.PEOPLE
    title = _("Who has enrolled")
    template_name = "desk/enrolled.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        territory = get_territory(self)
        show = self.request.GET.get("show", "")
        show = show if show in SHOW_FILTERS else ""
        observers = load_observer_progress(election=self.election, people=load_observers(self, territory))
        part = Paginator([one for one in observers if SHOW_FILTERS[show][1](one)], PAGE_SIZE).get_page(
            self.request.GET.get("page")
        )
        context = {
            "total": _count_figures(observers),
            "lines": self._build_lines(territory, observers) if territory else [],
            "shows": [(code, word) for code, (word, _chosen) in SHOW_FILTERS.items()],
            "show": show,
            "part": part,
            "contact": access.has_permission(self.user, Permission.CONTACT, self.election),
            "register": access.has_permission(self.user, Permission.REGISTER, self.election),
        }
        return super().get_context_data(**kwargs) | context | build_territory_context(self, territory)

    def _build_lines(self, territory: Commission, observers: Sequence[ObserverProgress]) -> list[dict[str, Any]]:
        """One line per territory directly below this one. An observer with assignments in two counts in both."""
        by_key = {one.key: one for one in observers}
        depth = territory.path.count("/") + 1
        by_path: dict[str, dict[int, ObserverProgress]] = {}
        for key, path in load_observer_paths(election=self.election, territory=territory):
            if key in by_key and path.count("/") >= depth:
                by_path.setdefault("/".join(path.split("/")[:depth]) + "/", {})[key] = by_key[key]
        places = self.get_visible_rows(Commission).filter(path__in=by_path).select_related("level").order_by("path")
        lines = []
        for place in places:
            place.election = self.election
            lines.append(
                {"place": place, "name": get_place_name(place), "figures": _count_figures(by_path[place.path].values())}
            )
        return lines


def _count_figures(observers: Iterable[ObserverProgress]) -> list[int]:
    """The number of observers, and how many of them meet each of FIGURE_COLUMNS."""
    listed = list(observers)
    return [len(listed), *(sum(map(condition, listed)) for condition in FIGURE_COLUMNS)]
