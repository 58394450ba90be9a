"""Flags of a report: what is unusual about it but no error."""

from datetime import UTC, datetime, timedelta

import pytest

from observer.geo import compute_distance_metres
from observer.models import Assignment, Election
from reports.models import Due, Report
from tests.support.intake import store_report
from tests.support.world import DAY, World, make_election, payload

SECOND = timedelta(seconds=1)
OPENS = datetime(2022, 11, 19, 18, tzinfo=UTC)
CLOSES = datetime(2022, 11, 21, 6, tzinfo=UTC)


def make_payload_observed_at(observed: datetime, **fields):
    return payload(observed_at=observed.isoformat(), **fields)


class TestTheWindow:
    """Both times inside: no flag. One outside: flagged and counted. Both outside: flagged and held."""

    @pytest.mark.parametrize(
        ("observed", "received", "flags", "state"),
        [
            (OPENS, OPENS, set(), "received"),
            (OPENS, CLOSES, set(), "received"),
            (CLOSES, CLOSES, set(), "received"),
            (OPENS - SECOND, OPENS, {"outside_window"}, "received"),
            (CLOSES, CLOSES + SECOND, {"outside_window"}, "received"),
            (OPENS, CLOSES + timedelta(days=5), {"outside_window"}, "received"),
            (CLOSES + SECOND, CLOSES, {"outside_window"}, "received"),
            (OPENS - SECOND, OPENS - SECOND, {"outside_window", "held"}, "held"),
            (CLOSES + SECOND, CLOSES + SECOND, {"outside_window", "held"}, "held"),
            (OPENS - SECOND, CLOSES + SECOND, {"outside_window", "held"}, "held"),
            (CLOSES + SECOND, OPENS - SECOND, {"outside_window", "held", "clock_off"}, "held"),
        ],
    )
    def test_judges_by_both_times(self, world: World, observed, received, flags, state):
        report = store_report(world.first, make_payload_observed_at(observed), now=received)
        assert set(report.flags) == flags
        assert report.state == state
        assert Report.objects.counted().filter(pk=report.pk).exists() == (state == "received")

    def test_a_held_report_is_stored_and_due_all_the_same(self, world: World):
        report = store_report(world.first, make_payload_observed_at(CLOSES + SECOND), now=CLOSES + SECOND)
        assert Due.objects.filter(commission=report.commission_id).count() == 1

    def test_a_checklist_may_have_a_window_of_its_own(self, world: World):
        world.election.windows = {"opening": ["2022-11-20T00:00:00Z", "2022-11-20T03:00:00+00:00"]}
        world.election.save()
        for phone in (world.first, world.second):
            phone.device.election.refresh_from_db()
        inside = store_report(world.first, payload("opening", observed_at="2022-11-20T03:00:00Z"), now=DAY)
        outside = store_report(world.second, payload("opening", observed_at="2022-11-20T03:00:01Z"), now=DAY)
        voting = store_report(world.second, payload("voting", observed_at="2022-11-20T03:00:01Z"), now=DAY)
        assert inside.flags == ["outside_window"]  # by its receipt at 04:00
        assert set(outside.flags) == {"outside_window", "held", "not_assigned"}
        assert "outside_window" not in voting.flags


class TestTheClock:
    TOLERANCE = timedelta(minutes=10)

    @pytest.mark.parametrize(
        ("sent", "off"),
        [
            (timedelta(0), False),
            (TOLERANCE, False),
            (-TOLERANCE, False),
            (TOLERANCE + SECOND, True),
            (-TOLERANCE - SECOND, True),
            (timedelta(days=-365), True),
        ],
    )
    def test_is_off_where_the_phone_sent_it_at_another_time_than_it_came(self, world: World, sent, off):
        report = store_report(world.first, payload(sent_at=(DAY + sent).isoformat()), now=DAY)
        assert ("clock_off" in report.flags) == off
        assert (report.sent_at, report.received_at) == (DAY + sent, DAY)

    @pytest.mark.parametrize(("ahead", "off"), [(timedelta(0), False), (TOLERANCE, False), (TOLERANCE + SECOND, True)])
    def test_is_off_where_the_observation_is_yet_to_come(self, world: World, ahead, off):
        assert ("clock_off" in store_report(world.first, make_payload_observed_at(DAY + ahead), now=DAY).flags) == off

    def test_is_not_off_where_a_report_waited_without_network(self, world: World):
        body = make_payload_observed_at(DAY - timedelta(hours=9))
        assert "clock_off" not in store_report(world.first, body, now=DAY).flags

    def test_a_phone_that_lost_its_clock_is_heard(self, world: World):
        body = payload(observed_at="1970-01-01T00:00:00Z", sent_at="1970-01-01T00:01:00Z")
        assert set(store_report(world.first, body).flags) == {"clock_off", "outside_window"}


