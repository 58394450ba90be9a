"""Checking the tree of commissions after a planned import.

Works on data in memory; does not use the database.
"""

from django.utils.translation import gettext as _

from observer.models import Commission, Level
from observer.services.importing.commission_rows import CommissionRow
from observer.services.registry.commissions import MAX_PATH_CHARACTERS, find_level_problem
from observer.services.spreadsheets.tables import Table


class CommissionTree:
    """The tree of commissions after the import.

    It has the stored commissions, with the rows of the file replacing them.
    """

    def __init__(self, table: Table, file_rows: dict[str, CommissionRow], stored: dict[str, Commission]) -> None:
        self.table, self.file_rows, self.stored = table, file_rows, stored
        codes = {one.pk: one.code for one in stored.values()}
        self.parents: dict[str, str] = {c: codes[one.parent_id] if one.parent_id else "" for c, one in stored.items()}
        self.levels: dict[str, Level | None] = {code: one.level for code, one in stored.items()}
        for code, file_row in file_rows.items():
            self.parents[code] = file_row.parent
            self.levels[code] = file_row.level or self.levels.get(code)
        self.listed_codes = {row["code"] for row in table.rows}
        self.paths: dict[str, tuple[str, int]] = {}

    def check(self) -> None:
        """Computes `paths` and adds every problem to the table."""
        if not self.file_rows and not self.table.bad:
            self.table.add_problem(0, _("has no rows"))
        folded: dict[str, str] = {}
        for code in (*self.stored, *(code for code in self.file_rows if code not in self.stored)):
            # SQLite compares the beginnings of paths without case, and people may confuse such codes.
            other = folded.setdefault(code.casefold(), code)
            if other != code:
                self._add_problem(code, _("code %(code)s differs from %(other)s by case only"), code=code, other=other)
        self._check_roots()
        for code, parent in self.parents.items():
            self._check_parent(code, parent)
        self._compute_paths()

    def _add_problem(self, code: str, reason: str, /, **values: object) -> None:
        self.table.add_problem(self.file_rows[code].line, reason % values)

    def _check_roots(self) -> None:
        roots = [code for code, parent in self.parents.items() if not parent]
        stored_root = next((code for code in roots if code not in self.file_rows), None)
        new_roots = [code for code in roots if code in self.file_rows]
        first = stored_root or (new_roots[0] if new_roots else None)
        for code in new_roots:
            if code != first:
                self._add_problem(code, _("has no parent, but the topmost commission is %(first)s"), first=first)
        if first is None and self.file_rows and not self.table.bad:
            self.table.add_problem(0, _("no commission is the topmost: one row has an empty parent"))

    def _check_parent(self, code: str, parent: str) -> None:
        if not parent:
            return
        if parent not in self.parents:
            # If the parent's own line is bad, that line has a problem already and this one needs none.
            if parent not in self.listed_codes:
                self._add_problem(code, _("parent %(parent)s is unknown"), parent=parent)
            return
        level, above = self.levels[code], self.levels[parent]
        if level and above and (reason := find_level_problem(level, above)):
            problem_code = code if code in self.file_rows else parent
            if problem_code in self.file_rows:
                self._add_problem(
                    problem_code, "%(reason)s (%(code)s, %(parent)s)", reason=reason, code=code, parent=parent
                )

    def _compute_paths(self) -> None:
        """Computes paths and depths from the root down.

        Commissions that are not reached are in cycles.
        """
        children: dict[str, list[str]] = {}
        for code, parent in self.parents.items():
            children.setdefault(parent, []).append(code)
        waiting = [(code, "", 0) for code in children.get("", ())]
        while waiting:
            code, above, depth = waiting.pop()
            path = above + code + "/"
            self.paths[code] = (path, depth)
            if len(path) > MAX_PATH_CHARACTERS:
                if code in self.file_rows:
                    self._add_problem(
                        code, _("is too deep: its codes from the top are over %(most)d long"), most=MAX_PATH_CHARACTERS
                    )
                elif not self.table.bad:
                    self.table.add_problem(0, _("%(code)s would be too deep in the tree") % {"code": code})
                continue
            waiting.extend((child, path, depth + 1) for child in children.get(code, ()))
        for code in self._find_cycles():
            if code in self.file_rows:
                self._add_problem(code, _("is below itself, through parent %(parent)s"), parent=self.parents[code])

    def _find_cycles(self) -> set[str]:
        """The codes that are in a cycle.

        Codes that are only below a cycle are left out.
        """
        cycles: set[str] = set()
        seen = set(self.paths)
        for start in self.parents:
            chain: list[str] = []
            code = start
            while code in self.parents and code not in seen:
                seen.add(code)
                chain.append(code)
                code = self.parents[code]
            if code in chain:
                cycles.update(chain[chain.index(code) :])
        return cycles
