"""Who has enrolled, accepted the code of conduct, rehearsed: figures by territory, and a list of codes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, page
from observer.models import Commission
from observer.models.reach import Verb
from observer.services.accounts import access
from reports.desk.preparation.readiness import around, here_of, people_at
from reports.desk.words.formats import name_of
from reports.desk.words.readiness_labels import Words
from reports.services.elections.readiness import Standing, people_standing, places_of_people

ON_A_PAGE = 100
SHOWS: dict[str, tuple[Words, Callable[[Standing], bool]]] = {
    "": (_("All"), lambda one: True),
    "unenrolled": (_("No phone"), lambda one: not one.enrolled),
    "unconsented": (_("Not consented"), lambda one: not one.consented),
    "unrehearsed": (_("Not rehearsed"), lambda one: not one.rehearsed),
    "neither": (_("Neither enrolled nor rehearsed"), lambda one: not one.enrolled and not one.rehearsed),
    "unsent": (_("Sent nowhere"), lambda one: not one.sent),
    "unaccredited": (_("Not accredited on the day"), lambda one: not one.accredited),
}
COLUMNS: tuple[Callable[[Standing], bool], ...] = (
    lambda one: one.enrolled,
    lambda one: one.consented,
    lambda one: one.rehearsed,
    lambda one: not one.enrolled and not one.rehearsed,
)


@page("enrolled/", name="enrolled", section="people", order=5)
class Enrolled(DeskView):
    """`?at=CODE` the territory, `?show=` one of SHOWS. Observers are codes here."""

    verb = Verb.PEOPLE
    title = _("Who has enrolled")
    template_name = "desk/enrolled.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        here = here_of(self)
        show = self.request.GET.get("show", "")
        show = show if show in SHOWS else ""
        people = people_standing(election=self.election, people=people_at(self, here))
        part = Paginator([one for one in people if SHOWS[show][1](one)], ON_A_PAGE).get_page(
            self.request.GET.get("page")
        )
        context = {
            "total": _figures(people),
            "lines": self._lines(here, people) if here else [],
            "shows": [(code, word) for code, (word, _chosen) in SHOWS.items()],
            "show": show,
            "part": part,
            "contact": access.may(self.user, Verb.CONTACT, self.election),
            "register": access.may(self.user, Verb.REGISTER, self.election),
        }
        return super().get_context_data(**kwargs) | context | around(self, here)

    def _lines(self, here: Commission, people: Sequence[Standing]) -> list[dict[str, Any]]:
        """One line a territory below this one. Whoever is sent to two of them stands in both."""
        known = {one.key: one for one in people}
        depth = here.path.count("/") + 1
        found: dict[str, dict[int, Standing]] = {}
        for key, path in places_of_people(election=self.election, territory=here):
            if key in known and path.count("/") >= depth:
                found.setdefault("/".join(path.split("/")[:depth]) + "/", {})[key] = known[key]
        places = self.visible(Commission).filter(path__in=found).select_related("level").order_by("path")
        lines = []
        for place in places:
            place.election = self.election
            lines.append({"place": place, "name": name_of(place), "figures": _figures(found[place.path].values())})
        return lines


def _figures(people: Iterable[Standing]) -> list[int]:
    """How many there are, and how many of them are in each of COLUMNS."""
    listed = list(people)
    return [len(listed), *(sum(map(is_there, listed)) for is_there in COLUMNS)]
