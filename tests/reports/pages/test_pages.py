"""Tests of the public pages: content, publication, languages, caching, errors."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from observer.models import Commission, Election
from reports.models import Checklist, Evidence, Question, Report
from reports.pages.http.responses import CONTENT_SECURITY_POLICY
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing import published_releases
from reports.services.publishing.live_summary import build_live_summary
from tests.support.intake import store_report
from tests.support.world import DAY, World, make_election, payload

pytestmark = pytest.mark.django_db
LANGUAGES = ("kk", "ru", "en")
ROOT, DISTRICT, STATION = "", "KZ-1-1/", "KZ-1-1-1/"


def address(code: str = ROOT, language: str = "en") -> str:
    return f"/{language}/test-2022/{code}"


def get_visible_text(response) -> str:
    """Get the visible text: without tags, with plain spaces."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", plain.replace("\u202f", " ").replace("\xa0", " "))


@pytest.fixture(autouse=True)
def _isolated_cache(settings):
    """No redirect to https, and a separate cache.

    Other tests may clear the shared cache at any time.
    """
    settings.SECURE_SSL_REDIRECT = False
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def observed(world: World) -> World:
    """Two voting reports, one with a finding, counted."""
    store_report(
        world.first, payload("voting", "KZ-1-1-1", answers={"V03": "yes", "V15": "no", "V90": "bad", "X05": 1234})
    )
    store_report(
        world.second, payload("voting", "KZ-1-1-2", answers={"V03": "no", "V15": "no", "V90": "good", "V01": "female"})
    )
    recompute_due_summaries()
    return world


def set_publication(world: World, publication: str, *, precincts: bool) -> None:
    now = timezone.now() + timedelta(days=-1 if precincts else 1)
    Election.objects.filter(pk=world.election.pk).update(publication=publication, precincts_public_from=now)


class TestADraft:
    def test_is_unknown_to_strangers(self, client, observed):
        set_publication(observed, "live", precincts=True)
        Election.objects.filter(pk=observed.election.pk).update(state="draft")
        for code in (ROOT, DISTRICT, STATION):
            assert client.get(address(code)).status_code == 404
        assert "test-2022" not in client.get("/en/").content.decode()


class TestPublication:
    @pytest.mark.parametrize("precincts", [False, True])
    @pytest.mark.parametrize(
        ("publication", "code", "expected"),
        [
            ("closed", ROOT, 404),
            ("closed", DISTRICT, 404),
            ("closed", STATION, 404),
            ("released", ROOT, 404),
            ("released", DISTRICT, 404),
            ("released", STATION, 404),
            ("live", ROOT, 200),
            ("live", DISTRICT, 200),
            ("live", STATION, 404),
        ],
    )
    def test_pages_are_public_as_the_mission_decides(self, client, observed, publication, code, expected, precincts):
        set_publication(observed, publication, precincts=precincts)
        status = expected
        for language in LANGUAGES:
            response = client.get(address(code, language))
            assert response.status_code == status
            assert response["Content-Type"].startswith("text/html")
            if status == 404:
                assert "FRD-05" not in response.content.decode()

    def test_a_district_names_no_station_before_there_is_a_release(self, client, observed):
        set_publication(observed, "live", precincts=True)
        page = client.get(address(DISTRICT)).content.decode()
        assert "KZ-1-1-1" not in page
        assert "Polling stations not listed" in page
        assert "come with the first release" in get_visible_text(client.get(address(STATION)))

    def test_closing_an_election_closes_its_pages_at_once(self, client, observed):
        assert client.get(address()).status_code == 200
        set_publication(observed, "closed", precincts=True)
        assert client.get(address()).status_code == 404

    def test_a_closed_election_is_not_named(self, client, observed):
        set_publication(observed, "closed", precincts=True)
        assert "test-2022" not in client.get("/en/").content.decode()
        assert "test-2022 en" not in client.get(address()).content.decode()

    def test_without_a_release_a_page_says_so(self, client, observed):
        set_publication(observed, "released", precincts=True)
        assert "Nothing released yet" in get_visible_text(client.get(address()))


