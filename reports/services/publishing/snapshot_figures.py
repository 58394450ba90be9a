"""The figures of an election as they were at a cut-off, counted anew from the reports.

Gives the parts of a release (`place_parts.py`), one after another, so that memory holds figures and
never all reports. Reads one moment of the database and writes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from observer.models import Commission, Election, Level
from reports.models import Checklist, Reply, Report, Violation, ViolationType
from reports.services.checklists.compiled import Form, forms_of
from reports.services.evidence.processing import approved_evidence
from reports.services.figures.serialize import Shared, tally_words
from reports.services.figures.tally import Counted, Raised, Tally, ViolationKind, absorb, tally_own
from reports.services.publishing.codebook import book_of, shared_codes
from reports.services.publishing.disclosure import Station, stations_shown, types_coarsened
from reports.services.publishing.maps import map_of
from reports.services.publishing.open_rows import Rows
from reports.services.publishing.place_parts import (
    Photo,
    child_part,
    facts,
    finding_answers,
    findings_of,
    place_part,
    station_line,
    station_part,
)
from reports.services.review.superseding import standing_at

CHUNK = 400  # stations read at a time

Part = tuple[str, Any]


@dataclass(slots=True)
class Figures:
    """What is known of one commission at the cut-off."""

    tally: Tally = field(default_factory=dict)
    observers: set[int] = field(default_factory=set)
    hours: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Figures") -> None:
        absorb(self.tally, other.tally)
        self.observers |= other.observers
        self.hours.update(other.hours)


def release_parts(*, election: Election, cutoff: datetime, known: frozenset[str]) -> Iterator[Part]:
    """Key and content of every part. `known`: stations that an earlier release shows."""
    return _Freeze(election, cutoff, known).parts()


class _Freeze:
    """One reading of one election."""

    def __init__(self, election: Election, cutoff: datetime, known: frozenset[str]) -> None:
        self.election, self.cutoff, self.known = election, cutoff, known
        self.zone = ZoneInfo(election.timezone)
        self.places = {
            place.pk: place
            for place in election.commissions.select_related("level").order_by("path").iterator(chunk_size=5000)
        }
        self.below: dict[int | None, list[Commission]] = defaultdict(list)
        for place in self.places.values():
            place.election = election
            self.below[place.parent_id].append(place)
        self.kinds = {
            code: ViolationKind(severity, group, denies)
            for code, severity, group, denies in ViolationType.objects.filter(election=election)
            .order_by()
            .values_list("code", "severity", "group__code", "denies_access")
        }
        self.standing = standing_at(election=election, cutoff=cutoff)
        self.figures: dict[int, Figures] = {}
        self.forms: dict[int, Form] = {}

    def parts(self) -> Iterator[Part]:
        book = book_of(self.election)
        book["root"] = next((place.code for place in self.below[None]), "")
        book["protection"] = {"observers": settings.STATION_OBSERVERS_MIN, "cell": settings.STATION_CELL_MIN}
        yield "book", book
        yield "map", map_of(self.election)
        yield "search", search_lines(self.places.values())
        yield from self._rows()
        self._merge()
        yield from self._shown(book)

    # ── counting ──
    def _rows(self) -> Iterator[Part]:
        """Counts every commission's own reports; gives the open-data rows of each territory."""
        for group in self._territories():
            keys = [place.pk for place in group]
            violations = self._violations(keys)
            rows: dict[str, Rows] = defaultdict(Rows)
            for key, reports in groupby(self._reports(keys), key=itemgetter(0)):
                place = self.places[key]
                into = rows[self._published_at(place).code]
                self.figures[key] = self._own(place, reports, violations, into)
            for code, found in rows.items():
                yield f"rows:{code}", found.content()

    def _territories(self) -> Iterator[list[Commission]]:
        """The commissions in lots; a station is always in the lot of the territory its rows are published under."""
        lot: list[Commission] = []
        for place in self.places.values():
            if self._is_station(place):
                continue
            lot += [place, *(child for child in self.below[place.pk] if self._is_station(child))]
            if len(lot) >= CHUNK:
                yield lot
                lot = []
        lot += [place for place in self.below[None] if self._is_station(place)]
        yield lot

    def _published_at(self, place: Commission) -> Commission:
        """Where rows about this commission are published: never a station, but the territory above it."""
        if self._is_station(place) and place.parent_id is not None:
            return self.places[place.parent_id]
        return place

    def _reports(self, keys: list[int]) -> Iterator[tuple[Any, ...]]:
        rows = Report.objects.eligible().filter(commission__in=keys, received_at__lte=self.cutoff)
        for row in (
            rows.order_by("commission_id")
            .values_list(
                "commission_id",
                "version_id",
                "contest_id",
                "slot",
                "observer_id",
                "state",
                "answers",
                "sequence",
                "observed_at",
                "superseded",
            )
            .iterator(chunk_size=5000)
        ):
            if not self.standing.get(row[7], row[9]):
                yield row

    def _violations(self, keys: list[int]) -> dict[int, list[Raised]]:
        found: dict[int, list[Raised]] = defaultdict(list)
        eligible = Report.objects.eligible().filter(commission__in=keys, received_at__lte=self.cutoff)
        rows = Violation.objects.filter(report__in=eligible).values_list("report_id", "pk", "code", "state", "case_id")
        for report, key, code, state, case in rows:
            found[report].append(Raised(key, code, state, case))
        return found

    def _own(
        self, place: Commission, rows: Iterable[tuple[Any, ...]], violations: Mapping[int, list[Raised]], into: Rows
    ) -> Figures:
        figures = Figures()
        figures.tally = tally_own(
            reports=self._counted(rows, violations, figures, into), precinct=self._is_station(place), kinds=self.kinds
        )
        return figures

    def _counted(
        self, rows: Iterable[tuple[Any, ...]], violations: Mapping[int, list[Raised]], figures: Figures, into: Rows
    ) -> Iterator[Counted]:
        for _key, version, contest, slot, observer, state, answers, sequence, observed_at, _superseded in rows:
            if version not in self.forms:
                self.forms |= forms_of({version})
            figures.observers.add(observer)
            figures.hours[f"{observed_at.astimezone(self.zone):%Y-%m-%dT%H}"] += 1
            raised = tuple(violations.get(sequence, ()))
            verified = state == Report.State.VERIFIED
            counted = Counted(self.forms[version], contest, slot, verified, answers, raised)
            into.add(counted, self.contests)
            yield counted

    # ── adding up ──
    def _merge(self) -> None:
        for place in self._leaves_first():
            own = self.figures.setdefault(place.pk, Figures({"precincts": 1} if self._is_station(place) else {}))
            if place.parent_id is not None:
                self.figures.setdefault(place.parent_id, Figures()).add(own)

    def _leaves_first(self) -> list[Commission]:
        order, front = [], list(self.below[None])
        while front:
            order += front
            front = [child for place in front for child in self.below[place.pk]]
        return order[::-1]

    # ── showing ──
    def _shown(self, book: Mapping[str, Any]) -> Iterator[Part]:
        replies, photos = self._replies(), self._photos()
        answers = finding_answers(book["stages"])
        observed_by = frozenset(
            Checklist.objects.filter(election=self.election)
            .exclude(repeat=Checklist.Repeat.ANY)
            .values_list("stage", "code")
        )
        for place in self.places.values():
            if self._is_station(place):
                continue
            shown = self._stations(place)
            above = self._above(place)
            yield (
                f"place:{place.code}",
                self._place(place, above, shown, replies.get(place.pk, []), photos.get(place.pk, [])),
            )
            yield (
                f"findings:{place.code}",
                {
                    child.code: findings_of(self._words(child)["stages"], answers)
                    for child in self.below[place.pk]
                    if not self._is_station(child)
                },
            )
            if place.parent_id is None:
                yield f"types:{place.code}", self._types(place, answers)
            for child in self.below[place.pk]:
                if self._is_station(child):
                    tally = self.figures[child.pk].tally if child.code in shown else None
                    own = station_part(
                        known=facts(child, [*above, place]),
                        tally=tally,
                        observed_by=observed_by,
                        replies=replies.get(child.pk, []) if tally else [],
                        photos=photos.get(child.pk, []) if tally else [],
                    )
                    yield f"place:{child.code}", own
        for place in self.below[None]:
            if self._is_station(place):
                yield f"place:{place.code}", station_part(known=facts(place, []), tally=None)

    def _stations(self, place: Commission) -> frozenset[str]:
        """Which of the stations directly below may be shown."""
        reported = [
            # Where nothing but incidents was told, nobody observed: such a station is held back.
            Station(
                child.code,
                len(self.figures[child.pk].observers) if self.figures[child.pk].tally.get("observed") else 0,
                child.code in self.known,
            )
            for child in self.below[place.pk]
            if self._is_station(child) and self.figures[child.pk].observers
        ]
        return stations_shown(
            stations=reported, observers_min=settings.STATION_OBSERVERS_MIN, cell_min=settings.STATION_CELL_MIN
        )

    def _place(
        self,
        place: Commission,
        above: list[Commission],
        shown: frozenset[str],
        replies: list[dict[str, Any]],
        photos: list[Photo],
    ) -> dict[str, Any]:
        figures, children = self.figures[place.pk], self.below[place.pk]
        return place_part(
            known=facts(place, above),
            tally=figures.tally,
            observers=len(figures.observers),
            children=[
                station_line(child, shown=child.code in shown)
                if self._is_station(child)
                else child_part(child, self.figures[child.pk].tally, len(self.figures[child.pk].observers))
                for child in children
            ],
            contests=self.contests,
            shared=self.shared,
            # Where stations are directly below, an hour may hold the reports of one of them.
            hours=None if any(self._is_station(child) for child in children) else figures.hours,
            replies=replies,
            photos=photos,
        )

    def _words(self, place: Commission) -> dict[str, Any]:
        return tally_words(self.figures[place.pk].tally, contests=self.contests, shared=self.shared)

    def _types(self, root: Commission, answers: Mapping[tuple[str, str], str]) -> dict[str, Any]:
        """The findings by type of station, for the whole country; rare types together."""
        stations = [one for one in self.places.values() if self._is_station(one) and one.path.startswith(root.path)]
        observed: Counter[str] = Counter()
        for one in stations:
            observed[one.type] += self.figures[one.pk].tally.get("observed", 0)
        names = types_coarsened(observed=dict(observed), cell_min=settings.STATION_CELL_MIN)
        if len(set(names.values())) < 2:
            return {}
        tallies: dict[str, Tally] = defaultdict(dict)
        for one in stations:
            absorb(tallies[names[one.type]], self.figures[one.pk].tally)
        return {
            name: {
                "precincts": tally.get("precincts", 0),
                "observed": tally.get("observed", 0),
                "findings": findings_of(
                    tally_words(tally, contests=self.contests, shared=self.shared)["stages"], answers
                ),
            }
            for name, tally in sorted(tallies.items())
        }

    def _replies(self) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for reply in Reply.objects.filter(commission__election=self.election).order_by("date", "pk"):
            found[reply.commission_id].append({"date": str(reply.date), "texts": reply.texts})
        return found

    def _photos(self) -> dict[int, list[Photo]]:
        """Approved copies of files of the reports that are counted, by commission."""
        found: dict[int, list[Photo]] = defaultdict(list)
        eligible = Report.objects.eligible().filter(commission__election=self.election, received_at__lte=self.cutoff)
        rows = approved_evidence().filter(report__in=eligible).order_by("copy")
        for key, sequence, superseded, copy, thumbnail in rows.values_list(
            "report__commission_id", "report_id", "report__superseded", "copy", "thumbnail"
        ):
            if not self.standing.get(sequence, superseded):
                found[key].append([copy, thumbnail])
        return found

    def _above(self, place: Commission) -> list[Commission]:
        above = []
        while place.parent_id is not None:
            place = self.places[place.parent_id]
            above.append(place)
        return above[::-1]

    def _is_station(self, place: Commission) -> bool:
        return place.level.kind == Level.Kind.PRECINCT

    @property
    def contests(self) -> dict[int, str]:
        if not hasattr(self, "_contests"):
            self._contests = dict(self.election.contests.values_list("pk", "code"))
        return self._contests

    @property
    def shared(self) -> Shared:
        if not hasattr(self, "_shared"):
            self._shared = shared_codes(self.election)
        return self._shared


def search_lines(places: Iterable[Commission]) -> list[list[Any]]:
    """What can be looked for: code, names, address, whose it is."""
    return [[place.code, place.names, place.address, place.level.kind == Level.Kind.PRECINCT] for place in places]
