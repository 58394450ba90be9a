"""Tests that pages, open data and an independent recount agree."""

import hashlib
import itertools
import json
import re
from collections import Counter, defaultdict

import pytest
from django.utils import timezone

from observer.models import Commission, Election
from reports.models import Report, Violation
from reports.services.figures.format import format_figure
from reports.services.figures.recount import _count_own_figures, _order_leaves_first
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.review.decisions import decide_violation, verify_report
from tests.support.intake import store_report
from tests.support.releases import (
    download_package,
    find_numbers,
    make_release,
    parse_figures,
    read_descriptor,
    read_table,
)
from tests.support.world import World, payload

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TERRITORIES = ("KZ", "KZ-1", "KZ-2", "KZ-1-1", "KZ-1-2", "KZ-2-1", "KZ-2-2")


@pytest.fixture(autouse=True)
def _isolated_cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def released(client, world: World):
    """One release of about a hundred reports of every kind.

    Some are verified; some violations are refuted or confirmed.
    """
    Election.objects.update(publication="released")
    world.election.refresh_from_db()
    phones = [world.first, world.second, *(world.enrol_phone(f"OB-44{n}{n}") for n in range(2, 5))]
    answers = itertools.cycle(
        [
            {"V03": "yes", "V15": "yes", "V16": "no", "V90": "bad", "V01": "female", "V30": ["a", "c"], "X05": 1234},
            {"V03": "no", "V15": "no", "V90": "good", "V19": "no", "V17": "yes", "X05": 7, "X06": "12.5"},
            {"V03": "yes", "V15": "not_observed", "V90": "very_bad", "V20": "no", "V01": "male", "X07": "words"},
            {"V03": "not_applicable", "V15": "no", "V90": "very_good", "V17": "no", "V30": ["b"]},
        ]
    )
    stations = [code for code in world.tree if code.count("-") == 3]
    for n, (phone, station) in enumerate(itertools.product(phones, stations)):
        if n % 5 != 3:
            store_report(phone, payload("voting", station, answers=next(answers), slot="10:00" if n % 7 == 0 else ""))
            store_report(phone, payload("voting", station, answers=next(answers)))
        if n % 3 == 0:
            store_report(phone, payload("opening", station, answers={"O01": "no" if n % 2 else "yes", "O90": "bad"}))
    store_report(world.first, payload("incident", "KZ-1-1-1"))
    store_report(world.first, payload("tabulation", "KZ-1-1", answers={"T90": "bad"}))
    for report in Report.objects.order_by("sequence")[::4]:
        verify_report(report=report, user=None, now=timezone.now())
    states = itertools.cycle(["refuted", "confirmed", "solved", "passed_on", "reported", "reported"])
    for violation in Violation.objects.order_by("pk"):
        if (state := next(states)) != "reported":
            decide_violation(violation=violation, state=state, user=None, now=timezone.now())
    recompute_due_summaries()
    make_release(world.election, finding="voting:V03")
    return download_package(client, "test-2022", 1)


class OpenData:
    """Looks up figures.csv by the path in `data-f`.

    A path is part|stage|item|figure.
    """

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows = {
            (row["place"], "|".join(row[name] for name in ("part", "stage", "item", "figure"))): row
            for row in rows
            if not row["contest"] and not row["slot"]
        }

    def get_value(self, place: str, path: str) -> int:
        row = self.rows.get((place, path))
        return int(row["value"]) if row and row["value"] else 0

    def list_expected(self, place: str, path: str) -> list[str]:
        """List the numbers that an element with this path shows.

        In their order on the page.
        """
        if path.startswith("@"):
            place, _bar, path = path[1:].partition("|")
            path = f"stage|{path}"
        part, _stage, _item, name = path.split("|")
        if name in ("finding", "verified"):
            row = self.rows[place, path]
            percent = [row["text"]] if row["text"].endswith("%") else []
            return [*percent, row["value"], row["of"]]
        if name == "stations":
            counts = {one: self.get_value(place, f"{path}.{one}") for one in ("yes", "no", "conflicting")}
            n, of = counts[ANSWERS[path.split("|")[2]]], sum(counts.values())
            return [*list_percentages(n, of), str(n), str(of)]
        if path.endswith("precincts_observed") or name == "not_observed":
            start = path.rpartition("precincts_observed" if name != "not_observed" else "not_observed")[0]
            n, of = self.get_value(place, f"{start}precincts_observed"), self.get_value(place, f"{start}precincts")
            if name == "not_observed":
                return [str(of - n), str(of)]
            return (
                [str(n), str(of), *list_percentages(n, of)]
                if part == "coverage"
                else [*list_percentages(n, of), str(n), str(of)]
            )
        if path == "coverage|||reports_verified":
            return [str(self.get_value(place, path)), str(self.get_value(place, "coverage|||reports"))]
        if name == "":
            return [str(self.get_value(place, path + what)) for what in ("reports", "commissions")]
        if name == "refuted" and part == "stage":
            path = path.removesuffix("refuted") + "finding.refuted"
        row = self.rows.get((place, path))
        return [row["value"]] if row else ["0"]


