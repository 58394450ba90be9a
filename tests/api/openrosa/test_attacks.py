"""XML and bodies that are made to do harm.

Each gets an answer, costs little, and stores nothing that it should not.
"""

import io
import tracemalloc
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.openrosa.instance import Instance, parse_instance
from api.openrosa.multipart_reader import XmlPart, read_parts
from reports.models import Evidence, Refusal, Report
from reports.problems import Rejected
from tests.api.openrosa.collect import BOUNDARY, CollectClient, build_form_xml, build_multipart, build_part
from tests.support.world import World

pytestmark = pytest.mark.once

BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<data id="voting" version="1"><V03>&c;</V03></data>"""
EXTERNAL = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<data id="voting" version="1"><V03>&x;</V03></data>"""
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE data SYSTEM "http://127.0.0.1:1/x.dtd"><data id="voting" version="1"/>'
PARAMETER = b'<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><data id="voting"/>'
NOT_XML = {
    "bomb": BOMB,
    "external entity": EXTERNAL,
    "external subset": OUTSIDE,
    "parameter entity": PARAMETER,
    "undefined entity": b"<data><V03>&nbsp;</V03></data>",
    "deep": b"<data>" + b"<a>" * 20_000,
    "wide": b"<data>" + b"<a/>" * 40_000 + b"</data>",
    "long name": b"<data><" + b"a" * 100_000 + b"/></data>",
    "cut": build_form_xml()[:-20],
    "empty": b"",
    "blank": b"   ",
    "json": b'{"id": 1}',
    "NUL": build_form_xml().replace(b"no", b"n\x00"),
    "control": build_form_xml().replace(b"no", b"n\x01"),
    "not UTF-8": build_form_xml().replace(b"no", b"n\xff"),
    "unknown encoding": b"<?xml version='1.0' encoding='x-none'?><data/>",
    "root of another space": b'<data xmlns="http://example.org/evil" id="voting" version="1"/>',
    "two roots": b"<data/><data/>",
}


