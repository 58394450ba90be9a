"""Tests of preparing, publishing and serving releases."""

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
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing import published_releases, release_store, sources
from reports.services.publishing.live_summary import build_live_summary
from reports.services.publishing.releases import (
    approve_release,
    describe_release,
    discard_release,
    prepare_release,
    publish_release,
)
from reports.services.review.decisions import decide_violation, reject_report
from tests.support.intake import store_report
from tests.support.releases import download_package, make_release, read_table
from tests.support.world import DAY, World, make_texts, payload

pytestmark = pytest.mark.django_db
HOME = "/en/test-2022/"
API = "/api/v1/elections/test-2022/commissions"


@pytest.fixture(autouse=True)
def _isolated_cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def observed(world: World) -> World:
    """Reports about two districts.

    KZ-1-1: two people at each of two stations, one at the third. KZ-2-1: one person.
    """
    Election.objects.update(publication="released")
    world.election.refresh_from_db()
    third = world.enrol_phone("OB-4444", "KZ-1-1-3")
    for phone in (world.first, world.second, third):
        for station in ("KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"):
            store_report(
                phone, payload("voting", station, answers={"V03": "yes", "V15": "no", "V90": "bad", "X05": 1234})
            )
    store_report(world.first, payload("opening", "KZ-2-1-1"))
    recompute_due_summaries()
    return world


def read_place(code: str, number: int = 1):
    return release_store.read_part(slug="test-2022", number=number, key=f"place:{code}")


def create_user(name: str) -> User:
    return User.objects.create_user(name)


class TestTheSteps:
    def test_an_analyst_prepares_a_second_person_approves_a_publisher_publishes(self, client, observed, settings):
        settings.RELEASE_SECOND_YES = True
        analyst, second, publisher = create_user("analyst"), create_user("second"), create_user("publisher")
        now = timezone.now()
        made = prepare_release(election=observed.election, cutoff=now, user=analyst, now=now)
        with pytest.raises(Rejected, match="not_approved"):
            publish_release(release=made, user=publisher, now=now)
        with pytest.raises(Rejected) as caught:
            approve_release(release=made, user=analyst, now=now)
        assert caught.value.code == "same_person"
        approve_release(release=made, user=second, now=now)
        with pytest.raises(Rejected) as caught:
            publish_release(release=made, user=second, now=now)
        assert caught.value.code == "same_person"
        assert client.get(HOME).status_code == 404
        publish_release(release=made, user=publisher, now=now)
        assert client.get(HOME).status_code == 200
        actions = list(Trail.objects.filter(action__startswith="release.").order_by("pk").values_list("action", "user"))
        assert actions == [
            ("release.prepare", analyst.pk),
            ("release.approve", second.pk),
            ("release.publish", publisher.pk),
        ]

    def test_changed_texts_withdraw_the_approval(self, observed):
        made = prepare_release(election=observed.election, cutoff=DAY, user=create_user("a"), now=timezone.now())
        approve_release(release=made, user=create_user("b"), now=timezone.now())
        describe_release(
            release=made, texts={"en": "First."}, remarks={}, finding="voting:V03", public_from=None, user=None, now=DAY
        )
        assert (made.state, made.approved_by, made.texts) == ("prepared", None, {"en": "First."})

    def test_there_is_one_draft_at_a_time_and_a_discarded_number_is_reused(self, observed):
        now = timezone.now()
        made = prepare_release(election=observed.election, cutoff=now, user=None, now=now)
        with pytest.raises(Rejected) as caught:
            prepare_release(election=observed.election, cutoff=now, user=None, now=now)
        assert caught.value.code == "release_waits"
        discard_release(release=made, user=None, now=now)
        assert ReleaseContent.objects.count() == 0
        assert make_release(observed.election).number == 1

    @pytest.mark.parametrize(("days", "code"), [(1, "cutoff_ahead"), (-1, "cutoff_back")])
    def test_a_cut_off_is_between_the_last_one_and_now(self, observed, days, code):
        make_release(observed.election)
        now = timezone.now()
        with pytest.raises(Rejected) as caught:
            prepare_release(election=observed.election, cutoff=now + timedelta(days=days), user=None, now=now)
        assert caught.value.code == code

    def test_what_is_published_never_changes(self, observed):
        made = make_release(observed.election)
        for verb in (publish_release, discard_release, approve_release):
            with pytest.raises(Rejected) as caught:
                verb(release=made, user=create_user(verb.__name__), now=timezone.now())
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
    def test_equal_the_live_figures(self, observed, code):
        make_release(observed.election)
        live = build_live_summary(commission=observed.tree[code], language="en")
        frozen = read_place(code)
        for what in ("coverage", "stages", "violations"):
            assert frozen[what] == live[what]

    def test_count_only_reports_received_by_the_cut_off(self, observed):
        late = timezone.now() - timedelta(hours=1)
        store_report(observed.first, payload("voting", "KZ-1-2-1"), now=late + timedelta(minutes=1))
        make_release(observed.election, cutoff=late)
        make_release(observed.election)
        assert read_place("KZ-1", 1)["coverage"]["reports"] + 1 == read_place("KZ-1", 2)["coverage"]["reports"]

    def test_count_a_later_correction_in_the_next_release(self, observed):
        cutoff = timezone.now() - timedelta(hours=1)
        first = Report.objects.filter(commission__code="KZ-2-1-1").get()
        body = payload("opening", "KZ-2-1-1", supersedes=str(first.uuid), answers={"O01": "no", "O90": "bad"})
        store_report(observed.first, body, now=cutoff + timedelta(minutes=1))
        make_release(observed.election, cutoff=cutoff)
        make_release(observed.election)
        asked = [read_place("KZ-2-1", number)["stages"]["opening"]["questions"]["O01"] for number in (1, 2)]
        assert [(one["yes"], one["no"]) for one in asked] == [(1, 0), (0, 1)]

    def test_stay_the_same_when_the_desk_decides_differently_later(self, client, observed):
        make_release(observed.election)
        before = client.get(f"{HOME}releases/1/").content
        for report in Report.objects.all():
            reject_report(report=report, user=None, now=timezone.now())
        recompute_due_summaries()
        make_release(observed.election)
        assert read_place("KZ", 1)["coverage"]["reports"] == 10
        assert read_place("KZ", 2)["coverage"]["reports"] == 0
        assert b"Observers reported from 4 of 12 polling stations." in before
        again = client.get(f"{HOME}releases/1/").content
        assert b"Observers reported from 4 of 12 polling stations." in again
        assert b"There is a newer release" in again
        assert b"What changed since release 1" in client.get(HOME).content

    def test_only_what_changed_is_stored(self, observed):
        make_release(observed.election)
        first = ReleaseRow.objects.count()
        make_release(observed.election)
        assert ReleaseRow.objects.filter(release__number=2).count() == 0
        store_report(observed.first, payload("voting", "KZ-2-2-1"))
        make_release(observed.election)
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
        assert read_place("KZ-1-1", 3) == read_place("KZ-1-1", 1)