class TestFigures:
    def test_the_answer_comes_first(self, client, observed):
        text = get_visible_text(client.get(address()))
        assert "Observers reported from 2 of 12 polling stations." in text
        assert "judged bad or very bad in 1 of 2 observations" in text
        assert text.index("2 of 12") < text.index("What was observed") < text.index("Possible violations")
        assert text.index("Possible violations") < text.index("Commissions below") < text.index("How this was made")

    def test_figures_equal_those_of_the_summary_document(self, client, observed):
        root = Commission.objects.select_related("election", "level").get(code="KZ")
        document = build_live_summary(commission=root, language="en")
        finding = document["stages"]["voting"]["questions"]["V03"]["finding"]
        row = re.search(
            r'<tr role="row">\s*<th[^>]*><a class="question"[^>]*>V03 en.*?</tr>',
            client.get(address()).content.decode(),
            re.S,
        )
        assert row
        assert f"{finding['n']} of {finding['of']}" in row.group()
        assert "1,234" in get_visible_text(client.get(address()))
        assert "1 234" in get_visible_text(client.get(address(language="ru")))

    def test_the_same_figures_are_linked_for_machines(self, client, observed):
        page = client.get(address()).content.decode()
        links = re.findall(r'href="(/api/v1/[^"]+)"', page)
        assert len(links) == 2
        assert [client.get(link.replace("&amp;", "&")).status_code for link in links] == [200, 200]

    def test_unlike_violations_are_never_added_up(self, client, observed):
        store_report(observed.first, payload("incident", "KZ-1-1-1", answers={"I01": "ACC-01"}))
        recompute_due_summaries()
        page = client.get(address()).content.decode()
        assert page.count('class="violations"') == 2
        assert "Total" not in page

    def test_before_the_first_report_the_page_says_so(self, client, world):
        text = get_visible_text(client.get(address()))
        assert "Nothing has been observed here yet." in text
        assert "What was observed" not in text

    def test_a_new_revision_is_a_new_page(self, client, observed):
        before = client.get(address())
        store_report(observed.first, payload("voting", "KZ-1-1-3", answers={"V03": "yes", "V15": "no", "V90": "bad"}))
        recompute_due_summaries()
        after = client.get(address())
        assert after["ETag"] != before["ETag"]
        assert "3 of 12" in get_visible_text(after)


class TestLanguages:
    def test_the_root_redirects_to_the_browsers_language(self, client, world):
        for header, language in [
            ("ru-RU,ru;q=0.9", "ru"),
            ("kk", "kk"),
            ("fr, en;q=0.1", "en"),
            ("", "en"),
            ("*", "en"),
        ]:
            response = client.get("/", headers={"accept-language": header})
            assert (response.status_code, response["Location"]) == (302, f"/{language}/")
            assert "Accept-Language" in response["Vary"]

    @pytest.mark.parametrize(("language", "word"), [("kk", "Сайлаулар"), ("ru", "Выборы"), ("en", "Elections")])
    def test_the_address_sets_the_language_not_the_browser(self, client, observed, language, word):
        response = client.get(address(language=language), headers={"accept-language": "fr"})
        assert response["Content-Language"] == language
        assert f'<html lang="{language}">' in response.content.decode()
        assert word in response.content.decode()

    def test_an_election_language_without_translation_has_english_pages(self, client, observed):
        Election.objects.filter(pk=observed.election.pk).update(
            languages=["eo", "en"], names={"eo": "Elekto", "en": "E"}
        )
        page = client.get(address(language="eo"))
        assert page.status_code == 200
        assert "Elekto" in page.content.decode() and "What was observed" in page.content.decode()
        assert client.get(address(language="ru")).status_code == 404
        assert "/eo/test-2022/" in client.get("/ru/").content.decode()

    def test_dates_and_zones_are_written_by_language(self, client, observed):
        assert "20 November 2022" in get_visible_text(client.get(address(language="en")))
        assert "20 ноября 2022" in get_visible_text(client.get(address(language="ru")))
        assert "20 қараша" in get_visible_text(client.get(address(language="kk")))
        assert "UTC+" in get_visible_text(client.get(address()))