@pytest.mark.slow
class TestXML:
    @pytest.mark.parametrize("body", NOT_XML.values(), ids=NOT_XML.keys())
    def test_that_is_no_form_is_400_and_kept(self, world: World, collect: CollectClient, body: bytes):
        answer = collect.send(body)
        assert answer.status_code == 400, answer.content
        assert b'nature="error"' in answer.content
        assert Report.objects.count() == 0
        assert Refusal.objects.get().code == "malformed"

    def test_of_ten_megabytes_is_413_and_not_held_in_memory(self, world: World, collect: CollectClient):
        body = build_multipart(b"<data>" + b"<a>" * 3_400_000)
        tracemalloc.start()
        answer = collect.post(b"", **{"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.status_code == 413
        assert peak < len(body) / 2
        assert Report.objects.count() == Refusal.objects.count() == 0

    def test_in_a_foreign_namespace_answers_nothing(self, world: World, collect: CollectClient):
        body = build_form_xml('<V03>no</V03><x:V15 xmlns:x="http://example.org">yes<V90>bad</V90></x:V15>')
        assert collect.send(body).status_code == 201
        assert Report.objects.get().answers == {"V03": "no"}

    def test_with_a_foreign_instance_id_has_none(self):
        found = parse_instance(
            b'<data id="v" xmlns:x="http://e.org"><x:meta><instanceID>uuid:1</instanceID></x:meta></data>'
        )
        assert found == Instance(form="v")

    def test_with_a_question_twice_is_refused(self, world: World, collect: CollectClient):
        answer = collect.send(build_form_xml("<V03>no</V03><g><V03>yes</V03></g>"))
        assert answer.status_code == 422 and b"answers.V03" in answer.content

    @pytest.mark.parametrize(
        ("answers", "field"),
        [
            ("<V99>1</V99>", "answers.V99"),
            ("<V03>maybe</V03>", "answers.V03"),
            ("<X05>1,5</X05>", "answers.X05"),
            ("<X10>91 0 0 0</X10>", "answers.X10"),
            ("<X10>x</X10>", "answers.X10"),
            ("<X08>25:00</X08>", "answers.X08"),
            ("<X09>20.11.2022</X09>", "answers.X09"),
            ("<V30>a z</V30>", "answers.V30"),
            ("<X06>1e400</X06>", "answers.X06"),
        ],
    )
    def test_with_an_answer_that_is_none_is_422_with_its_name(self, collect: CollectClient, answers: str, field: str):
        answer = collect.send(build_form_xml(answers))
        assert answer.status_code == 422
        assert field in answer.content.decode()

    @pytest.mark.parametrize(
        "change",
        [
            {"instance": "no-uuid"},
            {"observed": "yesterday"},
            {"observed": "2022-11-20T10:00:00"},
            {"station": ""},
            {"station": "KZ-9-9-9"},
            {"form": "none"},
            {"version": "2"},
            {"version": "x"},
            {"deprecated": "x"},
            {"observed": "0001-01-01T00:00:00+14:00"},
            {"version": "9" * 400},
        ],
    )
    def test_that_cannot_be_placed_is_422_and_kept(self, collect: CollectClient, change: dict[str, str]):
        answer = collect.send(build_form_xml(**change))
        assert answer.status_code == 422, answer.content
        assert Refusal.objects.count() == 1 and Report.objects.count() == 0

    def test_with_markup_as_text_comes_back_as_text(self, collect: CollectClient):
        answer = collect.send(build_form_xml("<V03>&lt;script&gt;alert(1)&lt;/script&gt;</V03>"))
        assert answer.status_code == 422 and b"<script" not in answer.content


class TestABody:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"\r\n", 400),
            (b"--", 400),
            (f"--{BOUNDARY}--\r\n".encode(), 400),
            (build_part("photo.jpg", b"x", filename="photo.jpg") + f"--{BOUNDARY}--\r\n".encode(), 400),
            (build_part("*isIncomplete*", b"yes") + f"--{BOUNDARY}--\r\n".encode(), 400),
            (f"--{BOUNDARY}\r\nX: {'y' * 100_000}\r\n\r\n".encode(), 413),
            (f"--{BOUNDARY}\r\n".encode() + b"A: b\r\n" * 500 + b"\r\n", 413),
            (b"".join(build_part("*x*", b"") for _ in range(500)), 413),
            (build_part("*isIncomplete*", b"y" * 10_000), 413),
            (build_part("a", b"x", filename="n" * 300), 413),
            (build_part("\xff", b"x").replace("\xff".encode(), b"\xff"), 400),
        ],
    )
    def test_that_is_no_submission(self, collect: CollectClient, body: bytes, status: int):
        assert collect.post(body).status_code == status
        assert Report.objects.count() == 0

    @pytest.mark.parametrize(
        "kind", ["", "application/json", "multipart/form-data", "text/xml", "multipart/mixed; boundary=x"]
    )
    def test_of_another_type_is_415(self, collect: CollectClient, kind: str):
        answer = collect.client.generic("POST", f"{collect.base}/submission", b"x", kind, headers=collect.headers)
        assert answer.status_code == 415

    def test_with_two_forms_is_400_and_the_first_stands(self, collect: CollectClient):
        one = build_part("xml_submission_file", build_form_xml(), filename="a.xml")
        two = build_part("xml_submission_file", build_form_xml(), filename="b.xml")
        assert collect.post(one + two + f"--{BOUNDARY}--\r\n".encode()).status_code == 400
        assert Report.objects.count() == 1

    def test_with_one_file_twice_is_one_file(self, collect: CollectClient):
        file = build_part("a.jpg", b"picture", filename="a.jpg", kind="image/jpeg")
        form = build_part("xml_submission_file", build_form_xml("<V03>no</V03><X11>a.jpg</X11>"), filename="a.xml")
        assert collect.post(form + file + file + f"--{BOUNDARY}--\r\n".encode()).status_code == 201
        assert Evidence.objects.count() == 1

    def test_whose_files_come_before_the_form_is_taken_all_the_same(self, collect: CollectClient):
        file = build_part("a.jpg", b"picture" * 100_000, filename="a.jpg", kind="image/jpeg")
        form = build_part("xml_submission_file", build_form_xml("<V03>no</V03><X11>a.jpg</X11>"), filename="a.xml")
        assert collect.post(file + form + f"--{BOUNDARY}--\r\n".encode()).status_code == 201
        assert Evidence.objects.get().state == "stored"

    @pytest.mark.parametrize(
        "name", ["../../etc/passwd", "..", "/etc/cron.d/x", "C:\\x.jpg", "a/../../b.jpg", "\u202egpj.exe", "名.jpg"]
    )
    def test_names_are_identities_and_no_paths(self, settings, tmp_path, collect: CollectClient, name: str):
        before = {one for one in tmp_path.parent.rglob("*") if one.is_file() and tmp_path not in one.parents}
        key = uuid4()
        assert collect.send(build_form_xml(instance=str(key)), {name: b"not a picture"}).status_code == 201
        row = Evidence.objects.get()
        assert row.state == "stored" and row.report is not None and row.report.uuid == key
        assert {one.parent.parent for one in tmp_path.rglob("*") if one.name == row.sha256} == {settings.SEALED_DIR}
        assert {one for one in tmp_path.parent.rglob("*") if one.is_file() and tmp_path not in one.parents} == before

    def test_with_an_empty_file_still_awaits_it(self, collect: CollectClient):
        assert collect.send(build_form_xml("<V03>no</V03><X11>a.jpg</X11>"), {"a.jpg": b""}).status_code == 202
        assert Evidence.objects.get().state == "awaited"

    def test_with_too_many_files_stores_the_report_and_as_many_as_are_taken(self, settings, collect: CollectClient):
        settings.FILES_PER_REPORT_MAX = 3
        answer = collect.send(build_form_xml(), {f"{n}.jpg": b"x%d" % n for n in range(5)})
        assert answer.status_code == 422
        assert Report.objects.count() == 1 and Evidence.objects.filter(state="stored").count() == 3

    def test_with_a_file_beyond_its_kind_is_413_and_the_report_stands(self, settings, collect: CollectClient):
        settings.IMAGE_BYTES_MAX = 1_000
        answer = collect.send(build_form_xml("<V03>no</V03><X11>a.jpg</X11>"), {"a.jpg": b"x" * 1_001})
        assert answer.status_code == 413
        assert Report.objects.count() == 1 and Evidence.objects.get().state == "awaited"
        assert not list(settings.PARTS_DIR.glob("*.*"))

    def test_longer_than_any_is_413_before_it_is_read(self, settings, collect: CollectClient):
        answer = collect.post(b"", CONTENT_LENGTH=str(settings.OPENROSA_BYTES_MAX + 1))
        assert answer.status_code == 413

    def test_of_a_full_disk_is_503_and_the_report_stands(self, settings, collect: CollectClient):
        settings.DISK_FREE_MIN_EVIDENCE = 10**18
        answer = collect.send(build_form_xml("<V03>no</V03><X11>a.jpg</X11>"), {"a.jpg": b"picture"})
        assert answer.status_code == 503 and int(answer["Retry-After"]) > 0
        assert Report.objects.count() == 1


def test_a_real_form_is_within_the_parsers_limits():
    body = build_form_xml("".join(f"<Q{n}>answer {n}</Q{n}>" for n in range(1_000)))
    assert len(parse_instance(body).values) == 1_005


def test_the_parser_refuses_every_attack():
    for body in NOT_XML.values():
        with pytest.raises(Rejected):
            parse_instance(body)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 200))
def test_no_noise_in_a_body_is_more_than_a_refusal(noise: bytes, position: int, without: int):
    """Whatever is cut out of a body and put into it: it is read, or refused as a problem that has words."""
    body = build_multipart(build_form_xml(), {"a.jpg": b"picture"})
    body = body[:position] + noise + body[position + without :]
    try:
        for one in read_parts(io.BytesIO(body), f"multipart/form-data; boundary={BOUNDARY}", len(body)):
            if isinstance(one, XmlPart):
                parse_instance(one.body)
            else:
                one.spool.discard()
    except Rejected as problem:
        assert problem.code in ("malformed", "too_large") and problem.detail
