"""Reading uploaded tables in every usual format.

Other files are refused with a reason. Size and memory are limited.
"""

import io
import subprocess
import sys
import zipfile
from datetime import date, datetime, time

import pytest
from django.utils import translation
from openpyxl import Workbook

from observer.services.spreadsheets.columns import ASSIGNMENT_COLUMNS, COMMISSION_COLUMNS, OBSERVER_COLUMNS
from observer.services.spreadsheets.sheets import read_sheet
from observer.services.spreadsheets.tables import BadTable
from observer.services.spreadsheets.template import build_template

ROWS = "code;parent;name\nA;;Школа № 1\nA-1;A;Лицей\n"


def book(*rows, prepare=None) -> bytes:
    made = Workbook()
    for row in rows:
        made.active.append(row)
    if prepare:
        prepare(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(source: bytes, file: str = "list"):
    sheet = read_sheet(source=source, file=file)
    return [cells for _line, cells in sheet.lines], sheet


def refused(source: bytes) -> str:
    with pytest.raises(BadTable) as caught:
        read_sheet(source=source, file="/home/somebody/list.xlsx")
    assert str(caught.value).startswith("list.xlsx")
    return str(caught.value)


class TestCSV:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_is_read_in_any_usual_encoding_and_separator_with_a_note(self, encoding, separator):
        lines, sheet = read(ROWS.replace(";", separator).encode(encoding))
        assert lines == [["code", "parent", "name"], ["A", "", "Школа № 1"], ["A-1", "A", "Лицей"]]
        note = {"utf-16": "UTF-16", "cp1251": "Windows-1251"}.get(encoding, "")
        assert bool(sheet.notes) == bool(note) and note in "".join(sheet.notes)

    def test_may_name_its_separator_as_excel_does(self):
        assert read(b"sep=;\ncode;name\nA;x,y\n")[0] == [["code", "name"], ["A", "x,y"]]

    def test_takes_no_column_from_separators_at_the_end(self):
        assert read(b"a;b;;\n1;2;;\n")[0] == [["a", "b"], ["1", "2"]]

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            (b"", "is empty"),
            (b" \r\n", "is empty"),
            ("code,name\nA,Мектеп".encode()[:-1], "line 2: the file ends in the middle"),
            ("code,name\nA,Мектеп".encode("utf-16")[:-1], "line 2: the file ends in the middle"),
            (ROWS.replace("№", "").encode("koi8-r"), "encoding that is not known"),
            (ROWS.encode("utf-16-le"), "encoding that is not known"),
            ("name\nMüller, Œuvre, Ångström\n".encode("cp1252"), "encoding that is not known"),
            (ROWS.encode().replace("Л".encode(), b"\xd0"), "encoding that is not known"),
            (b"%PDF-1.7", "neither a workbook nor CSV"),
            (b"x" * 10_000_001, "is larger than"),
            (b"," * 1_000_000 + b"x\n", "more than 40 columns"),
        ],
    )
    def test_that_cannot_be_read_is_refused_with_a_reason(self, source, reason):
        assert reason in refused(source)

    def test_of_more_rows_than_any_list_is_refused(self):
        table = OBSERVER_COLUMNS.build_table(read_sheet(source=b"name\n" + b"x\n" * 20_001, file="f"))
        assert [str(one) for one in table.file_problems] == ["f: has more than 20000 rows"]


