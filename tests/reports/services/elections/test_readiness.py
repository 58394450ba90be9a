"""Gaps before election day and enrolment status, by territory, with a fixed number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from observer.models import Assignment, Commission, Consent, Device, Election, Grant, Observer, SecondFactor, User
from observer.services.devices.enrolment import record_consent
from reports.models import Checklist
from reports.services.elections import readiness
from tests.support.intake import store_report
from tests.support.world import DAY, World, make_election, make_observer, make_texts, payload

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator(world: World) -> Client:
    user = User.objects.create_user("coordinator", is_staff=True)
    Grant.objects.create(user=user, role="territorial", commission=world.tree["KZ-1"])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def administrator(world: World, root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


def load_gaps(client: Client, place: str = "") -> dict[str, int]:
    answer = client.get("/desk/test-2022/ready/", {"at": place})
    assert answer.status_code == 200
    return {row["item"].code: row["number"] for row in answer.context["missing"]}


class TestGaps:
    def test_of_a_bare_election_are_listed(self, root: User):
        make_election("bare", opens_at=DAY - timedelta(days=9), closes_at=DAY - timedelta(days=8), state="draft")
        client = Client()
        client.force_login(root)
        answer = client.get("/desk/bare/ready/")
        found = {row["item"].code for row in answer.context["missing"]}
        assert {
            "tree",
            "everybody",
            "draft",
            "window",
            "hours",
            "emergency",
            "contests",
            "mirrors",
            "checklists",
        } <= found
        firsts = [row["item"].first for row in answer.context["missing"]]
        assert firsts == sorted(firsts, reverse=True)

    def test_of_commissions_are_counted_by_territory(self, world: World, administrator: Client):
        Commission.objects.filter(code="KZ-2-1-1").update(
            voters=900, address=make_texts("a street"), lat=None, lon=None
        )
        Commission.objects.filter(code="KZ-1-1").update(names={"ru": "Район"})
        whole, part = load_gaps(administrator), load_gaps(administrator, "KZ-1-1")
        assert (whole["voters"], whole["address"], whole["coordinates"], whole["names"]) == (11, 11, 1, 1)
        assert (whole["unobserved"], part["unobserved"], part["voters"]) == (10, 1, 3)
        assert "coordinates" not in part

    def test_a_territory_has_a_coordinator_above_at_or_below_it(self, world: World, administrator: Client):
        assert load_gaps(administrator)["uncoordinated"] == 6
        user = User.objects.create_user("district", is_staff=True)
        Grant.objects.create(user=user, role="territorial", commission=world.tree["KZ-1-1"])
        assert load_gaps(administrator)["uncoordinated"] == 4
        Grant.objects.create(user=user, role="territorial", commission=world.tree["KZ-2"])
        assert load_gaps(administrator)["uncoordinated"] == 1
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert load_gaps(administrator)["uncoordinated"] == 6

    def test_of_observers_decrease_with_their_progress(self, world: World, administrator: Client):
        world.election.observers.add(make_observer("OB-4444", world.organisation, accredited_until=DAY.date()))
        late = make_observer("OB-5555", world.organisation, accredited_until=DAY.date() - timedelta(days=1))
        world.election.observers.add(late)
        Election.objects.update(
            rules={"guide": {"documents": [{"code": "code-of-conduct", "points": make_texts("x")}]}}
        )
        before = load_gaps(administrator)
        assert {
            code: before[code] for code in ("unsent", "unaccredited", "unenrolled", "unconsented", "unrehearsed")
        } == {
            "unsent": 2,
            "unaccredited": 1,
            "unenrolled": 2,
            "unconsented": 4,
            "unrehearsed": 4,
        }
        record_consent(observer=world.first.observer, election=world.election, version=1, given_at=DAY)
        store_report(world.first, payload(rehearsal=True))
        Device.objects.filter(observer=world.second.observer).update(revoked_at=DAY)
        after = load_gaps(administrator)
        assert (after["unconsented"], after["unrehearsed"], after["unenrolled"]) == (3, 3, 3)

    def test_a_consent_to_an_older_code_or_to_another_election_does_not_count(self, world: World):
        other = make_election("other-2022")
        people = Observer.objects.filter(pk=world.first.observer.pk)
        record_consent(observer=world.first.observer, election=other, version=1, given_at=DAY)
        assert [one.consented for one in readiness.load_observer_progress(election=world.election, people=people)] == [
            False
        ]
        record_consent(observer=world.first.observer, election=world.election, version=1, given_at=DAY)
        assert [one.consented for one in readiness.load_observer_progress(election=world.election, people=people)] == [
            True
        ]
        Election.objects.filter(pk=world.election.pk).update(conduct_version=2)
        assert [one.consented for one in readiness.load_observer_progress(election=world.election, people=people)] == [
            False
        ]
        assert Consent.objects.count() == 2

    def test_of_checklists_and_translations_are_counted(self, world: World, administrator: Client):
        world.versions["voting"].checklist.versions.create(number=2)
        Checklist.objects.create(election=world.election, code="later", stage="later", titles={"ru": "Позже"})
        found = load_gaps(administrator)
        assert (found["drafts"], found["unpublished"], found["words"]) == (1, 1, 1)
        Election.objects.update(languages=["kk", "ru", "en", "uz"])
        assert load_gaps(administrator)["questions"] == 5  # of the versions that would be asked: the draft has none

    def test_of_the_election_are_shown_to_administrators_only(
        self, world: World, coordinator: Client, administrator: Client
    ):
        assert not {"emergency", "second_factor", "backup"} & load_gaps(coordinator).keys()
        assert {"emergency", "second_factor", "backup"} <= load_gaps(administrator).keys()
        SecondFactor.objects.create(user=User.objects.get(username="coordinator"), secret="A" * 32, since=DAY)
        assert "second_factor" not in load_gaps(administrator)

    def test_invalid_windows_of_checklists_are_counted(self, world: World, administrator: Client):
        wrong = {
            "voting": ["2022-11-20T10:00:00+00:00", "2022-11-20T09:00:00+00:00"],
            "opening": ["x"],
            "incident": None,
        }
        Election.objects.update(windows=wrong)
        election = Election.objects.get()
        assert readiness.count_election_gaps(election=election, now=DAY)["windows"] == 3

    def test_number_of_queries_does_not_depend_on_size(self, world: World, administrator: Client):
        def count_queries() -> int:
            with CaptureQueriesContext(connection) as seen:
                load_gaps(administrator)
                administrator.get("/desk/test-2022/enrolled/")
                administrator.get("/desk/test-2022/ready/places/?lack=voters")
            return len(seen)

        load_gaps(administrator)
        small = count_queries()
        add_stations(world)
        assert count_queries() == small <= 90

    def test_of_another_territory_are_not_found(self, world: World, coordinator: Client):
        for page in ("ready", "ready/places", "enrolled"):
            assert coordinator.get(f"/desk/test-2022/{page}/", {"at": "KZ-2"}).status_code == 404
            assert coordinator.get(f"/desk/test-2022/{page}/", {"at": "nowhere"}).status_code == 404
        assert set(load_codes(coordinator, "unenrolled")) == set()


class TestEnrolmentStatus:
    def test_is_shown_by_territory_and_by_code(self, world: World, coordinator: Client):
        world.enrol_phone("OB-4444", "KZ-1-2-1")
        world.enrol_phone("OB-6666", "KZ-2-1-1")
        Device.objects.filter(observer__code="OB-4444").delete()
        store_report(world.first, payload(rehearsal=True))
        answer = coordinator.get("/desk/test-2022/enrolled/")
        assert answer.context["total"] == [3, 2, 0, 1, 1]
        lines = {line["place"].code: line["figures"] for line in answer.context["lines"]}
        assert lines == {"KZ-1-1": [2, 2, 0, 1, 0], "KZ-1-2": [1, 0, 0, 0, 1]}
        assert load_codes(coordinator, "neither") == ["OB-4444"]
        assert load_codes(coordinator, "unrehearsed") == ["OB-3333", "OB-4444"]
        assert load_codes(coordinator, "no such filter") == ["OB-2222", "OB-3333", "OB-4444"]
        assert b"Name of" not in answer.content and b"+7701" not in answer.content

    def test_leaves_out_assignments_that_end_before_the_day(self, world: World, coordinator: Client):
        Assignment.objects.filter(observers=world.second.observer).update(ends_at=world.election.opens_at)
        assert load_codes(coordinator, "") == ["OB-2222"]


def load_codes(client: Client, show: str) -> list[str]:
    answer = client.get("/desk/test-2022/enrolled/", {"show": show})
    return [one.code for one in answer.context["part"].object_list]


def add_stations(world: World) -> None:
    """Adds two hundred stations, each with its observer."""
    above = world.tree["KZ-2-2"]
    level = world.tree["KZ-2-2-1"].level
    places = Commission.objects.bulk_create(
        Commission(
            election=world.election,
            parent=above,
            level=level,
            code=f"{above.code}-{n}",
            depth=3,
            path=f"{above.path}{above.code}-{n}/",
            names=make_texts(str(n)),
        )
        for n in range(10, 210)
    )
    for place in places:
        world.enrol_phone(f"OB-L{place.pk}", None)
        observer = Observer.objects.get(code=f"OB-L{place.pk}")
        Assignment.objects.create(election=world.election, commission=place).observers.add(observer)