ANSWERS = {"O01": "no", "V03": "yes", "V15": "yes", "V16": "yes", "V19": "no", "V20": "no"}


def list_percentages(n: int, of: int) -> list[str]:
    text = format_figure(n, of)
    return [text] if text.endswith("%") else []


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_a_page_shows_the_numbers_of_the_open_data(client, released, language):
    data = OpenData(read_table(released, "figures.csv"))
    seen = 0
    for place in TERRITORIES:
        pages = [f"/{language}/test-2022/{place}/"]
        pages += [f"/{language}/test-2022/{place}/voting/{question}/" for question in ("V03", "V19", "V90")]
        for page in pages:
            response = client.get(page)
            assert response.status_code == 200, page
            found = parse_figures(response.content.decode())
            for path, text in found.figures:
                # In Kazakh sentences the denominator comes before the numerator, but never in a figure.
                assert find_numbers(text) == data.list_expected(place, path) or not find_numbers(text), (
                    page,
                    path,
                    text,
                )
                seen += bool(find_numbers(text))
    assert seen > 400


def test_every_number_on_a_page_is_in_the_open_data(client, released):
    data = OpenData(read_table(released, "figures.csv"))
    for place in TERRITORIES:
        html = client.get(f"/en/test-2022/{place}/").content.decode()
        rest = re.sub(r'<p class="asof">.*?</p>|<aside class="edition".*?</aside>|<svg.*?</svg>', "", html, flags=re.S)
        rest = re.sub(
            r'<section aria-labelledby="changes">.*?</section>|<section class="method".*?</section>',
            "",
            rest,
            flags=re.S,
        )
        visible_text = " ".join(parse_figures(rest).rest).replace("\xa0", " ")
        visible_text = re.sub(
            r"KZ[-\d]*|test-2022|[A-Z]{1,3}-?\d\d|20 November 2022|\d\d? Nov, \d\d:00", " ", visible_text
        )
        known = {row[column] for (_place, _path), row in data.rows.items() for column in ("value", "of", "text")}
        own = {
            number
            for (there, path) in data.rows
            if there == place and path.count("|") == 3
            for number in [data.rows[there, path]["value"]]
        }
        assert set(find_numbers(visible_text)) <= known | own, (place, set(find_numbers(visible_text)) - known)


def test_the_open_data_equal_an_independent_recount(released):
    places = {place.pk: place for place in Commission.objects.select_related("level", "election")}
    counted = _count_own_figures(places)
    for place in _order_leaves_first(places):
        if place.parent_id is not None:
            counted[place.parent_id].add(counted[place.pk])
    data = OpenData(read_table(released, "figures.csv"))
    checked = 0
    for key, place in places.items():
        if place.code not in TERRITORIES:
            continue
        counts = counted[key].counts
        names = {"precincts_observed": "observed", "precincts_denied": "denied", "reports_verified": "verified"}
        for name in ("precincts", "precincts_observed", "precincts_denied", "reports", "reports_verified"):
            assert data.get_value(place.code, f"coverage|||{name}") == counts[(names.get(name, name),)]
        assert data.get_value(place.code, "coverage|||observers") == len(counted[key].observers)
        for path, n in counts.items():
            if path[0] == "stages" and "parts" not in path and path[-2:-1] == ("finding",):
                stage, question, name = path[1], path[4], path[-1]
                if name in ("n", "of"):
                    row = data.rows[place.code, f"stage|{stage}|{question}|finding"]
                    assert int(row["value" if name == "n" else "of"]) == n
                    checked += 1
            if path[:2] == ("violations", "types"):
                assert data.get_value(place.code, f"violations by_type||{path[2]}|{path[3]}") == n
                checked += 1
    assert checked > 200


