"""The board of the day: one page for a territory, fresh every ten seconds."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, page
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.calls import calls_waiting
from observer.words import in_language
from reports.desk.day.exports import coverage_link
from reports.desk.day.scope import scope_of, tops_of, way_to
from reports.desk.words.formats import SEVERITIES, clock, name_of
from reports.services.review.rehearsals import rehearsals_on_the_day
from reports.services.schedule.board import Board, Line, board_of

FEW = 100  # rehearsal reports beyond which only "more than" is said


@page("board/", name="board", section="day", order=1)
class BoardPage(DeskView):
    """`?at=CODE` names the territory, `?districts=1` shows every level below it, `?part=1` is what the script asks for."""

    verb = Verb.LOOK
    title = _("The board")

    def get_template_names(self) -> list[str]:
        return ["desk/_board.html" if "part" in self.request.GET else "desk/board.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = scope_of(self, self.request.GET.get("at", ""))
        now = timezone.now()
        board = board_of(election=self.election, scope=scope, now=now)
        deep = "districts" in self.request.GET
        here = scope.commission
        lines = [line for line in board.lines if deep or line.depth == here.depth + 1]
        context = {
            "here": here,
            "name": name_of(here),
            "way": [(one, name_of(self._own(one))) for one in way_to(self, here)],
            "tops": [(one, name_of(self._own(one))) for one in tops_of(self)],
            "board": board,
            "as_of": clock(board.at, here.zone),
            "zone": here.zone,
            "total": self._shown(board.total, board, here.depth),
            "lines": [self._shown(line, board, here.depth) for line in lines],
            "checklists": [self._words(titles) or code for code, titles in board.checklists],
            "deep": deep,
            "can_deepen": any(line.depth > here.depth + 1 for line in board.lines),
            "incidents": [(severity, SEVERITIES[severity], n) for severity, n in board.incidents.items()],
            "newest": [
                {
                    "incident": one,
                    "name": self._words(one.names) or one.code,
                    "station": self._words(one.station_names) or one.station,
                    "severity": SEVERITIES.get(one.severity, one.severity),
                    "at": clock(one.received_at, here.zone),
                }
                for one in board.newest
            ],
            "disk_gigabytes": board.disk_free / 1e9,
            "export_link": coverage_link(self, here),
        }
        if access.may(self.user, Verb.CONTACT, here):
            context["waiting"] = calls_waiting(commission=here, now=now).count()
        if access.may(self.user, Verb.VERIFY, here):
            context["rehearsed"] = len(rehearsals_on_the_day(election=self.election, scope=scope).values("pk")[:FEW])
        return super().get_context_data(**kwargs) | context

    def _own(self, place: Any) -> Any:
        place.election = self.election
        return place

    def _words(self, words: Mapping[str, str]) -> str:
        return in_language(words, order=self.election.languages)

    def _shown(self, line: Line, board: Board, top: int) -> dict[str, Any]:
        return {
            "line": line,
            "name": self._words(line.names) or line.code,
            "level": line.depth - top,
            "overdue": [(code, line.overdue[code]) for code, _titles in board.checklists],
        }