class TestAWorkbook:
    def test_is_read_as_a_person_would_have_typed_it(self):
        def shown_with_zeros(made):
            made.active["B2"].number_format = "0000"

        cells = [
            "0123",
            123,
            12.0,
            43.238,
            77011112233,
            date(2026, 11, 20),
            datetime(2026, 11, 20, 8, 30),
            time(7),
            True,
        ]
        lines, sheet = read(book([str(n) for n in range(9)], [*cells], prepare=shown_with_zeros))
        assert lines[1] == [
            "0123",
            "0123",
            "12",
            "43.238",
            "77011112233",
            "2026-11-20",
            "2026-11-20 08:30",
            "07:00",
            "1",
        ]
        assert sheet.bad == []

    def test_numbers_its_rows_as_the_sheet_does_and_passes_over_empty_ones(self):
        sheet = read_sheet(source=book([], ["a", "b"], [None], ["1"], ["  ", None]), file="f")
        assert sheet.lines == [(2, ["a", "b"]), (4, ["1", ""])]

    def test_names_each_cell_with_a_formula_and_never_takes_its_value(self):
        lines, sheet = read(book(["a", "b"], ["=1+1", "x"], ["y", '=HYPERLINK("http://x")'], ["z", "w"]))
        assert [(one.line, one.reason) for one in sheet.bad] == [
            (2, "cell A2 holds a formula: put the value itself there"),
            (3, "cell B3 holds a formula: put the value itself there"),
        ]
        assert "2" not in lines[1]

    def test_names_every_row_of_merged_cells(self):
        source = book(["a"], ["1"], ["2"], ["3"], prepare=lambda made: made.active.merge_cells("A2:A3"))
        assert {(one.line, one.reason) for one in read(source)[1].bad} == {
            (2, "the cells A2:A3 are merged: split them, and fill in each")
        }
        source = book(["a", "b"], ["1", "2"], ["3", "4"], prepare=lambda made: made.active.merge_cells("A2:A3"))
        assert [one.line for one in read(source)[1].bad] == [2, 3]

    def test_says_that_it_has_more_sheets_and_hidden_rows(self):
        def hide(made):
            made.create_sheet("Other")
            made.active.row_dimensions[2].hidden = True

        lines, sheet = read(book(["a"], ["1"], prepare=hide))
        assert lines == [["a"], ["1"]]
        assert sheet.notes == [
            "Only the first sheet was read: Sheet. Not read: Other.",
            "Hidden rows were read like all others: 1.",
        ]

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
    def test_cut_off_is_refused(self, share):
        whole = book(["a"], *[[f"row {n}"] for n in range(500)])
        assert "damaged or was cut off" in refused(whole[: int(len(whole) * share)])

    def test_in_the_old_format_or_locked_or_opendocument_is_refused_with_its_reason(self):
        old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
        assert "old kind" in refused(old)
        assert "password" in refused(old + "EncryptedPackage".encode("utf-16-le"))
        for names, reason in ((["mimetype", "content.xml"], "OpenDocument"), (["x.txt"], "no .xlsx workbook")):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                for name in names:
                    archive.writestr(name, "x")
            assert reason in refused(out.getvalue())

    def test_of_more_rows_or_columns_than_any_list_is_refused(self):
        assert "columns" in refused(book(["x"] * 60))
        assert "rows" in refused(book(*[["x"]] * 20_002))

    @pytest.mark.parametrize("language", ["kk", "ru", "en"])
    def test_made_as_a_template_has_headings_that_are_known(self, world, language):
        for columns in (COMMISSION_COLUMNS, OBSERVER_COLUMNS):
            with translation.override(language):
                source = build_template(columns=columns, election=world.election, roles={"mobile": "mobile"})
                sheet = read_sheet(source=source, file="f")
                table = columns.build_table(sheet)
            assert table.bad == [] and set(columns.required) <= set(table.columns)
            assert len(sheet.notes) == 1


def replace_part(source: bytes, part: str, content: bytes) -> bytes:
    """The workbook with another content in one of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.infolist():
            new.writestr(one.filename, content if one.filename == part else old.read(one.filename))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
START = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = b"</sheetData></worksheet>"
BOMB = """
import io, resource, sys, zipfile, os, tempfile
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
os.environ["DATA_DIR"] = tempfile.mkdtemp()
import django
django.setup()
from observer.services.spreadsheets.sheets import read_sheet
from observer.services.spreadsheets.tables import BadTable
out = io.BytesIO()
piece = b"<row><c><v>1</v></c></row>" * 40_000
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    archive.writestr("xl/workbook.xml", "<workbook/>")
    with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
        for _ in range(1_000):
            part.write(piece)