def test_totals_can_be_counted_from_the_rows(released):
    """Count the totals as an outsider would, from the package only."""
    tree = {row["code"]: row["parent"] for row in read_table(released, "commissions.csv")}
    questions = {(row["checklist"], row["question"]): row for row in read_table(released, "questions.csv")}
    data = OpenData(read_table(released, "figures.csv"))
    totals: dict[str, Counter[str]] = defaultdict(Counter)

    def above(place: str) -> list[str]:
        return [place, *(above(tree[place]) if tree[place] else [])]

    for name in released.namelist():
        if not name.startswith("reports-"):
            continue
        for row in read_table(released, name):
            n = int(row["n"])
            claims = dict(claim.split(":") for claim in row["claims"].split())
            for place in above(row["place"]):
                totals[place]["reports"] += n
                for (checklist, question), asked in questions.items():
                    given = row.get(question, "") if checklist == row["checklist"] else ""
                    if given:
                        totals[place][f"{question}|{given}"] += n
                    if asked["type"] == "yes_no" and given in asked["findings"].split():
                        totals[place][f"{question}|n"] += n * (claims.get(asked["violation"]) != "refuted")
    assert set(totals) == set(TERRITORIES)
    for place, counts in totals.items():
        assert counts["reports"] == data.get_value(place, "coverage|||reports")
        for question, answer in ANSWERS.items():
            stage = "opening" if question == "O01" else "voting"
            assert counts[f"{question}|{answer}"] == data.get_value(place, f"stage|{stage}|{question}|{answer}")
            assert counts[f"{question}|n"] == data.get_value(place, f"stage|{stage}|{question}|finding")
    numbers_ = [row for row in read_table(released, "numbers.csv") if row["question"] == "X05" and not row["slot"]]
    total = sum(int(row["n"]) * int(row["value"]) for row in numbers_)
    assert total == data.get_value("KZ", "stage|voting|X05|sum") > 0


class TestThePackage:
    def test_every_file_matches_its_description(self, released):
        package_descriptor = read_descriptor(released)
        assert package_descriptor["licenses"][0]["name"] == "CC-BY-4.0"
        assert {one["path"] for one in package_descriptor["resources"]} == set(released.namelist()) - {
            "datapackage.json"
        }
        names = [one["name"] for one in package_descriptor["resources"]]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[-a-z0-9._/]+", name) for name in names)
        for resource in package_descriptor["resources"]:
            content = released.read(resource["path"])
            assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert resource["bytes"] == len(content)
            if resource["format"] == "csv":
                rows = read_table(released, resource["path"])
                fields = {field["name"]: field["type"] for field in resource["schema"]["fields"]}
                assert not rows or list(rows[0]) == list(fields)
                for row, (name, kind) in itertools.product(rows, fields.items()):
                    if row[name] and kind != "string":
                        assert re.fullmatch(
                            {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?", "boolean": "true|false"}[kind], row[name]
                        )
                key = resource["schema"].get("primaryKey")
                assert key is None or len({tuple(row[name] for name in key) for row in rows}) == len(rows)
            if resource["format"] == "json":
                json.loads(content)

    def test_it_identifies_no_person_and_no_stations_reports(self, released, world):
        stations = [code for code in world.tree if code.count("-") == 3]
        for name in released.namelist():
            content = released.read(name).decode()
            for secret in ("OB-2222", "OB-3333", "+7701", "Name of", "2022-11-20T04:00", '"words"', ",words"):
                assert secret not in content, name
            if name.startswith(("reports-", "numbers")):
                assert not any(row["place"] in stations for row in read_table(released, name))

    def test_it_is_identical_when_it_is_built_again(self, client, released, settings):
        first = client.get("/data/test-2022/1/datapackage.json")
        before = b"".join(first.streaming_content)
        (settings.RELEASES_DIR / "test-2022" / "1.zip").unlink()
        again = client.get("/data/test-2022/1/datapackage.json")
        assert b"".join(again.streaming_content) == before
        assert again["ETag"] == first["ETag"]
        assert client.get("/data/test-2022/1/figures.csv", headers={"if-none-match": first["ETag"]}).status_code == 304
