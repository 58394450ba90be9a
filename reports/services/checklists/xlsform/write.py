"""An XLSForm of rows as the .xlsx that people open, change and bring back."""

import io

from openpyxl import Workbook as Book
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from observer.models import Election
from reports.models import ChecklistVersion, ViolationType
from reports.services.checklists.xlsform.rows import Row, Workbook, workbook_of


def xlsform_of(*, version: ChecklistVersion, election: Election) -> bytes:
    """The version as .xlsx. Read back, it is the same content; `checklist` must be loaded."""
    violations = ViolationType.objects.filter(election=election).order_by("order", "code")
    return workbook_bytes(workbook_of(version, election=election, violations=violations))


def workbook_bytes(workbook: Workbook) -> bytes:
    book = Book(write_only=True)
    for name in ("survey", "choices", "settings"):
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        columns = _columns(workbook[name])
        head = [WriteOnlyCell(sheet, value=column) for column in columns]
        for cell in head:
            cell.font = Font(bold=True)
        sheet.append(head)
        for row in workbook[name]:
            sheet.append([_cell(sheet, row.get(column)) for column in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _columns(rows: list[Row]) -> list[str]:
    """Every column in the order in which rows first have it; a sheet without rows has those that it must."""
    found = dict.fromkeys(column for row in rows for column in row)
    return list(found) or ["list_name", "name", "label"]


def _cell(sheet: object, value: str | None) -> object:
    """Text always: a spreadsheet must not compute what somebody wrote as a label."""
    if value is None:
        return None
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"
    return cell