class TestTheDistance:
    """The stations of the test country are at 43.25, 76.95; a degree of latitude is 111.2 km."""

    NEAR, FAR = 43.25 + 990 / 111_194.9, 43.25 + 1_010 / 111_194.9

    def test_is_a_great_circle_in_metres(self):
        assert compute_distance_metres(43.238, 76.945, 43.238, 76.945) == 0
        assert compute_distance_metres(0, 0, 0, 180) == pytest.approx(20_015_087, rel=1e-6)
        assert compute_distance_metres(51.1605, 71.4704, 43.2220, 76.8512) == pytest.approx(
            972_000, rel=0.01
        )  # Astana to Almaty
        assert compute_distance_metres(0, 179.999, 0, -179.999) == pytest.approx(222.4, rel=0.01)

    @pytest.mark.parametrize(
        ("place", "far"),
        [
            (None, False),
            ({"lat": 43.25, "lon": 76.95}, False),
            ({"lat": NEAR, "lon": 76.95}, False),
            ({"lat": FAR, "lon": 76.95}, True),
            ({"lat": FAR, "lon": 76.95, "accuracy": 0}, True),
            ({"lat": FAR, "lon": 76.95, "accuracy": 20}, False),
            ({"lat": 0, "lon": 0, "accuracy": 50}, True),
        ],
    )
    def test_counts_beyond_the_phones_own_doubt(self, world: World, place, far):
        assert ("far_from_station" in store_report(world.first, payload(location=place)).flags) == far

    def test_does_not_matter_with_the_portable_box(self, world: World):
        body = payload(location={"lat": 44, "lon": 76.95}, outside=True)
        assert store_report(world.first, body).flags == []

    def test_does_not_matter_at_a_territorial_commission(self, world: World):
        body = payload("tabulation", "KZ-1-1", location={"lat": 44, "lon": 76.95})
        assert "far_from_station" not in store_report(world.first, body).flags

    def test_is_unknown_where_the_station_has_no_place(self, world: World):
        station = world.tree["KZ-1-1-1"]
        station.lat = station.lon = None
        station.save()
        assert store_report(world.first, payload(location={"lat": 1, "lon": 1})).flags == []


class TestTheAssignment:
    @pytest.mark.parametrize(
        ("assigned", "about", "flagged"),
        [
            ("KZ-1-1-1", "KZ-1-1-1", False),
            ("KZ-1-1", "KZ-1-1-1", False),
            ("KZ-1", "KZ-1-1-1", False),
            ("KZ", "KZ-2-2-3", False),
            ("KZ-1-1-1", "KZ-1-1-2", True),
            ("KZ-1-1-1", "KZ-1-1", True),
            ("KZ-2", "KZ-1-1-1", True),
            (None, "KZ-1-1-1", True),
        ],
    )
    def test_covers_the_commission_and_all_below(self, world: World, assigned, about, flagged):
        phone = world.enrol_phone("OB-4444", assigned)
        assert ("not_assigned" in store_report(phone, payload("incident", about)).flags) == flagged

    def test_does_not_cover_a_code_that_only_begins_alike(self, world: World):
        other = world.tree["KZ-1-1-1"]
        alike = type(other).objects.create(
            election=world.election,
            parent=other.parent,
            level=other.level,
            code="KZ-1-1-11",
            depth=3,
            path=other.parent.path + "KZ-1-1-11/",
        )
        assert store_report(world.first, payload(commission=alike.code)).flags == ["not_assigned"]

    def test_may_be_one_of_several_and_of_a_team(self, world: World):
        team = Assignment.objects.create(election=world.election, commission=world.tree["KZ-2-1"])
        team.observers.add(world.first.observer, world.second.observer)
        for phone in (world.first, world.second):
            assert store_report(phone, payload(commission="KZ-2-1-3")).flags == []

    def test_of_another_election_covers_nothing_here(self, world: World):
        other = World(election=make_election("other"))
        phone = other.enrol_phone("OB-4444", "KZ")
        here = world.enrol_phone("OB-4444")
        assert store_report(here, payload()).flags == ["not_assigned"]
        assert store_report(phone, payload()).flags == []


class TestTheKindOfPlace:
    @pytest.mark.parametrize(
        ("checklist", "about", "flagged"),
        [
            ("voting", "KZ-1-1-1", False),
            ("voting", "KZ-1-1", True),
            ("opening", "KZ", True),
            ("tabulation", "KZ-1-1", False),
            ("tabulation", "KZ-1", False),
            ("tabulation", "KZ", False),
            ("tabulation", "KZ-1-1-1", True),
            ("incident", "KZ-1-1-1", False),
            ("incident", "KZ-1", False),
        ],
    )
    def test_is_flagged_where_the_checklist_is_about_another(self, world: World, checklist, about, flagged):
        phone = world.enrol_phone("OB-4444", "KZ")
        assert ("other_place" in store_report(phone, payload(checklist, about)).flags) == flagged


class TestARehearsal:
    def test_is_what_the_phone_says(self, world: World):
        report = store_report(world.first, payload(rehearsal=True))
        assert report.rehearsal
        assert report.flags == ["rehearsal"]
        assert not Report.objects.counted().exists()

    @pytest.mark.parametrize(
        ("state", "rehearsed"),
        [("draft", False), ("rehearsal", True), ("open", False), ("closed", False)],
    )
    def test_is_preset_by_the_election(self, world: World, state, rehearsed):
        Election.objects.filter(pk=world.election.pk).update(state=state)
        world.first.device.election.refresh_from_db()
        report = store_report(world.first, payload(rehearsal=False))
        assert report.rehearsal == rehearsed
        assert ("rehearsal" in report.flags) == rehearsed
