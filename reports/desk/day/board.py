"""The election-day board: one page per territory, refreshed every ten seconds."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, register_page
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.calls import get_due_calls
from observer.words import get_translation
from reports.desk.day.exports import build_coverage_link
from reports.desk.day.scope import get_scope, load_ancestors, load_top_territories
from reports.desk.words.formats import SEVERITY_LABELS, get_place_name, to_local_time
from reports.services.review.rehearsals import filter_election_day_rehearsals
from reports.services.schedule.board import Board, TerritoryLine, get_board

MAX_REHEARSALS_COUNTED = 100  # with more rehearsal reports the page says "more than"


@register_page("board/", name="board", section="day", order=1)
class BoardPage(DeskView):
    """The figures of one territory and of the territories below it.

    `?at=CODE`: the territory. `?districts=1`: all levels below it instead of one. `?part=1`: only the part that the
    script on the page reloads.
    """

    permission = Permission.LOOK
    title = _("The board")

    def get_template_names(self) -> list[str]:
        return ["desk/_board.html" if "part" in self.request.GET else "desk/board.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = get_scope(self, self.request.GET.get("at", ""))
        now = timezone.now()
        board = get_board(election=self.election, scope=scope, now=now)
        show_all_levels = "districts" in self.request.GET
        territory = scope.commission
        lines = [line for line in board.lines if show_all_levels or line.depth == territory.depth + 1]
        context = {
            "here": territory,
            "name": get_place_name(territory),
            "way": [(one, get_place_name(self._attach_election(one))) for one in load_ancestors(self, territory)],
            "tops": [(one, get_place_name(self._attach_election(one))) for one in load_top_territories(self)],
            "board": board,
            "as_of": to_local_time(board.at, territory.zone),
            "zone": territory.zone,
            "total": self._build_line(board.total, board, territory.depth),
            "lines": [self._build_line(line, board, territory.depth) for line in lines],
            "checklists": [self._translate(titles) or code for code, titles in board.checklists],
            "deep": show_all_levels,
            "can_deepen": any(line.depth > territory.depth + 1 for line in board.lines),
            "incidents": [(severity, SEVERITY_LABELS[severity], n) for severity, n in board.incidents.items()],
            "newest": [
                {
                    "incident": one,
                    "name": self._translate(one.names) or one.code,
                    "station": self._translate(one.station_names) or one.station,
                    "severity": SEVERITY_LABELS.get(one.severity, one.severity),
                    "at": to_local_time(one.received_at, territory.zone),
                }
                for one in board.newest
            ],
            "disk_gigabytes": board.disk_free / 1e9,
            "export_link": build_coverage_link(self, territory),
        }
        if access.has_permission(self.user, Permission.CONTACT, territory):
            context["waiting"] = get_due_calls(commission=territory, now=now).count()
        if access.has_permission(self.user, Permission.VERIFY, territory):
            context["rehearsed"] = len(
                filter_election_day_rehearsals(election=self.election, scope=scope).values("pk")[
                    :MAX_REHEARSALS_COUNTED
                ]
            )
        return super().get_context_data(**kwargs) | context

    def _attach_election(self, place: Any) -> Any:
        """Sets the election on a commission. Reading its name then needs no query."""
        place.election = self.election
        return place

    def _translate(self, translations: Mapping[str, str]) -> str:
        return get_translation(translations, order=self.election.languages)

    def _build_line(self, line: TerritoryLine, board: Board, top_depth: int) -> dict[str, Any]:
        return {
            "line": line,
            "name": self._translate(line.names) or line.code,
            "level": line.depth - top_depth,
            "overdue": [(code, line.overdue[code]) for code, _titles in board.checklists],
        }
