"""Public data as JSON and CSV: no more than what is published."""

import csv
import io
import time
from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from observer.models import Commission, Election
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing import published_releases
from tests.api.conftest import PhoneClient
from tests.support.world import World, payload

COMMISSIONS = "elections/test-2022/commissions"


@pytest.fixture
def world_with_figures(world: World, first: PhoneClient) -> World:
    first.post("reports", payload(answers={"V03": "yes", "X05": 7, "V30": ["a", "b"], "V01": "female"}))
    first.post("reports", payload("incident"))
    recompute_due_summaries()
    return world


def read_csv_rows(answer) -> list[dict[str, str]]:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8")
    assert not text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


class TestElections:
    def test_they_are_listed_with_their_root(self, nobody: PhoneClient, world: World) -> None:
        (row,) = nobody.get("elections", **{"accept-language": "kk"}).json()
        assert row == {
            "slug": "test-2022",
            "name": "test-2022 kk",
            "date": "2022-11-20",
            "languages": ["kk", "ru", "en"],
            "publication": "live",
            "root": "KZ",
        }

    @pytest.mark.parametrize("fields", [{"publication": "closed"}, {"state": "draft"}])
    def test_what_is_not_public_is_not_listed(self, nobody: PhoneClient, world: World, fields: dict) -> None:
        Election.objects.update(**fields)
        assert nobody.get("elections").json() == []
        assert read_csv_rows(nobody.get("elections?format=csv")) == []

    def test_a_bad_token_may_read_them_too(self, nobody: PhoneClient, world: World) -> None:
        assert nobody.get("elections", authorization="Bearer gone").status_code == 200


class TestACommission:
    def test_it_has_its_parent_and_children(self, nobody: PhoneClient, world: World) -> None:
        body = nobody.get(f"{COMMISSIONS}/KZ-1").json()
        assert (body["code"], body["level"], body["kind"]) == ("KZ-1", "region", "territorial")
        assert body["parent"]["code"] == "KZ"
        assert [child["code"] for child in body["children"]] == ["KZ-1-1", "KZ-1-2"]

    def test_as_csv(self, nobody: PhoneClient, world: World) -> None:
        rows = read_csv_rows(nobody.get(f"{COMMISSIONS}/KZ-1?format=csv"))
        assert [(row["relation"], row["code"]) for row in rows] == [
            ("self", "KZ-1"),
            ("parent", "KZ"),
            ("child", "KZ-1-1"),
            ("child", "KZ-1-2"),
        ]


class TestPublication:
    @pytest.mark.parametrize("publication", ["closed", "released"])
    @pytest.mark.parametrize("path", ["KZ", "KZ/summary", "KZ-1/summary", "KZ?format=csv"])
    def test_nothing_before_it_is_live(self, nobody, world_with_figures, publication: str, path: str) -> None:
        Election.objects.update(publication=publication)
        answer = nobody.get(f"{COMMISSIONS}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_published")

    @pytest.mark.parametrize("path", ["KZ-1-1-1", "KZ-1-1-1/summary"])
    def test_a_precinct_only_after_its_hour(self, nobody, world_with_figures, path: str) -> None:
        Election.objects.update(precincts_public_from=timezone.now() + timedelta(hours=1))
        assert nobody.get(f"{COMMISSIONS}/{path}").json()["code"] == "not_published"
        Election.objects.update(precincts_public_from=timezone.now() - timedelta(hours=1))
        assert nobody.get(f"{COMMISSIONS}/{path}").status_code == 200

    @pytest.mark.parametrize(
        "path",
        [
            "elections/none/commissions/KZ",
            f"{COMMISSIONS}/XX",
            f"{COMMISSIONS}/XX/summary",
            "elections/a%00b/commissions/KZ",
        ],
    )
    def test_an_unknown_commission_is_404(self, nobody, world, path: str) -> None:
        assert nobody.get(path).status_code == 404