class TestAStation:
    def test_is_shown_where_several_reported_and_subtraction_identifies_nobody(self, client, observed):
        make_release(observed.election)
        assert [one["shown"] for one in read_place("KZ-1-1")["children"]] == [True, True, True]
        text = client.get(f"{HOME}KZ-1-1-1/").content.decode()
        assert "Observers reported from this station." in text
        for hidden in ("OB-2222", "1,234", "FRD-05", "10:00"):
            assert hidden not in text

    def test_that_is_withheld_looks_like_one_that_nobody_observed(self, client, observed):
        make_release(observed.election)

        def page(code: str) -> str:
            return client.get(f"{HOME}{code}/").content.decode().replace(code, "CODE").replace(code[:6], "DISTRICT")

        assert page("KZ-2-1-1") == page("KZ-2-1-2")
        documents = [client.get(f"{API}/{code}/summary").json() for code in ("KZ-2-1-1", "KZ-2-1-2")]
        for document in documents:
            document["commission"].pop("code"), document["commission"].pop("name")
        assert documents[0] == documents[1]
        assert documents[0]["coverage"]["precincts_observed"] is None

    def test_shows_confirmed_violations_and_the_reply_but_no_claim(self, client, observed):
        report = Report.objects.filter(commission__code="KZ-1-1-1").first()
        decide_violation(
            violation=report.violations.get(code="FRD-05"), state="confirmed", user=None, now=timezone.now()
        )
        Reply.objects.create(
            commission=observed.tree["KZ-1-1-1"], date="2022-11-22", texts={"en": "We will look into it."}
        )
        Reply.objects.create(commission=observed.tree["KZ-2-1-1"], date="2022-11-22", texts={"en": "A held reply."})
        recompute_due_summaries()
        make_release(observed.election)
        text = client.get(f"{HOME}KZ-1-1-1/").content.decode()
        assert "FRD-05" in text and "We will look into it." in text
        assert read_place("KZ-1-1-1")["station"]["confirmed"] == {"FRD-05": 1}
        assert "A held reply." not in client.get(f"{HOME}KZ-2-1-1/").content.decode()

    def test_does_not_show_that_an_incident_was_reported(self, client, observed):
        for phone in (observed.first, observed.second):
            store_report(phone, payload("incident", "KZ-1-1-1"))
            store_report(phone, payload("incident", "KZ-2-1-3"))
        make_release(observed.election)
        assert read_place("KZ-1-1-1")["station"]["stages"] == ["voting"]
        assert read_place("KZ-2-1-3")["station"] is None
        assert "incident" not in client.get(f"{HOME}KZ-1-1-1/").content.decode()

    def test_has_no_live_figures_once_there_is_a_release(self, client, observed):
        Election.objects.update(publication="live")
        assert client.get(f"{API}/KZ-2-1-1/summary").json()["coverage"]["reports"] == 1
        make_release(observed.election)
        assert client.get(f"{API}/KZ-2-1-1/summary").json()["coverage"]["reports"] is None
        assert client.get(f"{API}/KZ-2-1/summary").json()["release"] is None


