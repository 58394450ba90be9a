"""Figures of an election at a cut-off, counted from its reports.

Yields the parts of a release (`place_parts.py`) one after another, so that memory holds the figures but
never all reports. Reads one snapshot of the database and writes nothing.
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
from reports.services.checklists.compiled import Form, load_forms
from reports.services.evidence.processing import filter_approved_evidence
from reports.services.figures.serialize import SharedCodes, serialize_tally
from reports.services.figures.tally import (
    CountedReport,
    RaisedViolation,
    Tally,
    ViolationKind,
    add_tally,
    tally_reports,
)
from reports.services.publishing.codebook import load_codebook, load_shared_codes
from reports.services.publishing.disclosure import ReportedStation, merge_rare_types, select_shown_stations
from reports.services.publishing.maps import load_map
from reports.services.publishing.open_data_rows import OpenDataRows
from reports.services.publishing.place_parts import (
    Photo,
    build_child_part,
    build_facts,
    build_place_part,
    build_station_child,
    build_station_part,
    collect_findings,
    get_finding_answers,
)
from reports.services.review.superseding import compute_superseded_at

COMMISSIONS_PER_BATCH = 400  # a batch is closed once it has this many; it may be larger by one territory's stations

KeyedPart = tuple[str, Any]


@dataclass(slots=True)
class CommissionFigures:
    """The figures of one commission at the cut-off."""

    tally: Tally = field(default_factory=dict)
    observers: set[int] = field(default_factory=set)
    hours: Counter[str] = field(default_factory=Counter)

    def add(self, other: "CommissionFigures") -> None:
        add_tally(self.tally, other.tally)
        self.observers |= other.observers
        self.hours.update(other.hours)


def build_release_parts(*, election: Election, cutoff: datetime, shown_before: frozenset[str]) -> Iterator[KeyedPart]:
    """Build every part of a release, as (key, content).

    `shown_before`: codes of the stations that an earlier release shows.
    """
    return _Snapshot(election, cutoff, shown_before).build_parts()


class _Snapshot:
    """The state of one election at a cut-off, read once."""

    def __init__(self, election: Election, cutoff: datetime, shown_before: frozenset[str]) -> None:
        self.election, self.cutoff, self.shown_before = election, cutoff, shown_before
        self.zone = ZoneInfo(election.timezone)
        self.commissions = {
            place.pk: place
            for place in election.commissions.select_related("level").order_by("path").iterator(chunk_size=5000)
        }
        self.children: dict[int | None, list[Commission]] = defaultdict(list)
        for place in self.commissions.values():
            place.election = election
            self.children[place.parent_id].append(place)
        self.violation_kinds = {
            code: ViolationKind(severity, group, denies)
            for code, severity, group, denies in ViolationType.objects.filter(election=election)
            .order_by()
            .values_list("code", "severity", "group__code", "denies_access")
        }
        self.superseded_at_cutoff = compute_superseded_at(election=election, cutoff=cutoff)
        self.figures: dict[int, CommissionFigures] = {}
        self.forms: dict[int, Form] = {}

    def build_parts(self) -> Iterator[KeyedPart]:
        book = load_codebook(self.election)
        book["root"] = next((place.code for place in self.children[None]), "")
        book["protection"] = {"observers": settings.STATION_OBSERVERS_MIN, "cell": settings.STATION_CELL_MIN}
        yield "book", book
        yield "map", load_map(self.election)
        yield "search", build_search_rows(self.commissions.values())
        yield from self._count_reports()
        self._add_to_parents()
        yield from self._build_place_parts(book)

    # ── counting ──
    def _count_reports(self) -> Iterator[KeyedPart]:
        """Count each commission's own reports; yield each territory's open-data rows."""
        for group in self._batch_commissions():
            keys = [place.pk for place in group]
            violations = self._load_violations(keys)
            rows: dict[str, OpenDataRows] = defaultdict(OpenDataRows)
            for key, reports in groupby(self._load_reports(keys), key=itemgetter(0)):
                place = self.commissions[key]
                open_rows = rows[self._get_publishing_territory(place).code]
                self.figures[key] = self._count_commission(place, reports, violations, open_rows)
            for code, found in rows.items():
                yield f"rows:{code}", found.build_part()

    def _batch_commissions(self) -> Iterator[list[Commission]]:
        """Split the commissions into batches.

        A station is always in the batch of the territory that its rows are published under.
        """
        batch: list[Commission] = []
        for place in self.commissions.values():
            if self._is_station(place):
                continue
            batch += [place, *(child for child in self.children[place.pk] if self._is_station(child))]
            if len(batch) >= COMMISSIONS_PER_BATCH:
                yield batch
                batch = []
        batch += [place for place in self.children[None] if self._is_station(place)]
        yield batch

    def _get_publishing_territory(self, place: Commission) -> Commission:
        """Get the territory that publishes rows about this commission.

        For a station it is the territory above it. A territory publishes its own rows, and so does a station
        that has no territory above it.
        """
        if self._is_station(place) and place.parent_id is not None:
            return self.commissions[place.parent_id]
        return place

    def _load_reports(self, keys: list[int]) -> Iterator[tuple[Any, ...]]:
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
            if not self.superseded_at_cutoff.get(row[7], row[9]):
                yield row

    def _load_violations(self, keys: list[int]) -> dict[int, list[RaisedViolation]]:
        found: dict[int, list[RaisedViolation]] = defaultdict(list)
        eligible = Report.objects.eligible().filter(commission__in=keys, received_at__lte=self.cutoff)
        rows = Violation.objects.filter(report__in=eligible).values_list("report_id", "pk", "code", "state", "case_id")
        for report, key, code, state, case in rows:
            found[report].append(RaisedViolation(key, code, state, case))
        return found

    def _count_commission(
        self,
        place: Commission,
        rows: Iterable[tuple[Any, ...]],
        violations: Mapping[int, list[RaisedViolation]],
        open_rows: OpenDataRows,
    ) -> CommissionFigures:
        figures = CommissionFigures()
        figures.tally = tally_reports(
            reports=self._iterate_counted(rows, violations, figures, open_rows),
            precinct=self._is_station(place),
            kinds=self.violation_kinds,
        )
        return figures

    def _iterate_counted(
        self,
        rows: Iterable[tuple[Any, ...]],
        violations: Mapping[int, list[RaisedViolation]],
        figures: CommissionFigures,
        open_rows: OpenDataRows,
    ) -> Iterator[CountedReport]:
        for _key, version, contest, slot, observer, state, answers, sequence, observed_at, _superseded in rows:
            if version not in self.forms:
                self.forms |= load_forms({version})
            figures.observers.add(observer)
            figures.hours[f"{observed_at.astimezone(self.zone):%Y-%m-%dT%H}"] += 1
            raised = tuple(violations.get(sequence, ()))
            verified = state == Report.State.VERIFIED
            counted = CountedReport(self.forms[version], contest, slot, verified, answers, raised)
            open_rows.add(counted, self.contests)
            yield counted

    # ── sums of the territories ──
    def _add_to_parents(self) -> None:
        for place in self._order_leaves_first():
            figures = self.figures.setdefault(
                place.pk, CommissionFigures({"precincts": 1} if self._is_station(place) else {})
            )
            if place.parent_id is not None:
                self.figures.setdefault(place.parent_id, CommissionFigures()).add(figures)

    def _order_leaves_first(self) -> list[Commission]:
        order, current = [], list(self.children[None])
        while current:
            order += current
            current = [child for place in current for child in self.children[place.pk]]
        return order[::-1]

    # ── parts of places ──
    def _build_place_parts(self, book: Mapping[str, Any]) -> Iterator[KeyedPart]:
        replies, photos = self._load_replies(), self._load_photos()
        answers = get_finding_answers(book["stages"])
        observed_by = frozenset(
            Checklist.objects.filter(election=self.election)
            .exclude(repeat=Checklist.Repeat.ANY)
            .values_list("stage", "code")
        )
        for place in self.commissions.values():
            if self._is_station(place):
                continue
            shown = self._select_shown_stations(place)
            ancestors = self._find_ancestors(place)
            yield (
                f"place:{place.code}",
                self._build_place_part(place, ancestors, shown, replies.get(place.pk, []), photos.get(place.pk, [])),
            )
            yield (
                f"findings:{place.code}",
                {
                    child.code: collect_findings(self._build_figures(child)["stages"], answers)
                    for child in self.children[place.pk]
                    if not self._is_station(child)
                },
            )
            if place.parent_id is None:
                yield f"types:{place.code}", self._count_station_types(place, answers)
            for child in self.children[place.pk]:
                if self._is_station(child):
                    tally = self.figures[child.pk].tally if child.code in shown else None
                    part = build_station_part(
                        facts=build_facts(child, [*ancestors, place]),
                        tally=tally,
                        observed_by=observed_by,
                        replies=replies.get(child.pk, []) if tally else [],
                        photos=photos.get(child.pk, []) if tally else [],
                    )
                    yield f"place:{child.code}", part
        for place in self.children[None]:
            if self._is_station(place):
                yield f"place:{place.code}", build_station_part(facts=build_facts(place, []), tally=None)

    def _select_shown_stations(self, place: Commission) -> frozenset[str]:
        """Select which stations directly below may be shown."""
        reported = [
            # A station with nothing but incident reports was not observed, so it is withheld: no observers.
            ReportedStation(
                child.code,
                len(self.figures[child.pk].observers) if self.figures[child.pk].tally.get("observed") else 0,
                child.code in self.shown_before,
            )
            for child in self.children[place.pk]
            if self._is_station(child) and self.figures[child.pk].observers
        ]
        return select_shown_stations(
            stations=reported, min_observers=settings.STATION_OBSERVERS_MIN, min_cell_size=settings.STATION_CELL_MIN
        )

    def _build_place_part(
        self,
        place: Commission,
        ancestors: list[Commission],
        shown: frozenset[str],
        replies: list[dict[str, Any]],
        photos: list[Photo],
    ) -> dict[str, Any]:
        figures, children = self.figures[place.pk], self.children[place.pk]
        return build_place_part(
            facts=build_facts(place, ancestors),
            tally=figures.tally,
            observers=len(figures.observers),
            children=[
                build_station_child(child, shown=child.code in shown)
                if self._is_station(child)
                else build_child_part(child, self.figures[child.pk].tally, len(self.figures[child.pk].observers))
                for child in children
            ],
            contests=self.contests,
            shared=self.shared,
            # Where stations are directly below, an hour may contain the reports of a single station.
            hours=None if any(self._is_station(child) for child in children) else figures.hours,
            replies=replies,
            photos=photos,
        )

    def _build_figures(self, place: Commission) -> dict[str, Any]:
        return serialize_tally(self.figures[place.pk].tally, contests=self.contests, shared=self.shared)

    def _count_station_types(self, root: Commission, answers: Mapping[tuple[str, str], str]) -> dict[str, Any]:
        """Count the findings by station type below `root`.

        Rare types are merged.

        Empty where fewer than two types remain.
        """
        stations = [
            one for one in self.commissions.values() if self._is_station(one) and one.path.startswith(root.path)
        ]
        observed: Counter[str] = Counter()
        for one in stations:
            observed[one.type] += self.figures[one.pk].tally.get("observed", 0)
        names = merge_rare_types(observed=dict(observed), min_cell_size=settings.STATION_CELL_MIN)
        if len(set(names.values())) < 2:
            return {}
        tallies: dict[str, Tally] = defaultdict(dict)
        for one in stations:
            add_tally(tallies[names[one.type]], self.figures[one.pk].tally)
        return {
            name: {
                "precincts": tally.get("precincts", 0),
                "observed": tally.get("observed", 0),
                "findings": collect_findings(
                    serialize_tally(tally, contests=self.contests, shared=self.shared)["stages"], answers
                ),
            }
            for name, tally in sorted(tallies.items())
        }

    def _load_replies(self) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for reply in Reply.objects.filter(commission__election=self.election).order_by("date", "pk"):
            found[reply.commission_id].append({"date": str(reply.date), "texts": reply.texts})
        return found

    def _load_photos(self) -> dict[int, list[Photo]]:
        """Load the approved photo copies of counted reports, by commission."""
        found: dict[int, list[Photo]] = defaultdict(list)
        eligible = Report.objects.eligible().filter(commission__election=self.election, received_at__lte=self.cutoff)
        rows = filter_approved_evidence().filter(report__in=eligible).order_by("copy")
        for key, sequence, superseded, copy, thumbnail in rows.values_list(
            "report__commission_id", "report_id", "report__superseded", "copy", "thumbnail"
        ):
            if not self.superseded_at_cutoff.get(sequence, superseded):
                found[key].append([copy, thumbnail])
        return found

    def _find_ancestors(self, place: Commission) -> list[Commission]:
        ancestors = []
        while place.parent_id is not None:
            place = self.commissions[place.parent_id]
            ancestors.append(place)
        return ancestors[::-1]

    def _is_station(self, place: Commission) -> bool:
        return place.level.kind == Level.Kind.PRECINCT

    @property
    def contests(self) -> dict[int, str]:
        if not hasattr(self, "_contests"):
            self._contests = dict(self.election.contests.values_list("pk", "code"))
        return self._contests

    @property
    def shared(self) -> SharedCodes:
        if not hasattr(self, "_shared"):
            self._shared = load_shared_codes(self.election)
        return self._shared


def build_search_rows(places: Iterable[Commission]) -> list[list[Any]]:
    """Build the rows of the station search.

    Each is code, names, address, and whether it is a station.
    """
    return [[place.code, place.names, place.address, place.level.kind == Level.Kind.PRECINCT] for place in places]