class TestASummary:
    def test_it_has_numerator_and_denominator(self, nobody: PhoneClient, world_with_figures: World) -> None:
        body = nobody.get(f"{COMMISSIONS}/KZ/summary", **{"accept-language": "kk"}).json()
        assert body["commission"] == {"code": "KZ", "name": "KZ kk", "level": "central"}
        assert body["coverage"]["reports"] == 2
        finding = body["stages"]["voting"]["questions"]["V03"]["finding"]
        assert (finding["n"], finding["of"], finding["text"]) == (1, 1, "1")
        assert body["violations"]["by_type"]["FRD-05"]["reported"] == 1

    def test_without_reports_it_is_200_and_empty(self, nobody: PhoneClient, world: World) -> None:
        body = nobody.get(f"{COMMISSIONS}/KZ-2/summary").json()
        assert (body["stages"], body["revision"]) == ({}, 0)

    def test_no_observer_is_in_it(self, nobody: PhoneClient, world_with_figures: World) -> None:
        for query in ("", "?format=csv"):
            text = nobody.get(f"{COMMISSIONS}/KZ/summary{query}").content.decode()
            assert "OB-2222" not in text

    def test_unchanged_it_is_304(self, nobody: PhoneClient, world_with_figures: World) -> None:
        for query in ("", "?format=csv"):
            seen = nobody.get(f"{COMMISSIONS}/KZ/summary{query}")
            assert nobody.get(f"{COMMISSIONS}/KZ/summary{query}", **{"if-none-match": seen["ETag"]}).status_code == 304

    def test_every_figure_of_the_json_is_in_the_csv(self, nobody: PhoneClient, world_with_figures: World) -> None:
        rows = read_csv_rows(nobody.get(f"{COMMISSIONS}/KZ/summary", accept="text/csv"))
        found = {(row["part"], row["stage"], row["item"], row["figure"]): row for row in rows}
        assert found["stage", "voting", "V03", "yes"]["value"] == "1"
        finding = found["stage", "voting", "V03", "finding"]
        assert (finding["value"], finding["of"], finding["text"]) == ("1", "1", "1")
        assert found["stage", "voting", "X05", "sum"]["value"] == "7"
        assert found["stage", "voting", "V01", "choices.female"]["value"] == "1"
        assert found["coverage", "", "", "reports"]["value"] == "2"
        assert found["violations by_type", "", "FRD-05", "reported"]["value"] == "1"
        assert found["child", "", "KZ-1", "coverage.reports"]["value"] == "2"

        def leaves(value) -> int:
            if isinstance(value, dict):
                return sum(map(leaves, value.values()))
            return sum(map(leaves, value)) if isinstance(value, list) else int(isinstance(value, int | float))

        figures = leaves(nobody.get(f"{COMMISSIONS}/KZ/summary").json())
        assert figures - sum(row[column].isdigit() for row in rows for column in ("value", "of")) <= 1

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx"])
    def test_a_cell_that_looks_like_a_formula_is_defused(self, nobody, world_with_figures, name: str) -> None:
        Commission.objects.filter(code__in=["KZ", "KZ-1"]).update(names={"en": name})
        Election.objects.update(names={"en": name})
        for path in (f"{COMMISSIONS}/KZ/summary", f"{COMMISSIONS}/KZ", "elections"):
            cells = [cell for row in read_csv_rows(nobody.get(f"{path}?format=csv")) for cell in row.values()]
            assert f"'{name}" in cells, path
            assert name not in cells


class TestCachedSummary:
    @pytest.fixture(autouse=True)
    def _use_private_cache(self, settings) -> None:
        """Gives the test its own cache, because others clear the shared one at any moment."""
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

    @pytest.mark.parametrize("query", ["", "?format=csv"])
    def test_it_costs_one_query(
        self, nobody, world_with_figures, query: str, monkeypatch, django_assert_num_queries
    ) -> None:
        monkeypatch.setattr(published_releases, "MAX_AGE_SECONDS", 60.0)
        first = nobody.get(f"{COMMISSIONS}/KZ/summary{query}")
        with django_assert_num_queries(1):
            again = nobody.get(f"{COMMISSIONS}/KZ/summary{query}")
        assert (again.content, again["ETag"]) == (first.content, first["ETag"])

    def test_languages_formats_and_places_are_kept_apart(self, nobody, world_with_figures) -> None:
        asked = [
            (code, query, language) for code in ("KZ", "KZ-1") for query in ("", "?format=csv") for language in "kr"
        ]
        bodies = [
            nobody.get(
                f"{COMMISSIONS}/{code}/summary{query}", **{"accept-language": {"k": "kk", "r": "ru"}[language]}
            ).content
            for _twice in range(2)
            for code, query, language in asked
        ]
        assert len(set(bodies)) == len(asked)
        assert bodies[: len(asked)] == bodies[len(asked) :]

    def test_a_new_figure_shows_at_once(self, nobody, world_with_figures, first) -> None:
        seen = nobody.get(f"{COMMISSIONS}/KZ/summary")
        first.post("reports", payload(answers={"V03": "no"}))
        recompute_due_summaries()
        answer = nobody.get(f"{COMMISSIONS}/KZ/summary", **{"if-none-match": seen["ETag"]})
        assert (answer.status_code, answer.json()["coverage"]["reports"]) == (200, 3)

    def test_a_change_of_publication_shows_at_once(self, nobody, world_with_figures) -> None:
        Election.objects.update(precincts_public_from=timezone.now() - timedelta(hours=1))
        assert nobody.get(f"{COMMISSIONS}/KZ-1-1/summary").json()["children_withheld"] == 0
        Election.objects.update(precincts_public_from=timezone.now() + timedelta(hours=1))
        assert nobody.get(f"{COMMISSIONS}/KZ-1-1/summary").json()["children_withheld"] == 3
        Election.objects.update(publication="closed")
        assert nobody.get(f"{COMMISSIONS}/KZ-1-1/summary").status_code == 404

    def test_a_corrected_name_shows_within_a_minute(self, nobody, world_with_figures) -> None:
        assert nobody.get(f"{COMMISSIONS}/KZ/summary").status_code == 200
        Commission.objects.filter(code="KZ").update(names={"en": "Corrected"})
        later = time.time() + 60
        with mock.patch("django.core.cache.backends.locmem.time.time", lambda: later):
            assert nobody.get(f"{COMMISSIONS}/KZ/summary").json()["commission"]["name"] == "Corrected"


class TestFormats:
    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("text/csv", "text/csv"),
            ("application/json", "application/json"),
            ("*/*", "application/json"),
            ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
            ("text/*", "text/csv"),
            ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
            ("", "application/json"),
            ("text/csv;q=nonsense", "application/json"),
            ("text/csv;q=0", "application/json"),
        ],
    )
    def test_the_best_of_accept(self, nobody, world, accept: str, kind: str) -> None:
        assert nobody.get(f"{COMMISSIONS}/KZ/summary", accept=accept)["Content-Type"].startswith(kind)

    def test_a_format_that_is_not_offered_is_406(self, nobody: PhoneClient, world: World) -> None:
        for path in ("elections", f"{COMMISSIONS}/KZ", f"{COMMISSIONS}/KZ/summary"):
            answer = nobody.get(f"{path}?format=xml")
            assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