class TestAWithheldStation:
    """KZ-2-1-1 was observed by one person; KZ-2-1-2 by nobody."""

    def test_looks_like_an_unobserved_one_in_every_format(self, client, observed):
        Commission.objects.filter(code__in=("KZ-2-1-1", "KZ-2-1-2")).update(names=make_texts("Station"))
        make_release(observed.election)
        for language in ("en", "ru", "kk"):
            for address in (f"/{language}/test-2022/{{}}/", f"/{language}/test-2022/{{}}/share.png"):
                withheld, empty = (client.get(address.format(code)).content for code in ("KZ-2-1-1", "KZ-2-1-2"))
                assert withheld.replace(b"KZ-2-1-1", b"X") == empty.replace(b"KZ-2-1-2", b"X"), address
        for query in ("?format=csv", "?release=1", "?release=1&format=csv"):
            withheld, empty = (client.get(f"{API}/{code}/summary{query}").content for code in ("KZ-2-1-1", "KZ-2-1-2"))
            assert withheld.replace(b"KZ-2-1-1", b"X") == empty.replace(b"KZ-2-1-2", b"X"), query
        opened = download_package(client, "test-2022", 1)
        for name in opened.namelist():
            rows = read_table(opened, name) if name.endswith(".csv") and name != "commissions.csv" else []
            assert not any("KZ-2-1-1" in row.values() for row in rows), name
        figures = json.loads(opened.read("figures.json"))
        assert figures["KZ-2-1-1"] == figures["KZ-2-1-2"] == {"station": None}

    @pytest.mark.parametrize(
        ("station", "approved", "status"),
        [
            ("KZ-1-1-1", True, 200),
            ("KZ-1-1-1", False, 404),
            ("KZ-2-1-1", True, 404),
        ],
    )
    def test_has_no_public_photo(self, client, observed, settings, station, approved, status):
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
        make_release(observed.election)
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

    @pytest.mark.parametrize("without_database", [False, True])
    @pytest.mark.parametrize("language", ["en", "ru", "kk"])
    def test_holds_at_every_address_in_every_language(self, client, observed, language, without_database):
        make_release(observed.election, public_from=timezone.now() + timedelta(hours=1))
        client.get(HOME)  # writes the fallback file, which is used while the database does not answer
        with (
            mock.patch.object(published_releases, "_query_elections", side_effect=DatabaseError)
            if without_database
            else mock.MagicMock()
        ):
            if without_database:
                published_releases.clear_cache()
            for address in self.ADDRESSES:
                answer = client.get(address.replace("/en/", f"/{language}/"), headers={"accept-language": language})
                assert answer.status_code == 404, address
        assert client.get("/api/v1/elections/test-2022/releases").json() == []
        assert "/releases/1/" not in client.get(f"{HOME}releases/").content.decode()

    def test_ends_at_its_time_without_any_action(self, client, observed):
        make_release(observed.election, public_from=timezone.now() + timedelta(hours=1))
        assert client.get(HOME).status_code == 404
        later = timezone.now() + timedelta(hours=2)
        with mock.patch("django.utils.timezone.now", lambda: later):
            for address in self.ADDRESSES:
                assert client.get(address).status_code == 200, address

    def test_a_draft_has_no_address(self, client, observed):
        prepare_release(election=observed.election, cutoff=DAY, user=None, now=timezone.now())
        for address in self.ADDRESSES:
            assert client.get(address).status_code == 404, address
        assert not list(release_store.get_release_folder("test-2022").rglob("*"))

    def test_closing_the_election_closes_its_releases(self, client, observed):
        make_release(observed.election)
        Election.objects.update(publication="closed")
        for address in self.ADDRESSES:
            assert client.get(address).status_code == 404, address


class TestWithoutADatabase:
    def test_the_last_release_is_served(self, client, observed, settings):
        make_release(observed.election)
        client.get(HOME)
        published_releases.clear_cache()
        release_store.clear_cache()
        sources.clear_cache()

        def refuse(*_arguments, **_more):
            raise DatabaseError("the database is gone")

        with connection.execute_wrapper(refuse):
            for address in TestAnEmbargo.ADDRESSES:
                assert client.get(address).status_code == 200, address

    @pytest.mark.parametrize("broken", [False, True])
    def test_lost_and_broken_files_are_written_again_from_the_rows(self, client, observed, settings, broken):
        make_release(observed.election)
        page = client.get(HOME).content
        for path in settings.RELEASES_DIR.rglob("*"):
            if path.is_file() and path.suffix != ".zip":
                path.write_bytes(b"") if broken else path.unlink()
        release_store.clear_cache()
        sources.clear_cache()
        assert client.get(HOME).content == page
        assert len(read_table(download_package(client, "test-2022", 1), "commissions.csv")) == 19

    def test_files_from_before_a_restore_are_replaced(self, client, observed):
        folder = release_store.get_release_folder("test-2022")
        folder.mkdir(parents=True)
        (folder / "1.json").write_text('{"before": null, "parts": {"book": "00"}}')
        (folder / "1.zip").write_bytes(b"of another life")
        make_release(observed.election)
        assert client.get(HOME).status_code == 200
        assert len(read_table(download_package(client, "test-2022", 1), "commissions.csv")) == 19