source = out.getvalue()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_sheet(source=source, file="bomb.xlsx")
except BadTable as error:
    print(len(source), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""


@pytest.mark.slow
class TestAHostileWorkbook:
    @pytest.mark.once
    def test_of_a_gigabyte_in_some_megabytes_is_refused_in_constant_memory(self):
        done = subprocess.run([sys.executable, "-c", BOMB], capture_output=True, text=True, check=True)
        size, grown, reason = done.stdout.split(" ", 2)
        assert int(size) < 8_000_000 and int(grown) < 20_000  # kB
        assert "unpacks to more" in reason

    def test_that_lies_about_its_size_is_refused(self):
        source = replace_part(book(["a"]), SHEET, START + b"<row/>" * 1_000_000 + END)
        real = (len(START) + 6_000_000 + len(END)).to_bytes(4, "little")
        assert "unpacks to more" in refused(source) or "damaged" in refused(source)
        assert "damaged" in refused(source.replace(real, (500).to_bytes(4, "little")))

    def test_of_very_many_tags_is_refused_before_they_become_objects(self):
        noise = b"".join(b"<c/>" * 30 + b"<!--%d-->" % n for n in range(90_000))
        assert "unpacks to more" in refused(
            replace_part(book(["a"]), SHEET, START + b"<row>" + noise + b"</row>" + END)
        )

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<",
            b"\0" * 100,
            START,
            START + b'<row r="1"><c r="A1" t="s"><v>99</v></c></row>' + END,
            START + b'<row r="1"><c r="A1"><v>1e999</v></c></row>' + END,
            START + b'<row r="x"><c r="??"><v>1</v></c></row>' + END,
            b'<!DOCTYPE x [<!ENTITY a "b">]>' + START + END,
        ],
    )
    def test_is_refused_whatever_it_holds(self, content):
        source = replace_part(book(["a"]), SHEET, content)
        try:
            table = COMMISSION_COLUMNS.build_table(read_sheet(source=source, file="f"))
        except BadTable as error:
            assert error.lines
        else:
            assert table.file_problems

    def test_with_a_long_text_in_every_cell_is_cut_before_it_is_checked(self):
        sheet = read_sheet(source=book(*[["long " * 6_000]] * 5), file="f")
        assert {len(cells[0]) for _line, cells in sheet.lines} == {2_001}
        table = ASSIGNMENT_COLUMNS.build_table(
            read_sheet(source=book(["observer", "commission"], ["x" * 3_000, "KZ"]), file="f")
        )
        assert "longer than 2000" in str(table.bad[-1])

    def test_of_very_many_merged_cells_is_refused(self):
        merged = (
            b"<mergeCells>" + b"".join(b'<mergeCell ref="A%d:B20000"/>' % n for n in range(1, 2_000)) + b"</mergeCells>"
        )
        content = START + b'<row><c t="inlineStr"><is><t>a</t></is></c></row></sheetData>' + merged + b"</worksheet>"
        assert "merged" in refused(replace_part(book(["a"]), SHEET, content))

    def test_with_cells_beyond_the_limits_reads_only_the_allowed_ones(self):
        far = (
            START
            + b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
            + END
        )
        assert read_sheet(source=replace_part(book(["a"]), SHEET, far), file="f").lines == [(1, ["a"])]


class TestHeadings:
    def test_are_known_in_every_language_by_code_and_with_a_language(self):
        for heading, column in {
            "Code": "code",
            " КОД ": "code",
            "external_id": "external_id",
            "Название (ru)": "name_ru",
            "NAME_KK": "name_kk",
            "Атауы (kk)": "name_kk",
            "Name of the place (en)": "name_en",
            "boss": "boss",
        }.items():
            assert COMMISSION_COLUMNS.find_column(heading) == column, heading

    def test_that_are_unknown_are_named(self):
        table = COMMISSION_COLUMNS.build_table(
            read_sheet(source="Code,parent,level,name (kk),Директор\n".encode(), file="f")
        )
        assert [str(one) for one in table.file_problems] == ["f, line 1: column директор is unknown"]
