"""Creating an election from a pack or as a copy, exactly once, and inviting observers to it."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client

from observer.models import Assignment, Commission, Consent, Contest, Device, Election, Grant, Observer, Trail, User
from observer.services.devices.enrolment import create_enrolment_code, enrol_device, record_consent
from observer.services.devices.tokens import find_device_by_token_hash
from reports.models import Checklist, ChecklistVersion, Due, Question, Report, SetAside, ViolationType
from reports.services.elections.elections import NewElection, copy_election
from reports.services.elections.invitations import ElectionPurged, count_invitations, invite_observers
from reports.services.elections.packs import ElectionExists
from reports.services.elections.readiness import load_observer_progress
from reports.services.operations.purge import purge_people
from tests.support.intake import store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, make_election, make_observer, make_texts, make_tree, payload

pytestmark = pytest.mark.django_db
ADDRESS = "/desk/new/?from=election:test-2022"


@pytest.fixture
def administrator(world: World) -> User:
    user = User.objects.create_user("administrator", is_staff=True)
    Grant.objects.create(user=user, role="administrator", commission=world.tree["KZ"])
    return user


@pytest.fixture
def client(administrator: User) -> Client:
    return login(administrator)


def login(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_form_data(**fields) -> dict:
    return {
        "press": str(uuid4()),
        "slug": "akim-2023",
        "date": "2023-11-05",
        "languages": "ru, kk",
        "name_ru": "Аким",
        "name_kk": "Әкім",
        "name_en": "",
        "opens_at": "",
        "closes_at": "",
        "branch": "",
        "contests": "on",
        "publish": "on",
        "make": "1",
    } | fields


def make_new_election(slug: str = "next-2023", **fields) -> NewElection:
    return NewElection(
        **{
            "slug": slug,
            "names": make_texts("Next"),
            "date": date(2023, 11, 5),
            "languages": ["kk", "ru", "en"],
            "opens_at": None,
            "closes_at": None,
            "idempotency_key": str(uuid4()),
        }
        | fields
    )


def copy_world_election(world: World, user: User, **fields) -> Election:
    given = {"branch": None, "contests": True, "publish": True, "now": DAY} | fields
    return copy_election(source=world.election, user=user, **{"new_election": make_new_election(), **given})


class TestCopy:
    def test_has_tree_checklists_and_contests_but_no_people(self, world: World, administrator: User):
        everywhere = Contest.objects.create(election=world.election, code="president", names=make_texts("president"))
        here = Contest.objects.create(election=world.election, code="akim", names=make_texts("akim"))
        here.scope.add(world.tree["KZ-1-1"])
        store_report(world.first, payload())
        copied = copy_world_election(world, administrator)
        old, new = (
            {(c.path, c.depth, c.level.code, c.parent and c.parent.code) for c in tree(one)}
            for one in (world.election, copied)
        )
        assert new == old and len(new) == 19
        assert {c.parent.election_id for c in tree(copied) if c.parent} == {copied.pk}
        assert {contest.code: [place.code for place in contest.scope.all()] for contest in copied.contests.all()} == {
            everywhere.code: [],
            here.code: ["KZ-1-1"],
        }
        hashes = ChecklistVersion.objects.filter(checklist__election=copied).values_list("checklist__code", "number")
        assert set(hashes) == {(code, 1) for code in world.versions}
        assert not ChecklistVersion.objects.filter(checklist__election=copied, published_at=None).exists()
        assert ViolationType.objects.filter(election=copied).exclude(group__election=copied).count() == 0
        assert ViolationType.objects.filter(election=copied).count() == 6
        assert not Assignment.objects.filter(election=copied).exists() and not copied.observers.exists()
        assert not Report.objects.filter(commission__election=copied).exists()
        assert Due.objects.filter(commission__election=copied).count() == 19
        assert world.tree["KZ"].election == world.election  # the earlier one is as it was
        assert Question.objects.filter(version=world.versions["voting"]).count() == 17

    def test_is_a_draft_with_the_same_local_hours_on_the_new_day(self, world: World, administrator: User):
        Election.objects.update(
            windows={"voting": ["2022-11-20T01:00:00+00:00", "2022-11-20T15:00:00+00:00"]},
            emergency_contact="112",
            rules={"sample": True, "schedule": [], "choice_languages": ["kk", "ru", "en"]},
        )
        world.election.refresh_from_db()
        copied = copy_world_election(world, administrator, new_election=make_new_election(languages=["en", "kk"]))
        assert (copied.state, copied.opens_at, copied.closes_at) == (
            "draft",
            datetime(2023, 11, 4, 18, tzinfo=UTC),
            datetime(2023, 11, 6, 6, tzinfo=UTC),
        )
        assert copied.get_window("voting")[0] == datetime(2023, 11, 5, 1, tzinfo=UTC)
        assert copied.rules == {"schedule": [], "choice_languages": ["kk", "en"]} and copied.languages == ["en", "kk"]
        assert copied.relay_key and copied.relay_key != world.election.relay_key and copied.emergency_contact == "112"

    def test_of_a_branch_includes_its_ancestors(self, world: World, administrator: User):
        far = Contest.objects.create(election=world.election, code="far", names=make_texts("far"))
        far.scope.add(world.tree["KZ-2-1"])
        copied = copy_world_election(world, administrator, branch=world.tree["KZ-1-2"])
        assert [c.code for c in tree(copied)] == ["KZ", "KZ-1", "KZ-1-2", "KZ-1-2-1", "KZ-1-2-2", "KZ-1-2-3"]
        assert not copied.contests.exists()

    def test_takes_the_latest_published_version_and_may_leave_it_unpublished(self, world: World, administrator: User):
        checklist = world.versions["voting"].checklist
        checklist.versions.create(number=2)
        Checklist.objects.create(election=world.election, code="later", stage="later").versions.create(number=1)
        copied = copy_world_election(world, administrator, publish=False)
        versions = {one.checklist.code: one for one in ChecklistVersion.objects.filter(checklist__election=copied)}
        assert set(versions) == {*world.versions, "later"}
        assert {one.published_at for one in versions.values()} == {None}
        assert versions["voting"].questions.count() == 17
        versions["voting"].questions.filter(code="V03").update(labels=make_texts("another wording"))

    def test_makes_its_creator_administrator(self, world: World, administrator: User, root: User):
        copied = copy_world_election(world, administrator)
        assert [(one.role, one.commission.code) for one in Grant.objects.filter(commission__election=copied)] == [
            ("administrator", "KZ")
        ]
        assert not Grant.objects.filter(
            commission__election=copy_world_election(world, root, new_election=make_new_election("other"))
        ).exists()

    def test_with_a_slug_that_is_taken_creates_nothing(self, world: World, administrator: User):
        with pytest.raises(ElectionExists):
            copy_world_election(world, administrator, new_election=make_new_election("test-2022"))
        assert Commission.objects.count() == 19


class TestPage:
    def test_shows_counts_before_it_creates_an_election(self, client: Client, world: World):
        given = make_form_data(branch="KZ-1-2")
        del given["make"]
        answer = client.post(ADDRESS, given)
        counted = answer.context["counted"]
        assert (counted.commissions, counted.stations, counted.checklists, counted.violations) == (6, 3, 4, 6)
        assert Election.objects.count() == 1
        answer = client.post(
            ADDRESS, make_form_data(branch="KZ-1-2", opens_at="2023-11-05T06:00", closes_at="2023-11-06T02:00")
        )
        assert answer.headers["location"] == "/desk/akim-2023/ready/"
        copied = Election.objects.get(slug="akim-2023")
        assert copied.opens_at == datetime(2023, 11, 5, 0, tzinfo=UTC)  # 06:00 local time
        assert (copied.languages, copied.names) == (["ru", "kk"], {"ru": "Аким", "kk": "Әкім"})
        assert client.get("/desk/akim-2023/ready/").status_code == 200

    def test_submitted_twice_creates_one_election(self, client: Client):
        given = make_form_data()
        assert {client.post(ADDRESS, given).headers["location"] for _ in range(2)} == {"/desk/akim-2023/ready/"}
        assert Election.objects.count() == 2
        assert b"errorlist" in client.post(ADDRESS, make_form_data()).content  # another form, the same slug
        assert Election.objects.count() == 2

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("slug", {"slug": "test-2022"}),
            ("slug", {"slug": "а б"}),
            ("slug", {"slug": ""}),
            ("date", {"date": "2023-02-30"}),
            ("languages", {"languages": "ru, de"}),
            ("languages", {"languages": "ru, ru"}),
            ("languages", {"languages": ","}),
            ("name_kk", {"name_kk": ""}),
            ("name_ru", {"name_ru": "x" * 201}),
            ("branch", {"branch": "KZ-9"}),
            ("branch", {"branch": "' OR 1=1"}),
            ("closes_at", {"opens_at": "2023-11-05T06:00"}),
            ("closes_at", {"opens_at": "2023-11-05T06:00", "closes_at": "2023-11-05T05:00"}),
            ("press", {"press": "1"}),
        ],
    )
    def test_reports_the_wrong_field(self, client: Client, field: str, wrong: dict):
        answer = client.post(ADDRESS, make_form_data(**wrong))
        assert answer.status_code == 200 and set(answer.context["form"].errors) == {field}
        assert Election.objects.count() == 1

    def test_offers_packs_to_superusers_and_elections_to_their_administrators(
        self, client: Client, root: User, world: World
    ):
        make_tree(make_election("foreign-2022"))
        assert client.get("/desk/new/?from=pack:kz").status_code == 404
        assert client.get("/desk/new/?from=election:foreign-2022").status_code == 404
        assert client.get("/desk/new/?from=election:nothing").status_code == 404
        assert [one.slug for one in client.get("/desk/new/").context["sources"]] == ["test-2022"]
        part = User.objects.create_user("part", is_staff=True)
        Grant.objects.create(user=part, role="administrator", commission=world.tree["KZ-1"])
        assert login(part).get("/desk/new/").status_code == 404
        superuser = login(root)
        assert superuser.get("/desk/new/?from=pack:../kz").status_code == 404
        given = make_form_data(name_en="Akim", languages="kk, ru, en")
        assert superuser.post("/desk/new/?from=pack:kz", given).headers["location"] == "/desk/akim-2023/ready/"
        copied = Election.objects.get(slug="akim-2023")
        assert copied.pack == "kz" and copied.state == "draft"
        assert superuser.post("/desk/new/?from=pack:kz", given).headers["location"] == "/desk/akim-2023/ready/"
        assert superuser.get("/desk/akim-2023/ready/").status_code == 200

    def test_is_the_first_page_of_the_desk_without_an_election(self, root: User):
        assert login(root).get("/desk/").headers["location"] == "/desk/new/"
        assert login(root).get("/desk/new/").context["packs"] == ["kz"]


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def test_two_submissions_create_one_election(self, world: World, administrator: User):
        given, clients = make_form_data(), [login(administrator) for _ in range(2)]
        answers = run_concurrently([lambda one=one: one.post(ADDRESS, given) for one in clients])
        assert {answer.headers.get("location") for answer in answers} == {"/desk/akim-2023/ready/"}
        assert Election.objects.count() == 2 and Commission.objects.count() == 38
        assert Trail.objects.filter(action="election.create").count() == 1

    def test_two_invitations_invite_everybody_once(self, world: World, administrator: User):
        copied = copy_world_election(world, administrator)
        people = Observer.objects.filter(elections=world.election) | Observer.objects.filter(
            assignments__election=world.election
        )
        done = run_concurrently(
            [
                lambda: invite_observers(
                    source=world.election, election=copied, people=people.distinct(), user=administrator, now=DAY
                )
            ]
            * 2
        )
        assert sorted(one.invited for one in done) == [0, 2]
        assert copied.observers.count() == Consent.objects.filter(election=copied).count() == 2


class TestInvitedObservers:
    @pytest.fixture
    def copied(self, world: World, administrator: User) -> Election:
        world.election.observers.add(world.first.observer, world.second.observer)
        record_consent(observer=world.first.observer, election=world.election, version=1, given_at=DAY)
        return copy_world_election(world, administrator)

    def invite(self, world: World, copied: Election, user: User) -> int:
        people = Observer.objects.filter(elections=world.election)
        return invite_observers(source=world.election, election=copied, people=people, user=user, now=DAY).invited

    def test_have_not_consented_until_they_accept_on_their_phone(
        self, world: World, copied: Election, administrator: User
    ):
        assert (self.invite(world, copied, administrator), self.invite(world, copied, administrator)) == (2, 0)
        mine = Observer.objects.filter(pk=world.first.observer.pk)
        (progress,) = load_observer_progress(election=copied, people=mine)
        assert (progress.code, progress.enrolled, progress.consented, progress.sent) == ("OB-2222", False, False, False)
        device = find_device_by_token_hash(token_hash=Device.objects.get(observer=world.first.observer).token_hash)
        assert device is not None and device.election == world.election  # the phone of before speaks there alone
        assert not Device.objects.filter(election=copied).exists()
        me = Client(headers=world.first.auth).get("/api/v1/me").json()
        assert me["election"]["slug"] == "test-2022" and me["consent"]["accepted_version"] == 1
        code = create_enrolment_code(observer=world.first.observer, election=copied, now=DAY, user=administrator)
        fresh = Client(
            headers={
                "authorization": f"Bearer {enrol_device(code=code, device_name='', device_id=None, now=DAY).token}"
            }
        )
        assert fresh.get("/api/v1/me").json()["consent"]["accepted_version"] is None
        body = {"document": "code-of-conduct", "version": 1, "at": "2022-11-20T12:00:00Z"}
        assert fresh.post("/api/v1/me/consent", body, content_type="application/json").status_code == 200
        (progress,) = load_observer_progress(election=copied, people=mine)
        assert progress.enrolled and progress.consented
        assert Trail.objects.filter(election=copied, action="observer.consent").exists()

    def test_do_not_include_those_set_aside_or_without_personal_data(
        self, world: World, copied: Election, administrator: User
    ):
        SetAside.objects.create(observer=world.second.observer, election=world.election, user=administrator, at=DAY)
        nobody = make_observer("OB-5555", world.organisation, name="", phone="", email="")
        world.election.observers.add(nobody)
        people = Observer.objects.filter(elections=world.election)
        counted = count_invitations(source=world.election, election=copied, people=people)
        assert (counted.invited, counted.there, counted.left_out) == (1, 0, 2)

    def test_cannot_come_from_a_purged_election(self, world: World, copied: Election, administrator: User):
        Election.objects.filter(pk=world.election.pk).update(state="closed")
        world.election.refresh_from_db()
        Trail.objects.create(at=DAY, action="election.purge", subject="election:1", election=world.election)
        with pytest.raises(ElectionPurged):
            self.invite(world, copied, administrator)
        answer = login(administrator).post(f"/desk/{copied.slug}/invite/", {"source": world.election.pk, "invite": "1"})
        assert "source" in answer.context["form"].errors and not copied.observers.exists()

    @pytest.mark.django_db(transaction=True)
    def test_who_never_consent_are_purged_with_the_earlier_election(
        self, world: World, copied: Election, administrator: User
    ):
        self.invite(world, copied, administrator)
        record_consent(observer=world.second.observer, election=copied, version=1, given_at=DAY)
        Election.objects.filter(pk=world.election.pk).update(state="closed")
        world.election.refresh_from_db()
        purge_people(election=world.election, user=None, now=world.election.closes_at + timedelta(days=1))
        assert [one.name for one in Observer.objects.order_by("code")] == ["", "Name of OB-3333"]

    def test_are_counted_but_not_named_on_the_page(self, world: World, copied: Election, administrator: User):
        client, given = login(administrator), {"source": world.election.pk}
        answer = client.post(f"/desk/{copied.slug}/invite/", given)
        assert answer.context["counted"].invited == 2 and not copied.observers.exists()
        assert b"Name of" not in answer.content and b"OB-2222" not in answer.content
        answer = client.post(f"/desk/{copied.slug}/invite/", given | {"invite": "1"})
        assert (
            answer.headers["location"] == f"/desk/{copied.slug}/enrolled/?show=unenrolled"
            and copied.observers.count() == 2
        )
        assert Trail.objects.get(action="observers.invite").detail == {"from": "test-2022", "number": 2}

    def test_come_only_from_elections_that_the_user_administers(
        self, world: World, copied: Election, administrator: User
    ):
        foreign = make_election("foreign-2022")
        foreign.observers.add(make_observer("OB-7777", world.organisation))
        answer = login(administrator).post(f"/desk/{copied.slug}/invite/", {"source": foreign.pk, "invite": "1"})
        assert "source" in answer.context["form"].errors and not copied.observers.exists()


def tree(election: Election) -> list[Commission]:
    return list(election.commissions.select_related("level", "parent").order_by("path"))
