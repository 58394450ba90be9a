"""A new election from a pack or an earlier one, made once; its observers are asked, and hold nothing there until they consent."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client

from observer.models import Assignment, Commission, Consent, Contest, Device, Election, Grant, Observer, Trail, User
from observer.services.devices.enrolment import consent_record, enrol, enrolment_create
from observer.services.devices.tokens import sender_find
from reports.models import Checklist, ChecklistVersion, Due, Question, Report, SetAside, ViolationType
from reports.services.elections.elections import Wanted, election_copy
from reports.services.elections.invitations import Gone, invitation_counted, observers_invite
from reports.services.elections.packs import ElectionExists
from reports.services.elections.readiness import people_standing
from reports.services.operations.purge import people_purge
from tests.support.door import stored
from tests.support.threads import at_once
from tests.support.world import DAY, World, make_election, make_observer, make_tree, payload, words

pytestmark = pytest.mark.django_db
ADDRESS = "/desk/new/?from=election:test-2022"


@pytest.fixture
def administrator(world: World) -> User:
    user = User.objects.create_user("administrator", is_staff=True)
    Grant.objects.create(user=user, role="administrator", commission=world.tree["KZ"])
    return user


@pytest.fixture
def client(administrator: User) -> Client:
    return of(administrator)


def of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def typed(**fields) -> dict:
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


def wanted(slug: str = "next-2023", **fields) -> Wanted:
    return Wanted(
        **{
            "slug": slug,
            "names": words("Next"),
            "date": date(2023, 11, 5),
            "languages": ["kk", "ru", "en"],
            "opens_at": None,
            "closes_at": None,
            "press": str(uuid4()),
        }
        | fields
    )


def copy(world: World, user: User, **fields) -> Election:
    given = {"branch": None, "contests": True, "publish": True, "at": DAY} | fields
    return election_copy(source=world.election, user=user, **{"wanted": wanted(), **given})


class TestACopy:
    def test_of_the_whole_has_its_tree_and_what_is_asked_but_nobody(self, world: World, administrator: User):
        everywhere = Contest.objects.create(election=world.election, code="president", names=words("president"))
        here = Contest.objects.create(election=world.election, code="akim", names=words("akim"))
        here.scope.add(world.tree["KZ-1-1"])
        stored(world.first, payload())
        made = copy(world, administrator)
        old, new = (
            {(c.path, c.depth, c.level.code, c.parent and c.parent.code) for c in tree(one)}
            for one in (world.election, made)
        )
        assert new == old and len(new) == 19
        assert {c.parent.election_id for c in tree(made) if c.parent} == {made.pk}
        assert {contest.code: [place.code for place in contest.scope.all()] for contest in made.contests.all()} == {
            everywhere.code: [],
            here.code: ["KZ-1-1"],
        }
        hashes = ChecklistVersion.objects.filter(checklist__election=made).values_list("checklist__code", "number")
        assert set(hashes) == {(code, 1) for code in world.versions}
        assert not ChecklistVersion.objects.filter(checklist__election=made, published_at=None).exists()
        assert ViolationType.objects.filter(election=made).exclude(group__election=made).count() == 0
        assert ViolationType.objects.filter(election=made).count() == 6
        assert not Assignment.objects.filter(election=made).exists() and not made.observers.exists()
        assert not Report.objects.filter(commission__election=made).exists()
        assert Due.objects.filter(commission__election=made).count() == 19
        assert world.tree["KZ"].election == world.election  # the earlier one is as it was
        assert Question.objects.filter(version=world.versions["voting"]).count() == 17

    def test_is_in_preparation_on_the_new_day_by_the_same_clock(self, world: World, administrator: User):
        Election.objects.update(
            windows={"voting": ["2022-11-20T01:00:00+00:00", "2022-11-20T15:00:00+00:00"]},
            emergency_contact="112",
            rules={"sample": True, "schedule": [], "choice_languages": ["kk", "ru", "en"]},
        )
        world.election.refresh_from_db()
        made = copy(world, administrator, wanted=wanted(languages=["en", "kk"]))
        assert (made.state, made.opens_at, made.closes_at) == (
            "draft",
            datetime(2023, 11, 4, 18, tzinfo=UTC),
            datetime(2023, 11, 6, 6, tzinfo=UTC),
        )
        assert made.window("voting")[0] == datetime(2023, 11, 5, 1, tzinfo=UTC)
        assert made.rules == {"schedule": [], "choice_languages": ["kk", "en"]} and made.languages == ["en", "kk"]
        assert made.relay_key and made.relay_key != world.election.relay_key and made.emergency_contact == "112"

    def test_of_a_branch_has_what_is_above_it(self, world: World, administrator: User):
        far = Contest.objects.create(election=world.election, code="far", names=words("far"))
        far.scope.add(world.tree["KZ-2-1"])
        made = copy(world, administrator, branch=world.tree["KZ-1-2"])
        assert [c.code for c in tree(made)] == ["KZ", "KZ-1", "KZ-1-2", "KZ-1-2-1", "KZ-1-2-2", "KZ-1-2-3"]
        assert not made.contests.exists()

    def test_takes_the_latest_published_wording_and_may_leave_it_to_be_edited(self, world: World, administrator: User):
        checklist = world.versions["voting"].checklist
        checklist.versions.create(number=2)
        Checklist.objects.create(election=world.election, code="later", stage="later").versions.create(number=1)
        made = copy(world, administrator, publish=False)
        versions = {one.checklist.code: one for one in ChecklistVersion.objects.filter(checklist__election=made)}
        assert set(versions) == {*world.versions, "later"}
        assert {one.published_at for one in versions.values()} == {None}
        assert versions["voting"].questions.count() == 17
        versions["voting"].questions.filter(code="V03").update(labels=words("another wording"))

    def test_is_administered_by_whoever_made_it(self, world: World, administrator: User, root: User):
        made = copy(world, administrator)
        assert [(one.role, one.commission.code) for one in Grant.objects.filter(commission__election=made)] == [
            ("administrator", "KZ")
        ]
        assert not Grant.objects.filter(commission__election=copy(world, root, wanted=wanted("other"))).exists()

    def test_under_a_word_that_is_taken_makes_nothing(self, world: World, administrator: User):
        with pytest.raises(ElectionExists):
            copy(world, administrator, wanted=wanted("test-2022"))
        assert Commission.objects.count() == 19


class TestThePage:
    def test_shows_what_it_would_make_before_it_makes_it(self, client: Client, world: World):
        given = typed(branch="KZ-1-2")
        del given["make"]
        answer = client.post(ADDRESS, given)
        counted = answer.context["counted"]
        assert (counted.commissions, counted.stations, counted.checklists, counted.violations) == (6, 3, 4, 6)
        assert Election.objects.count() == 1
        answer = client.post(ADDRESS, typed(branch="KZ-1-2", opens_at="2023-11-05T06:00", closes_at="2023-11-06T02:00"))
        assert answer.headers["location"] == "/desk/akim-2023/ready/"
        made = Election.objects.get(slug="akim-2023")
        assert made.opens_at == datetime(2023, 11, 5, 0, tzinfo=UTC)  # six in the morning there
        assert (made.languages, made.names) == (["ru", "kk"], {"ru": "Аким", "kk": "Әкім"})
        assert client.get("/desk/akim-2023/ready/").status_code == 200

    def test_pressed_twice_makes_one(self, client: Client):
        given = typed()
        assert {client.post(ADDRESS, given).headers["location"] for _ in range(2)} == {"/desk/akim-2023/ready/"}
        assert Election.objects.count() == 2
        assert b"errorlist" in client.post(ADDRESS, typed()).content  # another page, the same word
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
    def test_names_the_field_that_is_wrong(self, client: Client, field: str, wrong: dict):
        answer = client.post(ADDRESS, typed(**wrong))
        assert answer.status_code == 200 and set(answer.context["form"].errors) == {field}
        assert Election.objects.count() == 1

    def test_offers_packs_to_superusers_and_elections_to_whoever_has_their_whole(
        self, client: Client, root: User, world: World
    ):
        make_tree(make_election("foreign-2022"))
        assert client.get("/desk/new/?from=pack:kz").status_code == 404
        assert client.get("/desk/new/?from=election:foreign-2022").status_code == 404
        assert client.get("/desk/new/?from=election:nothing").status_code == 404
        assert [one.slug for one in client.get("/desk/new/").context["sources"]] == ["test-2022"]
        part = User.objects.create_user("part", is_staff=True)
        Grant.objects.create(user=part, role="administrator", commission=world.tree["KZ-1"])
        assert of(part).get("/desk/new/").status_code == 404
        superuser = of(root)
        assert superuser.get("/desk/new/?from=pack:../kz").status_code == 404
        given = typed(name_en="Akim", languages="kk, ru, en")
        assert superuser.post("/desk/new/?from=pack:kz", given).headers["location"] == "/desk/akim-2023/ready/"
        made = Election.objects.get(slug="akim-2023")
        assert made.pack == "kz" and made.state == "draft"
        assert superuser.post("/desk/new/?from=pack:kz", given).headers["location"] == "/desk/akim-2023/ready/"
        assert superuser.get("/desk/akim-2023/ready/").status_code == 200

    def test_is_where_the_desk_begins_without_an_election(self, root: User):
        assert of(root).get("/desk/").headers["location"] == "/desk/new/"
        assert of(root).get("/desk/new/").context["packs"] == ["kz"]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_presses_make_one_election(self, world: World, administrator: User):
        given, clients = typed(), [of(administrator) for _ in range(2)]
        answers = at_once([lambda one=one: one.post(ADDRESS, given) for one in clients])
        assert {answer.headers.get("location") for answer in answers} == {"/desk/akim-2023/ready/"}
        assert Election.objects.count() == 2 and Commission.objects.count() == 38
        assert Trail.objects.filter(action="election.create").count() == 1

    def test_two_invitations_invite_everybody_once(self, world: World, administrator: User):
        made = copy(world, administrator)
        people = Observer.objects.filter(elections=world.election) | Observer.objects.filter(
            assignments__election=world.election
        )
        done = at_once(
            [
                lambda: observers_invite(
                    source=world.election, election=made, people=people.distinct(), user=administrator, now=DAY
                )
            ]
            * 2
        )
        assert sorted(one.invited for one in done) == [0, 2]
        assert made.observers.count() == Consent.objects.filter(election=made).count() == 2


class TestThoseInvited:
    @pytest.fixture
    def made(self, world: World, administrator: User) -> Election:
        world.election.observers.add(world.first.observer, world.second.observer)
        consent_record(observer=world.first.observer, election=world.election, version=1, given_at=DAY)
        return copy(world, administrator)

    def invite(self, world: World, made: Election, user: User) -> int:
        people = Observer.objects.filter(elections=world.election)
        return observers_invite(source=world.election, election=made, people=people, user=user, now=DAY).invited

    def test_are_asked_and_have_not_consented_until_they_do_on_their_phone(
        self, world: World, made: Election, administrator: User
    ):
        assert (self.invite(world, made, administrator), self.invite(world, made, administrator)) == (2, 0)
        mine = Observer.objects.filter(pk=world.first.observer.pk)
        (stands,) = people_standing(election=made, people=mine)
        assert (stands.code, stands.enrolled, stands.consented, stands.sent) == ("OB-2222", False, False, False)
        device = sender_find(token_hash=Device.objects.get(observer=world.first.observer).token_hash)
        assert device is not None and device.election == world.election  # the phone of before speaks there alone
        assert not Device.objects.filter(election=made).exists()
        me = Client(headers=world.first.auth).get("/api/v1/me").json()
        assert me["election"]["slug"] == "test-2022" and me["consent"]["accepted_version"] == 1
        code = enrolment_create(observer=world.first.observer, election=made, now=DAY, user=administrator)
        fresh = Client(
            headers={"authorization": f"Bearer {enrol(code=code, device_name='', device_id=None, now=DAY).token}"}
        )
        assert fresh.get("/api/v1/me").json()["consent"]["accepted_version"] is None
        body = {"document": "code-of-conduct", "version": 1, "at": "2022-11-20T12:00:00Z"}
        assert fresh.post("/api/v1/me/consent", body, content_type="application/json").status_code == 200
        (stands,) = people_standing(election=made, people=mine)
        assert stands.enrolled and stands.consented
        assert Trail.objects.filter(election=made, action="observer.consent").exists()

    def test_are_not_those_set_aside_or_nameless(self, world: World, made: Election, administrator: User):
        SetAside.objects.create(observer=world.second.observer, election=world.election, user=administrator, at=DAY)
        nobody = make_observer("OB-5555", world.organisation, name="", phone="", email="")
        world.election.observers.add(nobody)
        people = Observer.objects.filter(elections=world.election)
        counted = invitation_counted(source=world.election, election=made, people=people)
        assert (counted.invited, counted.there, counted.left_out) == (1, 0, 2)

    def test_are_nobody_of_a_purged_election(self, world: World, made: Election, administrator: User):
        Election.objects.filter(pk=world.election.pk).update(state="closed")
        world.election.refresh_from_db()
        Trail.objects.create(at=DAY, action="election.purge", subject="election:1", election=world.election)
        with pytest.raises(Gone):
            self.invite(world, made, administrator)
        answer = of(administrator).post(f"/desk/{made.slug}/invite/", {"source": world.election.pk, "invite": "1"})
        assert "source" in answer.context["form"].errors and not made.observers.exists()

    @pytest.mark.django_db(transaction=True)
    def test_who_never_consent_are_forgotten_with_the_earlier_election(
        self, world: World, made: Election, administrator: User
    ):
        self.invite(world, made, administrator)
        consent_record(observer=world.second.observer, election=made, version=1, given_at=DAY)
        Election.objects.filter(pk=world.election.pk).update(state="closed")
        world.election.refresh_from_db()
        people_purge(election=world.election, user=None, now=world.election.closes_at + timedelta(days=1))
        assert [one.name for one in Observer.objects.order_by("code")] == ["", "Name of OB-3333"]

    def test_are_counted_on_the_page_and_named_nowhere(self, world: World, made: Election, administrator: User):
        client, given = of(administrator), {"source": world.election.pk}
        answer = client.post(f"/desk/{made.slug}/invite/", given)
        assert answer.context["counted"].invited == 2 and not made.observers.exists()
        assert b"Name of" not in answer.content and b"OB-2222" not in answer.content
        answer = client.post(f"/desk/{made.slug}/invite/", given | {"invite": "1"})
        assert (
            answer.headers["location"] == f"/desk/{made.slug}/enrolled/?show=unenrolled" and made.observers.count() == 2
        )
        assert Trail.objects.get(action="observers.invite").detail == {"from": "test-2022", "number": 2}

    def test_come_from_elections_in_ones_own_hands(self, world: World, made: Election, administrator: User):
        foreign = make_election("foreign-2022")
        foreign.observers.add(make_observer("OB-7777", world.organisation))
        answer = of(administrator).post(f"/desk/{made.slug}/invite/", {"source": foreign.pk, "invite": "1"})
        assert "source" in answer.context["form"].errors and not made.observers.exists()


def tree(election: Election) -> list[Commission]:
    return list(election.commissions.select_related("level", "parent").order_by("path"))
