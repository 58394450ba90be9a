"""The canonical form of a report's content: golden vectors, and properties for any spelling."""

import hashlib
import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.problems import Rejected
from reports.services.intake.canonical import CANONICAL_VERSION, encode_canonical, hash_content, read_content
from tests.support.pure import FORMS, VIOLATION_CODES, build_form, build_pure_submission
from tests.support.world import payload

VECTORS = sorted((Path(__file__).parents[3] / "payloads" / "canonical").glob("*.json"))


def encode_body(body: dict[str, Any], observer: str = "OB-2222") -> bytes:
    form = FORMS[body.get("checklist", {}).get("code", "voting")]
    return encode_canonical(read_content(build_pure_submission(body, observer), form, VIOLATION_CODES))


class TestGoldenVectors:
    """Vectors may be added. Changing one requires a new version of the algorithm."""

    def test_are_of_the_version_in_use(self):
        assert CANONICAL_VERSION == 1
        assert len(VECTORS) >= 15

    @pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
    def test_stand(self, path: Path):
        vector = json.loads(path.read_text())
        assert encode_body(vector["report"], vector["observer"]).decode() == vector["canonical"]
        assert hashlib.sha256(vector["canonical"].encode()).hexdigest() == vector["sha256"]
        for other in vector["same"]:
            assert encode_body(vector["report"] | other, vector["observer"]).decode() == vector["canonical"]

    def test_each_says_something_else(self):
        texts = [json.loads(path.read_text())["canonical"] for path in VECTORS]
        assert len(set(texts)) == len(texts)


# ── any spelling ──────────────────────────────────────────────────────────────────────────────

LETTERS = 'AbйӘғқҢө é ё\u0301ﬁ\n\t"\\0 \\u2028😀 İ한 ﷺ'
plain_texts = st.text(LETTERS, max_size=12).map(lambda text: unicodedata.normalize("NFC", text).strip())
coordinates = st.integers(-8_900_000, 8_900_000).map(lambda n: Decimal(n).scaleb(-5))


@st.composite
def report_contents(draw: st.DrawFn) -> dict[str, Any]:
    """Contents that an observer may report, in normalised values; `spell_content` varies the spelling."""
    answers = {
        "V03": st.sampled_from(["yes", "no", "not_observed", "not_applicable"]),
        "V01": st.sampled_from(["female", "male"]),
        "V90": st.sampled_from(["very_good", "good", "bad", "very_bad"]),
        "V30": st.lists(st.sampled_from("abc"), min_size=1, unique=True).map(sorted),
        "X05": st.integers(-(10**14), 10**14),
        "X06": st.decimals(-(10**9), 10**9, places=4),
        "X07": plain_texts.filter(bool),
        "X10": st.fixed_dictionaries({"lat": coordinates, "lon": coordinates}),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(answers))))
    place = {"lat": draw(coordinates), "lon": draw(coordinates), "accuracy": draw(st.none() | st.integers(0, 500))}
    return {
        "commission": draw(st.sampled_from(["KZ-1-1-1", "KZ-1-1-2", "KZ"])),
        "contest": draw(st.sampled_from(["", "PRES", "PARTY"])),
        "slot": draw(st.sampled_from(["", "10:05", "12:05"])),
        "observed_at": datetime(2022, 11, 20, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 90_000))),
        "answers": {code: draw(answers[code]) for code in sorted(chosen)},
        "comment": draw(plain_texts),
        "location": draw(st.sampled_from([None, place])),
        "outside": draw(st.booleans()),
        "supersedes": draw(st.none() | st.uuids()),
    }


