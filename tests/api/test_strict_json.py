"""The strict JSON parser: what it accepts and what it refuses."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.rest.strict_json import parse_batch, parse_object
from reports.problems import Rejected

BAD = {
    "empty": b"",
    "a list": b"[]",
    "cut": b'{"a": "b',
    "not a word of JSON": b'{"a": tru}',
    "something after": b'{"a": 1} x',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a raw lone surrogate": b'{"a": "\xed\xa0\x80"}',
    "an escaped lone surrogate": b'{"a": "\\ud800"}',
    "a surrogate pair the wrong way round": b'{"a": "\\ude00\\ud83d"}',
    "a lone surrogate as a key": b'{"\\udfff": 1}',
    "a raw NUL": b'{"a": "\x00"}',
    "an escaped NUL": b'{"a": "x\\u0000"}',
    "an escaped NUL deep inside": b'{"a": [{"b": ["\\u0000"]}]}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number that overflows": b'{"a": 1e400}',
    "a number without end": b'{"a": 0.' + b"1" * 5000 + b"}",
    "an exponent without end": b'{"a": 1e' + b"9" * 5000 + b"}",
    "an integer of 31 digits": b'{"a": ' + b"9" * 31 + b"}",
    "an integer of 10,000 digits": b'{"a": -' + b"9" * 10_000 + b"}",
    "a duplicate key": b'{"a": 1, "a": 1}',
    "a duplicate key inside": b'{"a": {"b": 1, "b": 2}}',
    "depth 33": b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}",
    "depth 10,000": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "brackets without end": b"[" * 200_000,
    "quotes without end": b'{"a": ["' + b'\\"' * 100_000,
    "many brackets, then a string never closed": b'{"a": [' + b"[]," * 40 + b'"' + b'\\"' * 100_000,
}


class TestOneBody:
    @pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
    def test_what_cannot_be_kept_is_malformed(self, body: bytes) -> None:
        with pytest.raises(Rejected) as refused:
            parse_object(body)
        assert refused.value.code == "malformed"

    def test_numbers_are_exact(self) -> None:
        assert parse_object(b'{"a": 3, "b": 3.10, "c": -1e3, "d": 0.1}') == {
            "a": 3,
            "b": Decimal("3.10"),
            "c": Decimal("-1000"),
            "d": Decimal("0.1"),
        }

    def test_pairs_and_escaped_backslashes_are_plain_text(self) -> None:
        assert parse_object(b'{"a": "\\ud83d\\ude00", "b": "\\\\u0000 \\\\ud800"}') == {
            "a": "😀",
            "b": "\\u0000 \\ud800",
        }

    def test_depth_32_is_read_and_brackets_in_texts_are_not_depth(self) -> None:
        assert parse_object(b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}")
        assert parse_object(json.dumps({"a": "[" * 500, "b": [[]] * 50, "c": '\\"[[' * 50}).encode())

    @given(st.binary(max_size=200))
    def test_any_bytes_are_read_or_refused(self, body: bytes) -> None:
        for read in (parse_object, lambda body: parse_batch(body, "reports")):
            try:
                read(body)
            except Rejected as refused:
                assert refused.code in ("malformed", "invalid_report")

    @given(st.dictionaries(st.text(max_size=5), st.recursive(st.integers(-9, 9) | st.text(max_size=9), st.lists)))
    def test_it_agrees_with_the_standard_library(self, value: dict[str, object]) -> None:
        body = json.dumps(value).encode()
        if "\\u0000" not in body.decode() and "\\ud" not in body.decode():
            assert parse_object(body) == json.loads(body)


class TestABatch:
    def test_every_element_comes_with_its_own_bytes(self) -> None:
        elements = [b'{"id": 1}', '{"comment":  "Сайлау"}'.encode(), b'{ "a" : [ 1 , 2 ] }']
        body = b' {"v": {"x": [1]}, "reports" : [ ' + b" ,\n".join(elements) + b' ], "more": "]" } '
        read = parse_batch(body, "reports")
        assert [one.body for one in read] == elements
        assert [one.value for one in read] == [json.loads(one) for one in elements]

    @pytest.mark.parametrize(
        "bad",
        [
            b'{"a": 1e400}',
            b'{"a": tru}',
            b'{"a": "\xff"}',
            b'{"a": "\\ud800"}',
            b'{"a": 1, "a": 2}',
            b'{"a" 1}',
            b"\xff",
            b'"\x00"',
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
            b"[" * 50 + b"]" * 50,
        ],
        ids=lambda bad: repr(bad[:12]),
    )
    def test_a_bad_element_affects_only_itself_and_keeps_its_bytes(self, bad: bytes) -> None:
        first, second, third = parse_batch(b'{"reports": [{"x": 1}, ' + bad + b', {"y": 2}]}', "reports")
        assert (first.value, third.value) == ({"x": 1}, {"y": 2})
        assert second.body == bad
        assert second.problem is not None
        assert second.problem.code == "malformed"

    @pytest.mark.parametrize("body", [*BAD.values(), b'{"reports": [1', b'{"reports": [1}', b'{"reports": [,]}'])
    def test_a_wrapper_that_cannot_be_read_is_malformed(self, body: bytes) -> None:
        with pytest.raises(Rejected) as refused:
            parse_batch(body, "reports")
        assert refused.value.code in ("malformed", "invalid_report")

    @pytest.mark.parametrize("body", [b"{}", b'{"reports": {}}', b'{"report": []}', b'{"reports": null}'])
    def test_a_wrapper_without_the_list_says_so(self, body: bytes) -> None:
        with pytest.raises(Rejected) as refused:
            parse_batch(body, "reports")
        assert refused.value.errors[0].field == "reports"