class TestCaching:
    def test_an_unchanged_page_is_answered_with_304(self, client, observed):
        first = client.get(address())
        assert first["Cache-Control"].startswith("public, max-age=10")
        assert first["Last-Modified"]
        again = client.get(address(), headers={"if-none-match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again["Content-Security-Policy"] == CONTENT_SECURITY_POLICY

    def test_no_cookie_is_set_and_none_changes_the_page(self, client, observed):
        first = client.get(address())
        client.cookies["django_language"] = "ru"
        second = client.get(address())
        assert first.content == second.content
        assert not first.cookies and "Cookie" not in first.get("Vary", "")

    def test_a_cached_page_costs_one_query_and_a_new_one_few(
        self, client, observed, monkeypatch, django_assert_max_num_queries
    ):
        monkeypatch.setattr(published_releases, "MAX_AGE_SECONDS", 60.0)
        with django_assert_max_num_queries(24):
            client.get(address(DISTRICT))
        with django_assert_max_num_queries(1):
            client.get(address(DISTRICT))
        with django_assert_max_num_queries(0):
            client.get("/en/")


class TestHostileInput:
    ATTACK = "<script>alert(1)</script>\"'&"

    def test_names_are_escaped(self, client, observed):
        words = dict.fromkeys(LANGUAGES, self.ATTACK)
        Commission.objects.update(names=words, address=words)
        Election.objects.update(names=words)
        Checklist.objects.update(titles=words)
        recompute_due_summaries()
        for page in (address(STATION), address(DISTRICT), address(), "/en/"):
            body = client.get(page).content.decode()
            assert "<script" not in body
        assert "&lt;script&gt;" in body
        assert Question.objects.exists()

    def test_what_observers_wrote_is_not_on_the_page(self, client, world):
        store_report(
            world.first,
            payload(
                "voting",
                "KZ-1-1-1",
                comment="a secret comment",
                answers={"V03": "yes", "V15": "no", "X07": "free words"},
            ),
        )
        recompute_due_summaries()
        for page in (address(), address(STATION)):
            body = client.get(page).content.decode()
            assert "a secret comment" not in body and "free words" not in body and "OB-2222" not in body

    @pytest.mark.parametrize(
        "path",
        [
            "/en/test-2022/NOWHERE/",
            "/en/nothing/",
            "/xx/",
            "/xx/test-2022/",
            "/en/test-2022/a%00b/",
            "/en/a%00b/",
            "/e%00n/",
            "/en/test-2022/%ff%fe/",
            "/en/test-2022/" + "x" * 5000 + "/",
            "/photos/00/1-../x.jpg",
            "/photos/00/999999999999999999-" + "0" * 32 + ".jpg",
            "/en/test-2022/KZ/extra/",
            "/%00",
        ],
    )
    def test_unknown_and_broken_addresses_get_a_clean_answer(self, client, observed, path):
        response = client.get(path)
        assert response.status_code in (400, 404)
        assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert "<h1>" in response.content.decode()

    def test_only_get_and_head_are_allowed(self, client, observed):
        assert client.post(address()).status_code == 405
        assert client.head(address()).status_code == 200


class TestPhotos:
    @pytest.fixture
    def photo(self, observed, settings) -> Evidence:
        """A photo with a public copy that a coordinator approved."""
        report = Report.objects.get(commission__code="KZ-1-1-1")
        name = "00/1-" + "0" * 32 + ".jpg"
        path = settings.PUBLIC_DIR / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\xff\xd8 a picture")
        return Evidence.objects.create(
            pk=1,
            uuid=uuid4(),
            report=report,
            observer=report.observer,
            state="stored",
            announced_at=DAY,
            stored_at=DAY,
            approved_at=DAY,
            copy=name,
            thumbnail=name,
        )

    def test_an_approved_photo_has_an_address_and_is_on_no_live_page(self, client, photo):
        for page in (ROOT, DISTRICT, STATION):
            assert photo.copy not in client.get(address(page)).content.decode()
        response = client.get(f"/photos/{photo.copy}")
        assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
        assert response["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize("why", ["withdrawn", "rejected", "closed", "not yet", "no file"])
    def test_a_photo_that_may_not_be_shown_is_not_found_at_once(self, client, observed, photo, settings, why):
        if why == "withdrawn":
            Evidence.objects.update(approved_at=None)
        elif why == "rejected":
            Report.objects.filter(pk=photo.report_id).update(state="rejected")
        elif why == "no file":
            (settings.PUBLIC_DIR / photo.copy).unlink()
        else:
            set_publication(observed, "closed" if why == "closed" else "live", precincts=why == "closed")
        assert client.get(f"/photos/{photo.copy}").status_code == 404


class TestErrors:
    def test_a_server_error_has_a_page_in_three_languages(self, client, observed, monkeypatch):
        monkeypatch.setattr("reports.pages.places.source_choice.is_public", lambda **_: 1 / 0)
        client.raise_request_exception = False
        pages = {client.get(address(language=language)).content for language in LANGUAGES}
        assert len(pages) == 3
        response = client.get(address())
        assert (response.status_code, response["Cache-Control"]) == (500, "no-store")

    @pytest.mark.parametrize("error", [OperationalError, InterfaceError])
    @pytest.mark.parametrize("path", ["/en/test-2022/", "/phone/", "/admin/login/"])
    def test_without_the_database_the_answer_is_503_with_retry_after(self, client, observed, monkeypatch, path, error):
        def raise_error(*_args, **_named):
            raise error

        for name in (
            "reports.pages.places.source_choice.is_public",
            "api.phone.views.list_public_mirrors",
            "observer.desk.login._render_page",
        ):
            monkeypatch.setattr(name, raise_error)
        client.raise_request_exception = False
        response = client.get(path)
        assert (response.status_code, response["Cache-Control"], response["Retry-After"]) == (503, "no-store", "5")
        assert "Try again in a minute" in get_visible_text(response)

    def test_not_found_has_a_page_in_three_languages(self, client, world):
        assert len({client.get(f"/{language}/no/no/no/").content for language in LANGUAGES}) == 3


def test_an_election_without_commissions_is_not_listed(client, world):
    make_election("older-2021", date=datetime(2021, 1, 10, tzinfo=UTC).date())
    body = client.get("/en/").content.decode()
    assert "test-2022" in body
    assert "older-2021" not in body  # it has no commission yet, so there is no page to lead to