def spell_content(content: dict[str, Any], draw: Any) -> dict[str, Any]:
    """One of the many bodies that have this content."""
    zone = timezone(timedelta(minutes=draw(st.integers(-720, 840))))
    moment = content["observed_at"].astimezone(zone) + timedelta(microseconds=draw(st.integers(0, 999_999)))
    body: dict[str, Any] = {
        "commission": content["commission"],
        "contest": _spell_text(content["contest"], draw),
        "slot": _spell_text(content["slot"], draw),
        "observed_at": moment.isoformat(),
        "answers": _spell_answers(content["answers"], draw),
        "comment": _spell_text(content["comment"], draw),
        "location": content["location"] and _spell_location(content["location"], draw),
        "outside": content["outside"],
        "supersedes": content["supersedes"]
        and draw(st.sampled_from([str, lambda u: u.hex.upper()]))(content["supersedes"]),
        "sent_at": draw(st.sampled_from([None, "2022-11-20T05:00:00Z"])),
        "rehearsal": draw(st.booleans()),
    }
    absent = [key for key in ("contest", "slot", "comment", "location", "outside", "supersedes") if not body[key]]
    for key in draw(st.sets(st.sampled_from(absent))) if absent else ():
        del body[key]
    return body


def _spell_text(text: str, draw: Any) -> str | None:
    if not text:
        return draw(st.sampled_from([None, "", " \r\n "]))
    form = draw(st.sampled_from(["NFC", "NFD"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    edge = st.sampled_from(["", " ", "\r\n", "\t"])
    return draw(edge) + unicodedata.normalize(form, text).replace("\n", end) + draw(edge)


def _spell_number(number: int | Decimal, draw: Any) -> Any:
    exact = Decimal(number)
    ways = [str(exact), f"{exact:+f}", f" {exact:f} ", f"{exact:e}", exact]
    if exact == exact.to_integral_value():
        ways += [int(exact), f"{exact:f}.00" if "." not in f"{exact:f}" else f"{exact:f}0"]
    if Decimal(str(float(exact))) == exact:
        ways.append(float(exact))
    return draw(st.sampled_from(ways))


def _spell_location(place: dict[str, Any], draw: Any) -> dict[str, float | None]:
    nudge = st.floats(-4e-6, 4e-6)
    found = {key: float(place[key]) + draw(nudge) for key in ("lat", "lon")}
    return found | ({"accuracy": place["accuracy"]} if place.get("accuracy") is not None else {})


def _spell_answers(answers: dict[str, Any], draw: Any) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for code in draw(st.permutations(sorted(answers))):
        value = answers[code]
        if code in ("X05", "X06"):
            said[code] = _spell_number(value, draw)
        elif code == "V30":
            said[code] = [_spell_text(one, draw) for one in draw(st.permutations(value * draw(st.integers(1, 2))))]
        elif code == "X10":
            said[code] = {key: _spell_number(number, draw) for key, number in value.items()}
        else:
            said[code] = _spell_text(value, draw)
    for code in draw(st.sets(st.sampled_from(["V15", "V17", "X08", "X11"]))):
        said[code] = None
    return said


class TestAnySpelling:
    @settings(max_examples=120, deadline=None)
    @given(st.data(), report_contents())
    def test_of_the_same_content_has_the_same_bytes(self, data, content):
        first, second = spell_content(content, data.draw), spell_content(content, data.draw)
        assert encode_body(first) == encode_body(second)

    @settings(max_examples=120, deadline=None)
    @given(st.data(), report_contents(), report_contents())
    def test_of_other_content_has_other_bytes(self, data, one, other):
        same = [_normalize_content(one), _normalize_content(other)]
        assert (encode_body(spell_content(one, data.draw)) == encode_body(spell_content(other, data.draw))) == (
            same[0] == same[1]
        )

    @settings(max_examples=120, deadline=None)
    @given(st.data(), report_contents(), report_contents())
    def test_changed_in_one_thing_has_other_bytes(self, data, content, other):
        key = data.draw(st.sampled_from(sorted(content)))
        changed = content | {key: other[key]}
        same = _normalize_content(content)[key] == _normalize_content(changed)[key]
        assert (
            encode_body(spell_content(content, data.draw)) == encode_body(spell_content(changed, data.draw))
        ) == same

    @settings(max_examples=60, deadline=None)
    @given(st.data(), report_contents())
    def test_is_a_fixed_point_of_reading(self, data, content):
        """Stored content that is sent again is the same content."""
        form = FORMS["voting"]
        read = read_content(build_pure_submission(spell_content(content, data.draw)), form)
        again = build_pure_submission(
            {
                "commission": read.commission,
                "contest": read.contest,
                "slot": read.slot,
                "observed_at": read.observed_at.isoformat(),
                "answers": read.answers,
                "comment": read.comment,
                "location": read.location
                and {"lat": read.location.lat, "lon": read.location.lon, "accuracy": read.location.accuracy},
                "outside": read.outside,
                "supersedes": str(read.supersedes) if read.supersedes else None,
            }
        )
        assert encode_canonical(read_content(again, form)) == encode_canonical(read)


def _normalize_content(content: dict[str, Any]) -> dict[str, Any]:
    """Two contents are the same exactly where these are equal."""
    return content | {"comment": unicodedata.normalize("NFC", content["comment"])}


class TestEveryPartOfTheContent:
    BASE = payload(comment="c", location={"lat": 1, "lon": 2, "accuracy": 3})

    @pytest.mark.parametrize(
        "change",
        [
            {"commission": "KZ-1-1-2"},
            {"contest": "PRES"},
            {"slot": "10:05"},
            {"comment": "C"},
            {"outside": True},
            {"observed_at": "2022-11-20T10:00:01+06:00"},
            {"answers": {"V03": "yes", "V15": "no", "V90": "good"}},
            {"answers": {"V03": "no", "V15": "no"}},
            {"location": None},
            {"location": {"lat": 1, "lon": 2}},
            {"location": {"lat": 1.00001, "lon": 2, "accuracy": 3}},
            {"location": {"lat": 1, "lon": 2, "accuracy": 3.1}},
            {"supersedes": "018f4e9a-0000-7000-8000-0000000000ab"},
            {"answers": {}},
        ],
        ids=str,
    )
    def test_changes_the_bytes(self, change):
        assert encode_body(self.BASE | change) != encode_body(self.BASE)

    def test_the_observer_is_part_of_it(self):
        assert encode_body(self.BASE, "OB-2222") != encode_body(self.BASE, "OB-3333")

    def test_the_version_of_the_checklist_is_part_of_it(self):
        second = build_form([{"code": "V03", "type": "yes_no"}], number=2)
        body = payload(answers={"V03": "no"})
        one = read_content(build_pure_submission(body), build_form([{"code": "V03", "type": "yes_no"}]))
        assert hash_content(one) != hash_content(read_content(build_pure_submission(body), second))

    def test_letters_that_only_look_alike_differ(self):
        assert encode_body(payload(comment="ﬁ")) != encode_body(payload(comment="fi"))
        assert encode_body(payload(comment="е")) != encode_body(payload(comment="e"))


class TestValuesOutOfRange:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"observed_at": "0001-01-01T00:00:00+06:00"}, "observed_at"),
            ({"observed_at": "9999-12-31T23:59:59-06:00"}, "observed_at"),
            ({"sent_at": "0001-01-01T00:00:00+06:00"}, "sent_at"),
            ({"slot": "x" * 33}, "slot"),
            ({"location": {"lat": 90.1, "lon": 0}}, "location"),
            ({"location": {"lat": 0, "lon": -180.1}}, "location"),
            ({"location": {"lat": float("nan"), "lon": 0}}, "location"),
            ({"location": {"lat": 0, "lon": 0, "accuracy": 1e300}}, "location.accuracy"),
            ({"location": {"lat": 0, "lon": 0, "accuracy": -1}}, "location.accuracy"),
        ],
        ids=str,
    )
    def test_is_refused_with_its_field(self, change, field):
        with pytest.raises(Rejected) as caught:
            encode_body(payload(**change))
        assert caught.value.code == "invalid_report"
        assert [error.field for error in caught.value.errors] == [field]

    def test_every_wrong_field_is_told_at_once(self):
        with pytest.raises(Rejected) as caught:
            encode_body(payload(slot="x" * 33, location={"lat": 91, "lon": 0}, sent_at="0001-01-01T00:00:00+06:00"))
        assert {error.field for error in caught.value.errors} == {"slot", "location", "sent_at"}

    def test_an_odd_but_possible_time_is_content(self):
        assert b"1970-01-01T00:00:00Z" in encode_body(payload(observed_at="1970-01-01T06:00:00+06:00"))
