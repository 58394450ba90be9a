"""Superseding: which of an observer's reports count, in whatever order they came."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.models import Due, Report
from reports.services.review import decisions
from reports.services.review.superseding import Node, derive_superseding
from tests.support.intake import send_report, send_reports, store_report
from tests.support.world import DAY, World, payload


def make_uuid(letter: str) -> UUID:
    return UUID(int=ord(letter) << 64)


def make_node(letter: str, names: str = "", minutes: int | None = None, **fields: Any) -> Node:
    """The node of report `letter`, which corrects report `names`. By default, later letters are observed later."""
    minutes = ord(letter) if minutes is None else minutes
    fields = {"observer": 1, "checklist": 1, "eligible": True, "once_key": None} | fields
    if fields["once_key"]:
        fields["once_key"] = (fields["observer"], fields["checklist"], fields["once_key"], None, "")
    return Node(
        uuid=make_uuid(letter),
        supersedes=make_uuid(names) if names else None,
        observed_at=DAY + timedelta(minutes=minutes),
        **fields,
    )


def describe_result(*nodes: Node) -> str:
    """The letters of the reports that count, then the flagged ones: `B`, `B A?` (unknown), `B A!` (ignored)."""
    derived = derive_superseding({one.uuid: one for one in nodes})
    letters = {one.uuid: chr(one.uuid.int >> 64) for one in nodes}
    counted = [letters[one.uuid] for one in nodes if one.eligible and not derived[one.uuid].superseded]
    marks = {"supersedes_unknown": "?", "supersedes_ignored": "!"}
    flagged = [letters[uuid] + marks[found.flag] for uuid, found in derived.items() if found.flag]
    return " ".join(["".join(sorted(counted)), *sorted(flagged)])


class TestReportsThatCount:
    @pytest.mark.parametrize(
        ("promise", "nodes", "counts"),
        [
            ("a report alone", [make_node("A")], "A"),
            ("two that say nothing of each other", [make_node("A"), make_node("B")], "AB"),
            ("a correction", [make_node("A"), make_node("B", "A")], "B"),
            ("a correction that came first", [make_node("B", "A"), make_node("A")], "B"),
            (
                "a correction observed earlier than what it corrects",
                [make_node("A", minutes=9), make_node("B", "A", minutes=1)],
                "B",
            ),
            ("the last of a chain", [make_node("A"), make_node("B", "A"), make_node("C", "B")], "C"),
            ("the greater of two that name one", [make_node("A"), make_node("B", "A"), make_node("C", "A")], "C"),
            (
                "the greater by time, not by name",
                [make_node("A"), make_node("B", "A", minutes=9), make_node("C", "A", minutes=8)],
                "B",
            ),
            (
                "the greater by name at one time",
                [make_node("A"), make_node("B", "A", minutes=9), make_node("C", "A", minutes=9)],
                "C",
            ),
            (
                "the greater end of two branches",
                [make_node("A"), make_node("B", "A"), make_node("C", "A"), make_node("D", "B", minutes=1)],
                "C",
            ),
            (
                "a correction of the lesser branch by a greater one",
                [make_node("A"), make_node("B", "A"), make_node("C", "A"), make_node("D", "B", minutes=999)],
                "D",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_by_links_and_times(self, promise, nodes, counts):
        assert describe_result(*nodes) == describe_result(*reversed(nodes)) == counts

    @pytest.mark.parametrize(
        ("promise", "nodes", "counts"),
        [
            ("what a rejected correction named", [make_node("A"), make_node("B", "A", eligible=False)], "A"),
            ("the correction of a rejected report", [make_node("A", eligible=False), make_node("B", "A")], "B"),
            (
                "the last of a chain with a rejected middle",
                [make_node("A"), make_node("B", "A", eligible=False), make_node("C", "B")],
                "C",
            ),
            (
                "the root of a chain where all corrections are rejected",
                [make_node("A"), make_node("B", "A", eligible=False), make_node("C", "B", eligible=False)],
                "A",
            ),
            (
                "the other of two where the greater is rejected",
                [make_node("A"), make_node("B", "A"), make_node("C", "A", eligible=False)],
                "B",
            ),
            (
                "nothing where all are rejected",
                [make_node("A", eligible=False), make_node("B", "A", eligible=False)],
                "",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_when_some_were_set_aside(self, promise, nodes, counts):
        assert describe_result(*nodes) == describe_result(*reversed(nodes)) == counts


class TestInvalidLinks:
    @pytest.mark.parametrize(
        ("promise", "nodes", "counts"),
        [
            ("to a report that has not come is flagged and waits", [make_node("B", "A")], "B B?"),
            ("to another observer's report is ignored", [make_node("A", observer=2), make_node("B", "A")], "AB B!"),
            (
                "to a report on another checklist is ignored",
                [make_node("A", checklist=2), make_node("B", "A")],
                "AB B!",
            ),
            ("to itself is ignored", [make_node("A", "A")], "A A!"),
            ("in a circle of two is cut at the earliest", [make_node("A", "B"), make_node("B", "A")], "B A!"),
            (
                "in a circle of three is cut at the earliest",
                [make_node("A", "C"), make_node("B", "A"), make_node("C", "B")],
                "C A!",
            ),
            (
                "in a circle is cut at the earliest by time",
                [make_node("A", "C", minutes=3), make_node("B", "A", minutes=2), make_node("C", "B", minutes=4)],
                "A B!",
            ),
            (
                "in a circle with a tail lets the end of the tail count",
                [make_node("A", "B"), make_node("B", "A"), make_node("D", "A"), make_node("E", "D")],
                "E A!",
            ),
            (
                "in a circle is cut whatever was set aside",
                [make_node("A", "B"), make_node("B", "A", eligible=False)],
                "A A!",
            ),
            (
                "in two circles is cut in each",
                [make_node("A", "B"), make_node("B", "A"), make_node("C", "D"), make_node("D", "C")],
                "BD A! C!",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_link(self, promise, nodes, counts):
        assert describe_result(*nodes) == describe_result(*reversed(nodes)) == counts


class TestAChecklistFilledOnce:
    @pytest.mark.parametrize(
        ("promise", "nodes", "counts"),
        [
            ("the later of two at one place", [make_node("A", once_key=1), make_node("B", once_key=1)], "B"),
            ("one at each place", [make_node("A", once_key=1), make_node("B", once_key=2)], "AB"),
            (
                "the earlier where the later is set aside",
                [make_node("A", once_key=1), make_node("B", once_key=1, eligible=False)],
                "A",
            ),
            (
                "the later of two tree heads, not of two reports",
                [
                    make_node("A", once_key=1, minutes=1),
                    make_node("B", "A", once_key=1, minutes=2),
                    make_node("C", once_key=1, minutes=9),
                ],
                "C",
            ),
            (
                "the correction of the later, though it was observed before the earlier",
                [
                    make_node("A", once_key=1, minutes=5),
                    make_node("B", once_key=1, minutes=6),
                    make_node("C", "B", once_key=1, minutes=1),
                ],
                "A",
            ),
            (
                "both places where a correction moves a report to another",
                [make_node("A", once_key=1), make_node("B", once_key=2), make_node("C", "B", once_key=1)],
                "C",
            ),
            (
                "the moved report and what stood there alone",
                [make_node("A", once_key=1), make_node("B", "A", once_key=2), make_node("C", once_key=1)],
                "BC",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_counts(self, promise, nodes, counts):
        assert describe_result(*nodes) == describe_result(*reversed(nodes)) == counts


def test_a_chain_of_thousands_is_derived_without_recursion():
    letters = [UUID(int=n) for n in range(5_000)]
    chain = {
        uuid: Node(uuid, 1, 1, None, DAY + timedelta(seconds=n), letters[n - 1] if n else None, True)
        for n, uuid in enumerate(letters)
    }
    counted = [uuid for uuid, found in derive_superseding(chain).items() if not found.superseded]
    assert counted == [letters[-1]]


# ── any set of reports ────────────────────────────────────────────────────────────────────────


@st.composite
def node_groups(draw: st.DrawFn) -> dict[UUID, Node]:
    letters = "ABCDEFGH"[: draw(st.integers(1, 8))]
    return {
        make_uuid(letter): make_node(
            letter,
            draw(st.sampled_from(["", *letters, "Z"])),
            minutes=draw(st.integers(0, 3)),
            observer=draw(st.sampled_from([1, 1, 1, 2])),
            checklist=draw(st.sampled_from([1, 1, 1, 2])),
            eligible=draw(st.sampled_from([True, True, False])),
            once_key=draw(st.sampled_from([None, 1, 2])),
        )
        for letter in letters
    }


def find_trees(nodes: dict[UUID, Node]) -> list[set[UUID]]:
    """The trees of valid links, cycles included, computed in another way than by the code under test."""
    joined = {uuid: {uuid} for uuid in nodes}
    for one in nodes.values():
        target = nodes.get(one.supersedes) if one.supersedes else None
        if target and (target.observer, target.checklist) == (one.observer, one.checklist):
            both = joined[one.uuid] | joined[target.uuid]
            for uuid in both:
                joined[uuid] = both
    return [set(tree) for tree in {frozenset(tree) for tree in joined.values()}]


class TestAnySetOfReports:
    @settings(max_examples=200, deadline=None)
    @given(node_groups(), st.randoms(use_true_random=False))
    def test_is_judged_the_same_in_any_order(self, nodes, random):
        order = list(nodes)
        random.shuffle(order)
        assert derive_superseding({uuid: nodes[uuid] for uuid in order}) == derive_superseding(nodes)

    @settings(max_examples=200, deadline=None)
    @given(node_groups())
    def test_has_exactly_one_counted_report_per_tree_where_any_is_eligible(self, nodes):
        nodes = {uuid: remove_once_key(one) for uuid, one in nodes.items()}
        derived = derive_superseding(nodes)
        for tree in find_trees(nodes):
            counted = [uuid for uuid in tree if nodes[uuid].eligible and not derived[uuid].superseded]
            assert len(counted) == any(nodes[uuid].eligible for uuid in tree)

    @settings(max_examples=200, deadline=None)
    @given(node_groups())
    def test_has_at_most_one_counted_report_per_tree_and_place(self, nodes):
        derived = derive_superseding(nodes)
        counted = [one for one in nodes.values() if one.eligible and not derived[one.uuid].superseded]
        places = [one.once_key for one in counted if one.once_key]
        assert len(places) == len(set(places))
        for tree in find_trees(nodes):
            assert len([one for one in counted if one.uuid in tree]) <= 1

    @settings(max_examples=200, deadline=None)
    @given(node_groups())
    def test_never_supersedes_what_is_set_aside(self, nodes):
        assert not any(
            found.superseded for uuid, found in derive_superseding(nodes).items() if not nodes[uuid].eligible
        )

    @settings(max_examples=200, deadline=None)
    @given(node_groups())
    def test_flags_every_link_that_is_unknown_or_foreign(self, nodes):
        derived = derive_superseding(nodes)
        for one in nodes.values():
            target = nodes.get(one.supersedes) if one.supersedes else None
            if one.supersedes is None:
                assert derived[one.uuid].flag == ""
            elif target is None:
                assert derived[one.uuid].flag == "supersedes_unknown"
            elif (target.observer, target.checklist) != (one.observer, one.checklist):
                assert derived[one.uuid].flag == "supersedes_ignored"
            else:
                assert derived[one.uuid].flag in ("", "supersedes_ignored")

    @settings(max_examples=200, deadline=None)
    @given(node_groups())
    def test_of_one_observer_does_not_depend_on_anothers(self, nodes):
        derived = derive_superseding(nodes)
        for observer in (1, 2):
            # Reports of another observer matter only as invalid targets.
            alone = {uuid: one for uuid, one in nodes.items() if one.observer == observer}
            for uuid, found in derive_superseding(alone).items():
                assert found.superseded == derived[uuid].superseded


def remove_once_key(one: Node) -> Node:
    return Node(one.uuid, one.observer, one.checklist, None, one.observed_at, one.supersedes, one.eligible)


# ── through intake ───────────────────────────────────────────────────────────────────────────


class TestACorrection:
    def test_takes_the_place_of_what_it_names(self, world: World):
        first = store_report(world.first, payload())
        second = store_report(world.first, payload(supersedes=str(first.uuid), answers={"V03": "yes"}))
        assert list(Report.objects.counted()) == [second]
        first.refresh_from_db()
        assert (first.superseded, first.receipt_state, first.state) == (True, "superseded", "received")
        assert first.changed_at == DAY

    def test_that_comes_before_its_target_is_flagged_until_the_target_comes(self, world: World):
        first = payload()
        early = send_report(world.first, payload(supersedes=first["id"]))
        assert early.receipt is not None
        assert early.receipt.flags == ("supersedes_unknown",)
        late = send_report(world.first, first)
        assert late.receipt is not None
        assert (late.receipt.state, late.receipt.flags) == ("superseded", ())
        correction = Report.objects.get(uuid=early.receipt.uuid)
        assert correction.flags == []
        assert list(Report.objects.counted()) == [correction]

    def test_of_the_wrong_station_makes_both_stations_due(self, world: World):
        wrong = store_report(world.first, payload(commission="KZ-2-1-1"))
        Due.objects.all().delete()
        store_report(world.first, payload(commission="KZ-1-1-1", supersedes=str(wrong.uuid)))
        assert sorted(Due.objects.values_list("commission__code", flat=True)) == ["KZ-1-1-1", "KZ-2-1-1"]

    def test_of_another_observers_report_is_stored_and_ignored(self, world: World):
        theirs = store_report(world.first, payload())
        mine = store_report(world.second, payload(commission="KZ-1-1-2", supersedes=str(theirs.uuid)))
        assert mine.flags == ["supersedes_ignored"]
        assert Report.objects.counted().count() == 2

    def test_on_another_version_of_the_checklist_holds(self, world: World):
        from_version_one = store_report(world.first, payload())
        assert from_version_one.version.number == 1
        again = store_report(world.first, payload(supersedes=str(from_version_one.uuid)))
        assert list(Report.objects.counted()) == [again]

    @pytest.mark.parametrize("reverse", [False, True])
    def test_and_what_it_corrects_may_come_in_one_batch_in_any_order(self, world: World, reverse):
        first = payload()
        bodies = [first, payload(supersedes=first["id"])]
        send_reports(world.first, bodies[::-1] if reverse else bodies)
        assert [str(report.uuid) for report in Report.objects.counted()] == [bodies[1]["id"]]
        assert [report.flags for report in Report.objects.all()] == [[], []]

    def test_that_is_a_rehearsal_corrects_nothing(self, world: World):
        first = store_report(world.first, payload())
        store_report(world.first, payload(supersedes=str(first.uuid), rehearsal=True))
        assert list(Report.objects.counted()) == [first]

    def test_that_is_held_corrects_nothing_until_it_is_restored(self, world: World):
        first = store_report(world.first, payload())
        held = store_report(
            world.first,
            payload(supersedes=str(first.uuid), observed_at="2022-11-23T00:00:00Z"),
            now=DAY + timedelta(days=3),
        )
        assert list(Report.objects.counted()) == [first]
        decisions.restore_report(report=held, user=None, now=DAY)
        assert list(Report.objects.counted()) == [held]


class TestASecondOpening:
    def test_is_an_update_of_the_first(self, world: World):
        store_report(world.first, payload("opening"))
        second = store_report(world.first, payload("opening", observed_at="2022-11-20T10:05:00+06:00"))
        assert list(Report.objects.counted()) == [second]

    def test_that_comes_first_still_counts(self, world: World):
        second = store_report(world.first, payload("opening", observed_at="2022-11-20T10:05:00+06:00"))
        first = send_report(world.first, payload("opening"))
        assert first.receipt is not None
        assert first.receipt.state == "superseded"
        assert list(Report.objects.counted()) == [second]

    @pytest.mark.parametrize(
        "change",
        [{"commission": "KZ-1-1-2"}, {"slot": "2"}, {"checklist": {"code": "tabulation", "version": 1}}],
        ids=str,
    )
    def test_elsewhere_or_at_another_slot_is_another(self, world: World, change):
        store_report(world.first, payload("opening"))
        other = payload("opening") | change
        store_report(world.first, other | ({"answers": {}} if "checklist" in change else {}))
        assert Report.objects.counted().count() == 2

    def test_by_another_observer_is_another(self, world: World):
        store_report(world.first, payload("opening"))
        store_report(world.second, payload("opening"))
        assert Report.objects.counted().count() == 2
