"""The tree of an election as an import would leave it, and what is wrong with it then. Reads nothing, writes nothing."""

from django.utils.translation import gettext as _

from observer.models import Commission, Level
from observer.services.importing.commission_rows import Place
from observer.services.registry.commissions import PATH_MAX, level_problem
from observer.services.spreadsheets.tables import Table


class Tree:
    """The tree as it will be: what is known, with the file's rows over it."""

    def __init__(self, table: Table, places: dict[str, Place], known: dict[str, Commission]) -> None:
        self.table, self.places, self.known = table, places, known
        codes = {one.pk: one.code for one in known.values()}
        self.parents: dict[str, str] = {c: codes[one.parent_id] if one.parent_id else "" for c, one in known.items()}
        self.levels: dict[str, Level | None] = {code: one.level for code, one in known.items()}
        for code, place in places.items():
            self.parents[code] = place.parent
            self.levels[code] = place.level or self.levels.get(code)
        self.listed = {row["code"] for row in table.rows}
        self.paths: dict[str, tuple[str, int]] = {}

    def check(self) -> None:
        if not self.places and not self.table.bad:
            self.table.complain(0, _("has no rows"))
        folded: dict[str, str] = {}
        for code in (*self.known, *(code for code in self.places if code not in self.known)):
            # SQLite compares the beginnings of paths without case, and so does a tired reader.
            other = folded.setdefault(code.casefold(), code)
            if other != code:
                self._complain(code, _("code %(code)s differs from %(other)s by case only"), code=code, other=other)
        self._check_roots()
        for code, parent in self.parents.items():
            self._check_parent(code, parent)
        self._walk()

    def _complain(self, code: str, reason: str, /, **values: object) -> None:
        self.table.complain(self.places[code].line, reason % values)

    def _check_roots(self) -> None:
        roots = [code for code, parent in self.parents.items() if not parent]
        stays = next((code for code in roots if code not in self.places), None)
        listed = [code for code in roots if code in self.places]
        first = stays or (listed[0] if listed else None)
        for code in listed:
            if code != first:
                self._complain(code, _("has no parent, but the topmost commission is %(first)s"), first=first)
        if first is None and self.places and not self.table.bad:
            self.table.complain(0, _("no commission is the topmost: one row has an empty parent"))

    def _check_parent(self, code: str, parent: str) -> None:
        if not parent:
            return
        if parent not in self.parents:
            # A parent whose own line is bad is not unknown: that line was named already.
            if parent not in self.listed:
                self._complain(code, _("parent %(parent)s is unknown"), parent=parent)
            return
        level, above = self.levels[code], self.levels[parent]
        if level and above and (reason := level_problem(level, above)):
            blamed = code if code in self.places else parent
            if blamed in self.places:
                self._complain(blamed, "%(reason)s (%(code)s, %(parent)s)", reason=reason, code=code, parent=parent)

    def _walk(self) -> None:
        """Paths from the root down; who is not reached though every parent is known goes in a circle."""
        children: dict[str, list[str]] = {}
        for code, parent in self.parents.items():
            children.setdefault(parent, []).append(code)
        waiting = [(code, "", 0) for code in children.get("", ())]
        while waiting:
            code, above, depth = waiting.pop()
            path = above + code + "/"
            self.paths[code] = (path, depth)
            if len(path) > PATH_MAX:
                if code in self.places:
                    self._complain(code, _("is too deep: its codes from the top are over %(most)d long"), most=PATH_MAX)
                elif not self.table.bad:
                    self.table.complain(0, _("%(code)s would be too deep in the tree") % {"code": code})
                continue
            waiting.extend((child, path, depth + 1) for child in children.get(code, ()))
        for code in self._circles():
            if code in self.places:
                self._complain(code, _("is below itself, through parent %(parent)s"), parent=self.parents[code])

    def _circles(self) -> set[str]:
        """The codes that are on a circle; those merely below one are not named."""
        circles: set[str] = set()
        seen = set(self.paths)
        for start in self.parents:
            trail: list[str] = []
            code = start
            while code in self.parents and code not in seen:
                seen.add(code)
                trail.append(code)
                code = self.parents[code]
            if code in trail:
                circles.update(trail[trail.index(code) :])
        return circles
