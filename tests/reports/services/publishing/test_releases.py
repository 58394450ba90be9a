"""Releases: prepared, agreed to, published; frozen, small, embargoed, and there when the database is not."""

import json
from datetime import timedelta
from unittest import mock
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from observer.models import Commission, Election, Trail, User
from reports.models import Evidence, Release, ReleaseContent, ReleaseRow, Reply, Report
from reports.problems import Rejected
from reports.services.figures.refresh import summaries_refresh
from reports.services.publishing import published_releases, release_store, sources
from reports.services.publishing.live import summary_document
from reports.services.publishing.releases import (
    release_approve,
    release_describe,
    release_discard,
    release_prepare,
    release_publish,
)
from reports.services.review.decisions import report_reject, violation_decide
from tests.support.door import stored
from tests.support.releases import package, release, table
from tests.support.world import DAY, World, payload, words

pytestmark = pytest.mark.django_db
HOME = "/en/test-2022/"
API = "/api/v1/elections/test-2022/commissions"


@pytest.fixture(autouse=True)
def _alone(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def observed(world: World) -> World:
    """District KZ-1-1: two people at each of two stations, one at the third. District KZ-2-1: one person."""
    Election.objects.update(publication="released")
    world.election.refresh_from_db()
    third = world.enrolled("OB-4444", "KZ-1-1-3")
    for phone in (world.first, world.second, third):
        for station in ("KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"):
            stored(phone, payload("voting", station, answers={"V03": "yes", "V15": "no", "V90": "bad", "X05": 1234}))
    stored(world.first, payload("opening", "KZ-2-1-1"))
    summaries_refresh()
    return world


def place(code: str, number: int = 1):
    return release_store.part_read(slug="test-2022", number=number, key=f"place:{code}")


def user(name: str) -> User:
    return User.objects.create_user(name)


class TestTheActs:
    def test_an_analyst_prepares_a_second_person_agrees_a_publisher_publishes(self, client, observed, settings):
        settings.RELEASE_SECOND_YES = True
        analyst, second, publisher = user("analyst"), user("second"), user("publisher")
        now = timezone.now()
        made = release_prepare(election=observed.election, cutoff=now, user=analyst, now=now)
        with pytest.raises(Rejected, match="not_approved"):
            release_publish(release=made, user=publisher, now=now)
        with pytest.raises(Rejected) as caught:
            release_approve(release=made, user=analyst, now=now)
        assert caught.value.code == "same_person"
        release_approve(release=made, user=second, now=now)
        with pytest.raises(Rejected) as caught:
            release_publish(release=made, user=second, now=now)
        assert caught.value.code == "same_person"
        assert client.get(HOME).status_code == 404
        release_publish(release=made, user=publisher, now=now)
        assert client.get(HOME).status_code == 200
        actions = list(Trail.objects.filter(action__startswith="release.").order_by("pk").values_list("action", "user"))
        assert actions == [
            ("release.prepare", analyst.pk),
            ("release.approve", second.pk),
            ("release.publish", publisher.pk),
        ]

    def test_changed_words_take_the_yes_back(self, observed):
        made = release_prepare(election=observed.election, cutoff=DAY, user=user("a"), now=timezone.now())
        release_approve(release=made, user=user("b"), now=timezone.now())
        release_describe(
            release=made, texts={"en": "First."}, remarks={}, finding="voting:V03", public_from=None, user=None, now=DAY
        )
        assert (made.state, made.approved_by, made.texts) == ("prepared", None, {"en": "First."})

    def test_one_draft_at_a_time_and_a_discarded_ones_number_is_given_again(self, observed):
        now = timezone.now()
        made = release_prepare(election=observed.election, cutoff=now, user=None, now=now)
        with pytest.raises(Rejected) as caught:
            release_prepare(election=observed.election, cutoff=now, user=None, now=now)
        assert caught.value.code == "release_waits"
        release_discard(release=made, user=None, now=now)
        assert ReleaseContent.objects.count() == 0
        assert release(observed.election).number == 1

    @pytest.mark.parametrize(("days", "code"), [(1, "cutoff_ahead"), (-1, "cutoff_back")])
    def test_a_cut_off_lies_between_the_last_one_and_now(self, observed, days, code):
        release(observed.election)
        now = timezone.now()
        with pytest.raises(Rejected) as caught:
            release_prepare(election=observed.election, cutoff=now + timedelta(days=days), user=None, now=now)
        assert caught.value.code == code

    def test_what_is_published_never_changes(self, observed):
        made = release(observed.election)
        for verb in (release_publish, release_discard, release_approve):
            with pytest.raises(Rejected) as caught:
                verb(release=made, user=user(verb.__name__), now=timezone.now())
            assert caught.value.code == "published"
        for change in (
            lambda: Release.objects.update(cutoff=DAY),
            lambda: Release.objects.update(state="prepared"),
            lambda: ReleaseContent.objects.all().delete(),
            lambda: ReleaseRow.objects.update(key="x"),
            lambda: ReleaseRow.objects.create(release=made, key="more"),
            lambda: ReleaseContent.objects.update(body=b"other"),
        ):
            with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
                change()


class TestTheFigures:
    @pytest.mark.parametrize("code", ["KZ", "KZ-1", "KZ-1-1", "KZ-2-1"])
    def test_are_those_that_are_counted_live(self, observed, code):
        release(observed.election)
        live = summary_document(commission=observed.tree[code], language="en")
        frozen = place(code)
        for what in ("coverage", "stages", "violations"):
            assert frozen[what] == live[what]

    def test_are_those_of_what_was_received_by_the_cut_off(self, observed):
        late = timezone.now() - timedelta(hours=1)
        stored(observed.first, payload("voting", "KZ-1-2-1"), now=late + timedelta(minutes=1))
        release(observed.election, cutoff=late)
        release(observed.election)
        assert place("KZ-1", 1)["coverage"]["reports"] + 1 == place("KZ-1", 2)["coverage"]["reports"]

    def test_a_correction_received_later_belongs_to_the_next(self, observed):
        cutoff = timezone.now() - timedelta(hours=1)
        first = Report.objects.filter(commission__code="KZ-2-1-1").get()
        body = payload("opening", "KZ-2-1-1", supersedes=str(first.uuid), answers={"O01": "no", "O90": "bad"})
        stored(observed.first, body, now=cutoff + timedelta(minutes=1))
        release(observed.election, cutoff=cutoff)
        release(observed.election)
        asked = [place("KZ-2-1", number)["stages"]["opening"]["questions"]["O01"] for number in (1, 2)]
        assert [(one["yes"], one["no"]) for one in asked] == [(1, 0), (0, 1)]

    def test_stay_though_the_desk_decides_otherwise_later(self, client, observed):
        release(observed.election)
        before = client.get(f"{HOME}releases/1/").content
        for report in Report.objects.all():
            report_reject(report=report, user=None, now=timezone.now())
        summaries_refresh()
        release(observed.election)
        assert place("KZ", 1)["coverage"]["reports"] == 10
        assert place("KZ", 2)["coverage"]["reports"] == 0
        assert b"Observers reported from 4 of 12 polling stations." in before
        again = client.get(f"{HOME}releases/1/").content
        assert b"Observers reported from 4 of 12 polling stations." in again
        assert b"There is a newer release" in again
        assert b"What changed since release 1" in client.get(HOME).content

    def test_only_what_changed_is_stored(self, observed):
        release(observed.election)
        first = ReleaseRow.objects.count()
        release(observed.election)
        assert ReleaseRow.objects.filter(release__number=2).count() == 0
        stored(observed.first, payload("voting", "KZ-2-2-1"))
        release(observed.election)
        changed = set(ReleaseRow.objects.filter(release__number=3).values_list("key", flat=True))
        assert changed == {
            "place:KZ",
            "place:KZ-2",
            "place:KZ-2-2",
            "findings:KZ",
            "findings:KZ-2",
            "rows:KZ-2-2",
        }
        assert first > 20
        assert place("KZ-1-1", 3) == place("KZ-1-1", 1)


class TestAStation:
    def test_is_shown_where_several_reported_and_nobody_can_be_found_by_subtraction(self, client, observed):
        release(observed.election)
        assert [one["shown"] for one in place("KZ-1-1")["children"]] == [True, True, True]
        text = client.get(f"{HOME}KZ-1-1-1/").content.decode()
        assert "Observers reported from this station." in text
        for hidden in ("OB-2222", "1,234", "FRD-05", "10:00"):
            assert hidden not in text

    def test_that_is_held_back_looks_like_one_that_nobody_observed(self, client, observed):
        release(observed.election)

        def page(code: str) -> str:
            return client.get(f"{HOME}{code}/").content.decode().replace(code, "CODE").replace(code[:6], "DISTRICT")

        assert page("KZ-2-1-1") == page("KZ-2-1-2")
        documents = [client.get(f"{API}/{code}/summary").json() for code in ("KZ-2-1-1", "KZ-2-1-2")]
        for document in documents:
            document["commission"].pop("code"), document["commission"].pop("name")
        assert documents[0] == documents[1]
        assert documents[0]["coverage"]["precincts_observed"] is None

    def test_tells_confirmed_violations_and_the_reply_but_no_claim(self, client, observed):
        report = Report.objects.filter(commission__code="KZ-1-1-1").first()
        violation_decide(
            violation=report.violations.get(code="FRD-05"), state="confirmed", user=None, now=timezone.now()
        )
        Reply.objects.create(
            commission=observed.tree["KZ-1-1-1"], date="2022-11-22", texts={"en": "We will look into it."}
        )
        Reply.objects.create(commission=observed.tree["KZ-2-1-1"], date="2022-11-22", texts={"en": "A held reply."})
        summaries_refresh()
        release(observed.election)
        text = client.get(f"{HOME}KZ-1-1-1/").content.decode()
        assert "FRD-05" in text and "We will look into it." in text
        assert place("KZ-1-1-1")["station"]["confirmed"] == {"FRD-05": 1}
        assert "A held reply." not in client.get(f"{HOME}KZ-2-1-1/").content.decode()

    def test_does_not_tell_that_an_incident_was_reported(self, client, observed):
        for phone in (observed.first, observed.second):
            stored(phone, payload("incident", "KZ-1-1-1"))
            stored(phone, payload("incident", "KZ-2-1-3"))
        release(observed.election)
        assert place("KZ-1-1-1")["station"]["stages"] == ["voting"]
        assert place("KZ-2-1-3")["station"] is None
        assert "incident" not in client.get(f"{HOME}KZ-1-1-1/").content.decode()

    def test_no_live_figure_of_it_is_to_be_had_once_there_is_a_release(self, client, observed):
        Election.objects.update(publication="live")
        assert client.get(f"{API}/KZ-2-1-1/summary").json()["coverage"]["reports"] == 1
        release(observed.election)
        assert client.get(f"{API}/KZ-2-1-1/summary").json()["coverage"]["reports"] is None
        assert client.get(f"{API}/KZ-2-1/summary").json()["release"] is None


class TestAWithheldStation:
    """KZ-2-1-1 was observed by one person; KZ-2-1-2 by nobody."""

    def test_cannot_be_told_from_an_unobserved_one_in_any_format(self, client, observed):
        Commission.objects.filter(code__in=("KZ-2-1-1", "KZ-2-1-2")).update(names=words("Station"))
        release(observed.election)
        for language in ("en", "ru", "kk"):
            for address in (f"/{language}/test-2022/{{}}/", f"/{language}/test-2022/{{}}/share.png"):
                held, empty = (client.get(address.format(code)).content for code in ("KZ-2-1-1", "KZ-2-1-2"))
                assert held.replace(b"KZ-2-1-1", b"X") == empty.replace(b"KZ-2-1-2", b"X"), address
        for query in ("?format=csv", "?release=1", "?release=1&format=csv"):
            held, empty = (client.get(f"{API}/{code}/summary{query}").content for code in ("KZ-2-1-1", "KZ-2-1-2"))
            assert held.replace(b"KZ-2-1-1", b"X") == empty.replace(b"KZ-2-1-2", b"X"), query
        opened = package(client, "test-2022", 1)
        for name in opened.namelist():
            rows = table(opened, name) if name.endswith(".csv") and name != "commissions.csv" else []
            assert not any("KZ-2-1-1" in row.values() for row in rows), name
        told = json.loads(opened.read("figures.json"))
        assert told["KZ-2-1-1"] == told["KZ-2-1-2"] == {"station": None}

    @pytest.mark.parametrize(
        ("station", "approved", "status"),
        [
            ("KZ-1-1-1", True, 200),
            ("KZ-1-1-1", False, 404),
            ("KZ-2-1-1", True, 404),
        ],
    )
    def test_nor_by_a_photo(self, client, observed, settings, station, approved, status):
        report = Report.objects.filter(commission__code=station).first()
        name = "00/1-" + "0" * 32 + ".jpg"
        (settings.PUBLIC_DIR / "00").mkdir(parents=True)
        (settings.PUBLIC_DIR / name).write_bytes(b"\xff\xd8 a picture")
        Evidence.objects.create(
            pk=1,
            uuid=uuid4(),
            report=report,
            observer=report.observer,
            state="stored",
            announced_at=DAY,
            stored_at=DAY,
            approved_at=DAY if approved else None,
            copy=name,
            thumbnail=name,
        )
        assert client.get(f"/photos/{name}").status_code == 404
        release(observed.election)
        assert client.get(f"/photos/{name}").status_code == status
        assert (name in client.get(f"{HOME}{station}/").content.decode()) == (status == 200)
        Evidence.objects.update(approved_at=None)
        assert client.get(f"/photos/{name}").status_code == 404


class TestAnEmbargo:
    ADDRESSES = (
        HOME,
        f"{HOME}KZ/",
        f"{HOME}KZ-1-1-1/",
        f"{HOME}KZ/share.png",
        f"{HOME}KZ/voting/V03/",
        f"{HOME}statement/",
        f"{HOME}data/",
        f"{HOME}search/?q=KZ",
        f"{HOME}releases/1/",
        f"{HOME}releases/1/KZ-1/",
        f"{HOME}releases/1/statement.docx",
        f"{HOME}releases/1/KZ/share.png",
        f"{HOME}releases/1/statement/",
        f"{HOME}releases/1/data/",
        f"{HOME}releases/1/search/?q=KZ",
        f"{HOME}releases/1/method/",
        f"{HOME}releases/1/KZ/voting/V03/",
        "/data/test-2022/1/package.zip",
        "/data/test-2022/1/datapackage.json",
        "/data/test-2022/1/figures.csv",
        f"{API}/KZ",
        f"{API}/KZ/summary",
        f"{API}/KZ/summary?format=csv",
        f"{API}/KZ/summary?release=1",
        f"{API}/KZ?release=1",
        f"{API}/KZ-1-1-1/summary",
    )

    @pytest.mark.parametrize("dead", [False, True])
    @pytest.mark.parametrize("language", ["en", "ru", "kk"])
    def test_holds_at_every_address_in_every_language(self, client, observed, language, dead):
        release(observed.election, public_from=timezone.now() + timedelta(hours=1))
        client.get(HOME)  # writes down what is public, for the day the database dies
        with mock.patch.object(published_releases, "_asked", side_effect=DatabaseError) if dead else mock.MagicMock():
            if dead:
                published_releases.forget()
            for address in self.ADDRESSES:
                answer = client.get(address.replace("/en/", f"/{language}/"), headers={"accept-language": language})
                assert answer.status_code == 404, address
        assert client.get("/api/v1/elections/test-2022/releases").json() == []
        assert "/releases/1/" not in client.get(f"{HOME}releases/").content.decode()

    def test_ends_at_its_time_and_not_by_an_act(self, client, observed):
        release(observed.election, public_from=timezone.now() + timedelta(hours=1))
        assert client.get(HOME).status_code == 404
        later = timezone.now() + timedelta(hours=2)
        with mock.patch("django.utils.timezone.now", lambda: later):
            for address in self.ADDRESSES:
                assert client.get(address).status_code == 200, address

    def test_a_draft_has_no_address(self, client, observed):
        release_prepare(election=observed.election, cutoff=DAY, user=None, now=timezone.now())
        for address in self.ADDRESSES:
            assert client.get(address).status_code == 404, address
        assert not list(release_store.folder_of("test-2022").rglob("*"))

    def test_closing_the_election_closes_its_releases(self, client, observed):
        release(observed.election)
        Election.objects.update(publication="closed")
        for address in self.ADDRESSES:
            assert client.get(address).status_code == 404, address


class TestWithoutADatabase:
    def test_the_last_release_is_served(self, client, observed, settings):
        release(observed.election)
        client.get(HOME)
        published_releases.forget()
        release_store.forget()
        sources.forget()

        def refuse(*_arguments, **_more):
            raise DatabaseError("the database is gone")

        with connection.execute_wrapper(refuse):
            for address in TestAnEmbargo.ADDRESSES:
                assert client.get(address).status_code == 200, address

    @pytest.mark.parametrize("broken", [False, True])
    def test_lost_and_broken_files_are_made_from_the_rows(self, client, observed, settings, broken):
        release(observed.election)
        page = client.get(HOME).content
        for path in settings.RELEASES_DIR.rglob("*"):
            if path.is_file() and path.suffix != ".zip":
                path.write_bytes(b"") if broken else path.unlink()
        release_store.forget()
        sources.forget()
        assert client.get(HOME).content == page
        assert len(table(package(client, "test-2022", 1), "commissions.csv")) == 19

    def test_files_of_another_life_of_the_database_are_not_believed(self, client, observed):
        folder = release_store.folder_of("test-2022")
        folder.mkdir(parents=True)
        (folder / "1.json").write_text('{"before": null, "parts": {"book": "00"}}')
        (folder / "1.zip").write_bytes(b"of another life")
        release(observed.election)
        assert client.get(HOME).status_code == 200
        assert len(table(package(client, "test-2022", 1), "commissions.csv")) == 19
