"""From reports through intake to a commission's public figures."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from observer.models import Contest, Observer
from reports.models import Case, Due, Report, Summary, Violation, ViolationType
from reports.services.background.recompute_queue import mark_due
from reports.services.figures.recount import check_summaries
from reports.services.figures.refresh import mark_election_due, recompute_due_summaries
from reports.services.publishing.live_summary import build_live_summary
from reports.services.publishing.visibility import is_public
from reports.services.review import decisions
from tests.support.intake import store_report
from tests.support.world import DAY, QUESTIONS, make_checklists, make_election, make_version, payload

AFTER = DAY + timedelta(days=3)


def report(world, phone=None, commission="KZ-1-1-1", checklist="voting", now=DAY, **fields):
    if isinstance(fields.get("answers"), dict) and checklist == "voting":
        fields["answers"] = {"V03": "no", "V15": "no"} | fields["answers"]
    return store_report(phone or world.first, payload(checklist, commission, **fields), now)


def get_summary(world, code="KZ", now=AFTER, refresh=True):
    if refresh:
        recompute_due_summaries(wait_for_others=True)
        assert check_summaries().different == {}
    return build_live_summary(commission=world.tree[code], language="en", now=now)


def decide(report, state, code, case=None):
    violation = Violation.objects.get(report=report, code=code)
    decisions.decide_violation(violation=violation, state=state, user=None, now=DAY, case=case)


class TestNothingWasReported:
    def test_the_document_is_there_and_empty(self, world):
        document = get_summary(world, refresh=False)
        assert document == {
            "election": "test-2022",
            "commission": {"code": "KZ", "name": "KZ en", "level": "central"},
            "revision": 0,
            "release": None,
            "as_of": None,
            "coverage": {
                "precincts": 12,
                "precincts_observed": 0,
                "precincts_denied": 0,
                "observers": 0,
                "reports": 0,
                "reports_verified": 0,
            },
            "stages": {},
            "violations": {"reports": 0, "confirmed": 0, "by_type": {}, "by_severity": {}, "by_group": {}},
            "children": [],
            "children_withheld": 0,
        }

    def test_the_first_report_anywhere_brings_every_place_into_the_coverage(self, world):
        report(world)
        document = get_summary(world)
        assert document["coverage"]["precincts"] == 12
        assert [child["coverage"]["precincts"] for child in document["children"]] == [6, 6]


class TestOneReport:
    def test_it_is_in_its_own_figures_and_in_those_of_all_above(self, world):
        report(world, answers={"V03": "yes"})
        for code in ("KZ-1-1-1", "KZ-1-1", "KZ-1", "KZ"):
            document = get_summary(world, code)
            assert document["coverage"]["reports"] == document["coverage"]["observers"] == 1
            assert document["stages"]["voting"]["questions"]["V03"]["finding"]["n"] == 1
        assert get_summary(world, "KZ-2")["stages"] == {}

    def test_a_territorial_commission_has_reports_of_its_own(self, world):
        report(world, commission="KZ-1", checklist="tabulation")
        report(world, commission="KZ-1-1-2")
        document = get_summary(world, "KZ-1")
        assert document["coverage"] | {"reports": 2, "precincts_observed": 1} == document["coverage"]
        assert document["stages"]["tabulation"]["commissions"] == 1
        assert sum(child["coverage"]["reports"] for child in document["children"]) == 1

    def test_the_names_are_in_the_readers_language(self, world):
        report(world)
        recompute_due_summaries()
        document = build_live_summary(commission=world.tree["KZ"], language="kk", now=AFTER)
        assert document["commission"]["name"] == "KZ kk"
        assert document["children"][0]["name"] == "KZ-1 kk"


class TestTheFigures:
    def test_the_document_follows_the_contract(self, world):
        first = report(
            world, answers={"V01": "female", "V03": "yes", "V90": "bad", "X05": 3, "X06": "0.1", "V17": "yes"}
        )
        report(world, world.second, answers={"V01": "male", "V90": "good", "X05": 17, "X06": "0.2"})
        decisions.verify_report(report=first, user=None, now=DAY)
        questions = get_summary(world)["stages"]["voting"]["questions"]
        assert questions["V03"] == {
            "yes": 1,
            "no": 1,
            "not_observed": 0,
            "not_applicable": 0,
            "stations": {"yes": 0, "no": 0, "conflicting": 1},
            "finding": {"n": 1, "of": 2, "text": "1", "refuted": 0},
            "verified": {"yes": 1, "no": 0, "n": 1, "of": 1, "text": "1"},
        }
        assert questions["V90"] == {
            "very_good": 0,
            "good": 1,
            "bad": 1,
            "very_bad": 0,
            "finding": {"n": 1, "of": 2, "text": "1"},
            "verified": {"very_good": 0, "good": 0, "bad": 1, "very_bad": 0, "n": 1, "of": 1, "text": "1"},
        }
        assert questions["V01"] == {"choices": {"female": 1, "male": 1}, "verified": {"choices": {"female": 1}}}
        assert questions["X05"]["sum"] == 20
        assert questions["X06"]["sum"] == 0.3
        assert questions["X05"]["verified"] == {"answered": 1, "sum": 3, "min": 3, "max": 3}
        assert "finding" not in questions["V17"]

    def test_a_refuted_violation_sets_its_answer_aside_and_comes_back(self, world):
        first = report(world, answers={"V03": "yes"})
        decide(first, "refuted", "FRD-05")
        document = get_summary(world)
        assert document["stages"]["voting"]["questions"]["V03"]["finding"] == {
            "n": 0,
            "of": 1,
            "text": "0",
            "refuted": 1,
        }
        assert document["violations"]["by_type"]["FRD-05"]["refuted"] == 1
        decide(first, "reported", "FRD-05")
        assert get_summary(world)["stages"]["voting"]["questions"]["V03"]["finding"]["n"] == 1

    def test_two_observers_of_one_event_are_two_reports_and_one_case(self, world):
        case = Case.objects.create(commission=world.tree["KZ-1-1-1"], created_at=DAY)
        for phone in (world.first, world.second):
            decide(report(world, phone, answers={"V03": "yes"}), "confirmed", "FRD-05", case)
        violations = get_summary(world)["violations"]
        assert violations["by_type"]["FRD-05"] == {
            "reported": 2,
            "confirmed": 1,
            "refuted": 0,
            "solved": 0,
            "passed_on": 0,
        }
        assert violations["by_severity"] == {"critical": {"reported": 2, "confirmed": 1}}
        assert violations["by_group"] == {"fraud": {"reported": 2, "confirmed": 1}}
        assert get_summary(world)["children"][0]["violations"] == {"reported": 2, "confirmed": 1}

    def test_denied_access_is_an_incident_and_no_observation(self, world):
        denied = report(world, checklist="incident")
        coverage = get_summary(world)["coverage"]
        assert (coverage["precincts_denied"], coverage["precincts_observed"]) == (1, 0)
        decide(denied, "refuted", "ACC-01")
        assert get_summary(world)["coverage"]["precincts_denied"] == 0

    def test_one_observer_at_two_stations_is_one_observer(self, world):
        report(world, commission="KZ-1-1-1")
        report(world, commission="KZ-2-1-1")
        document = get_summary(world)
        assert document["coverage"]["observers"] == 1
        assert [child["coverage"]["observers"] for child in document["children"]] == [1, 1]

    def test_slots_and_contests_are_listed_apart(self, world):
        contest = Contest.objects.create(election=world.election, code="party-list")
        report(world, slot="10:05", contest=contest.code, answers={"X05": 10})
        report(world, slot="12:05", contest=contest.code, answers={"X05": 30})
        voting = get_summary(world)["stages"]["voting"]
        assert "X05" not in voting["questions"]
        assert [(p["contest"], p["slot"], p["questions"]["X05"]["sum"]) for p in voting["parts"]] == [
            ("party-list", "10:05", 10),
            ("party-list", "12:05", 30),
        ]
        assert (voting["reports"], voting["commissions"]) == (2, 1)

    def test_versions_are_pooled(self, world):
        make_version(world.versions["voting"].checklist, 2, QUESTIONS["voting"])
        report(world)
        store_report(world.second, payload() | {"checklist": {"code": "voting", "version": 2}})
        assert get_summary(world)["stages"]["voting"]["questions"]["V03"]["no"] == 2

    def test_a_code_of_two_checklists_of_one_stage_names_two_questions(self, world):
        checklist = world.election.checklists.create(code="urban", stage="voting", order=9, repeat="visit", titles={})
        make_version(
            checklist, 1, [{"code": "V90", "type": "choice", "choices": ["x"]}, {"code": "U1", "type": "yes_no"}]
        )
        body = payload() | {"checklist": {"code": "urban", "version": 1}, "answers": {"V90": "x", "U1": "yes"}}
        store_report(world.first, body)
        assert get_summary(world)["stages"]["voting"]["questions"].keys() == {"urban:V90", "U1"}
        report(world, world.second)
        assert {"V90", "urban:V90", "U1"} <= get_summary(world)["stages"]["voting"]["questions"].keys()


class TestSetAside:
    @pytest.mark.parametrize("way", ["reject", "hold", "rehearsal", "quarantine"])
    def test_it_leaves_all_figures_and_comes_back_into_them(self, world, way):
        report(world, world.second, commission="KZ-1-1-2")
        one = report(world, answers={"V03": "yes"})
        before = get_summary(world)
        decision = {"user": None, "now": DAY}
        observer = {"observer": world.first.observer, "election": world.election}
        {
            "reject": lambda: decisions.reject_report(report=one, **decision),
            "hold": lambda: decisions.hold_report(report=one, **decision),
            "rehearsal": lambda: decisions.set_rehearsal(report=one, rehearsal=True, **decision),
            "quarantine": lambda: decisions.quarantine_observer(**observer, **decision),
        }[way]()
        without = get_summary(world)
        assert without["coverage"]["reports"] == without["coverage"]["observers"] == 1
        assert without["violations"]["reports"] == 0
        {
            "reject": lambda: decisions.restore_report(report=one, **decision),
            "hold": lambda: decisions.restore_report(report=one, **decision),
            "rehearsal": lambda: decisions.set_rehearsal(report=one, rehearsal=False, **decision),
            "quarantine": lambda: decisions.restore_observer(**observer, **decision),
        }[way]()
        after = get_summary(world)
        assert after["revision"] > before["revision"]
        changing = ("revision", "as_of")
        assert {k: v for k, v in after.items() if k not in changing} == {
            k: v for k, v in before.items() if k not in changing
        }

    def test_a_correction_stands_in_the_place_of_what_it_corrects(self, world):
        wrong = report(world, answers={"V03": "yes"})
        report(world, answers={"V03": "no"}, supersedes=str(wrong.uuid))
        document = get_summary(world)
        assert document["coverage"]["reports"] == 1
        assert document["stages"]["voting"]["questions"]["V03"]["yes"] == 0


class TestRecomputing:
    def test_an_equal_recomputation_changes_nothing_and_disturbs_nobody(self, world):
        report(world)
        get_summary(world)
        before = list(Summary.objects.order_by("pk").values())
        mark_election_due(election=world.election, now=DAY)
        recompute_due_summaries()
        assert list(Summary.objects.order_by("pk").values()) == before
        mark_due(commissions=[world.tree["KZ-1-1-1"].pk], now=DAY)
        assert recompute_due_summaries() == 1

    def test_one_report_recomputes_its_own_place_and_those_above_only(self, world):
        report(world)
        get_summary(world)
        report(world, world.second)
        assert recompute_due_summaries() == 4

    def test_time_is_passed_in(self, world):
        report(world)
        recompute_due_summaries(now=lambda: DAY)
        assert get_summary(world)["as_of"] == "2022-11-20T04:00:00Z"

    def test_it_stops_after_as_many_as_it_was_told_and_the_rest_waits(self, world):
        report(world)
        assert recompute_due_summaries(max_commissions=1) == 1
        assert Due.objects.exists()
        get_summary(world)

    def test_a_moved_commission_leaves_one_branch_and_joins_the_other(self, world):
        report(world)
        get_summary(world)
        place, old, new = (world.tree[code] for code in ("KZ-1-1-1", "KZ-1-1", "KZ-2-1"))
        place.parent, place.path = new, new.path + place.code + "/"
        place.save()
        mark_due(commissions=[old.pk, new.pk], now=DAY)
        assert get_summary(world, "KZ-1")["coverage"]["reports"] == 0
        assert (
            get_summary(world, "KZ-2")["coverage"] | {"reports": 1, "precincts": 7}
            == get_summary(world, "KZ-2")["coverage"]
        )

    def test_another_elections_figures_are_its_own(self, world):
        other = make_election("other-2022")
        make_checklists(other)
        report(world)
        get_summary(world)
        assert not Summary.objects.filter(commission__election=other).exists()

    def test_a_change_of_what_a_violation_means_reaches_the_figures_after_a_recount(self, world):
        report(world, answers={"V03": "yes"})
        get_summary(world)
        ViolationType.objects.filter(election=world.election, code="FRD-05").update(severity="minor")
        assert check_summaries().different
        mark_election_due(election=world.election, now=DAY)
        assert get_summary(world)["violations"]["by_severity"] == {"minor": {"reported": 1, "confirmed": 0}}


class TestTheTree:
    def test_children_always_add_up_to_their_parent(self, world):
        for number, code in enumerate(["KZ-1-1-1", "KZ-1-2-3", "KZ-2-1-1", "KZ-2-2-2"]):
            phone = world.enrol_phone(f"OB-{number}X")
            report(world, phone, commission=code, answers={"V03": "yes", "X05": number})
        for code in ("KZ", "KZ-1", "KZ-2-2"):
            document = get_summary(world, code)
            for figure in ("precincts", "precincts_observed", "reports"):
                assert document["coverage"][figure] == sum(child["coverage"][figure] for child in document["children"])
            reported = sum(child["violations"]["reported"] for child in document["children"])
            assert document["violations"]["reports"] == reported


class TestPublication:
    def test_below_the_district_nothing_is_public_until_the_window_has_closed(self, world):
        report(world)
        during = get_summary(world, "KZ-1-1", now=DAY)
        assert (during["children"], during["children_withheld"]) == ([], 3)
        after = get_summary(world, "KZ-1-1")
        assert (len(after["children"]), after["children_withheld"]) == (3, 0)

    @pytest.mark.parametrize(
        ("publication", "code", "now", "expected"),
        [
            ("closed", "KZ", AFTER, False),
            ("released", "KZ", AFTER, False),
            ("live", "KZ", DAY, True),
            ("live", "KZ-1-1", DAY, True),
            ("live", "KZ-1-1-1", DAY, False),
            ("live", "KZ-1-1-1", AFTER, True),
            ("released", "KZ-1-1-1", AFTER, False),
        ],
    )
    def test_what_is_public_when(self, world, publication, code, now, expected):
        place = world.tree[code]
        place.election.publication = publication
        assert is_public(commission=place, now=now) is expected

    def test_an_election_may_name_the_hour_itself(self, world):
        place = world.tree["KZ-1-1-1"]
        place.election.precincts_public_from = DAY
        assert is_public(commission=place, now=DAY)
        assert not is_public(commission=place, now=DAY - timedelta(seconds=1))

    def test_no_observer_is_named_or_listed(self, world):
        report(world)
        text = str(get_summary(world))
        observer = Observer.objects.get(pk=world.first.observer.pk)
        assert observer.code not in text
        assert observer.name not in text


class TestCommands:
    def test_checking_says_so_where_all_is_well(self, world):
        report(world, answers={"V03": "yes"})
        get_summary(world)
        output = io.StringIO()
        call_command("check_summaries", stdout=output)
        assert "are what the reports say" in output.getvalue()

    def test_checking_says_what_differs(self, world):
        report(world, answers={"V03": "yes", "X05": 3})
        get_summary(world)
        row = Summary.objects.get(commission=world.tree["KZ-1"])
        row.tally["reports"] = 7
        row.tally["stages"]["voting"]["lists"]["voting"]["X05"]["numbers"]["all"]["sum"] = "4"
        row.observers = b""
        row.children[0]["coverage"]["reports"] = 9
        row.save()
        output = io.StringIO()
        with pytest.raises(CommandError):
            call_command("check_summaries", stdout=output)
        for words in ("KZ-1 differs", "reports: stored 7, counted 1", "sum, min or max", "observers", "is listed with"):
            assert words in output.getvalue()

    def test_a_report_that_nobody_announced_is_noticed(self, world):
        one = report(world)
        get_summary(world)
        Report.objects.filter(pk=one.pk).update(state="rejected")
        assert check_summaries().different.keys() == {"KZ", "KZ-1", "KZ-1-1", "KZ-1-1-1"}

    def test_what_still_waits_is_said_to_wait(self, world):
        report(world)
        checked = check_summaries()
        assert (checked.different, checked.waiting) == ({}, 4)
