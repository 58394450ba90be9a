"""Writers of tables: a ZIP of CSV files, and an XLSX workbook."""

import csv
import io
import zipfile
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from reports.services.exports.writers import CsvWriter, XlsxWriter, encode_csv


def read(stream: io.BytesIO) -> dict[str, list[tuple]]:
    return {sheet.title: list(sheet.values) for sheet in load_workbook(stream).worksheets}


def workbook(*tables, **options) -> io.BytesIO:
    stream = io.BytesIO()
    with XlsxWriter(stream, **options) as writer:
        for name, header, chunks in tables:
            writer.write_table(name, header, chunks)
    return stream


class TestCsv:
    @pytest.mark.parametrize("text", ["=1+1", "+7 701", "-1", "@SUM(A1)", "\t=1", "\r=1", '"=1', '=HYPERLINK("x","y")'])
    def test_a_formula_becomes_text(self, text):
        rows = list(csv.reader(io.StringIO(encode_csv([["a", text, "b"], [text, -5, 1.5]]).decode(), newline="")))
        assert [rows[0][1][:1], rows[1][0][:1]] == (["'", "'"] if text[0] != '"' else ['"', '"'])
        assert rows[1][1:] == ["-5", "1.5"]

    def test_is_utf_8_with_a_byte_order_mark_and_quoted_as_rfc_4180_says(self):
        stream = io.BytesIO()
        with CsvWriter(stream) as writer:
            writer.write_table("a", ["x", "y"], [[["Әлия, «қ»", 'a "b"\r\nc']], [[None, True]]])
        data = zipfile.ZipFile(stream).read("a.csv")
        assert data == '\ufeffx,y\r\n"Әлия, «қ»","a ""b""\r\nc"\r\n,True\r\n'.encode()


class TestWorkbook:
    def test_holds_texts_and_numbers_but_no_formula(self):
        stream = workbook(("a", ["x"], [[["=1+1", 1, Decimal("1.50"), None, "<&>", " қ\n", "", "a\x00b\ufffe"]]]))
        assert read(stream)["a"][1] == ("=1+1", 1, 1.5, None, "<&>", " қ\n", None, "a\ufffdb\ufffd")
        assert load_workbook(stream).worksheets[0]["A2"].data_type == "s"  # a text, not "f"
        assert b"<f>" not in zipfile.ZipFile(stream).read("xl/worksheets/sheet1.xml")

    @pytest.mark.parametrize(("rows", "sheets"), [(0, [0]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])])
    def test_continues_in_further_sheets_and_loses_no_row(self, rows, sheets):
        chunks = [[[n] for n in range(start, min(start + 2, rows))] for start in range(0, rows, 2)]
        found = read(workbook(("a", ["x"], chunks), sheet_rows=4))
        assert [len(one) - 1 for one in found.values()] == sheets
        assert [row[0] for one in found.values() for row in one[1:]] == list(range(rows))
        assert all(one[0] == ("x",) for one in found.values())

    def test_sheet_names_are_short_and_unique(self):
        names = ["n" * 40, "N" * 39, "n" * 38]
        found = list(read(workbook(*((name, ["x"], [[[1]]]) for name in names))))
        assert len({name.lower() for name in found}) == 3
        assert max(map(len, found)) == 31

    def test_refuses_a_text_that_no_cell_can_hold(self):
        with pytest.raises(ValueError, match="32768"):
            workbook(("a", ["x"], [[["x" * 32_768]]]))

    def test_that_fails_leaves_no_temporary_file(self, tmp_path):
        def breaking():
            yield [["a"]]
            raise OSError

        with (tmp_path / "a.xlsx").open("wb") as file, pytest.raises(OSError), XlsxWriter(file) as writer:
            writer.write_table("a", ["x"], breaking())
        assert [one.name for one in tmp_path.iterdir()] == ["a.xlsx"]
