"""Writing XLSForms as .xlsx that people can edit and import again."""

import io

from openpyxl import Workbook as Book
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from observer.models import Election
from reports.models import ChecklistVersion, ViolationType
from reports.services.checklists.xlsform.rows import Row, Workbook, build_workbook


def write_xlsform(*, version: ChecklistVersion, election: Election) -> bytes:
    """Writes a version as .xlsx; read again, it has the same content.

    The version's `checklist` must be loaded.
    """
    violations = ViolationType.objects.filter(election=election).order_by("order", "code")
    return write_workbook(build_workbook(version, election=election, violations=violations))


def write_workbook(workbook: Workbook) -> bytes:
    """Writes an XLSForm's rows as .xlsx."""
    book = Book(write_only=True)
    for name in ("survey", "choices", "settings"):
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        columns = _collect_columns(workbook[name])
        head = [WriteOnlyCell(sheet, value=column) for column in columns]
        for cell in head:
            cell.font = Font(bold=True)
        sheet.append(head)
        for row in workbook[name]:
            sheet.append([_build_text_cell(sheet, row.get(column)) for column in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _collect_columns(rows: list[Row]) -> list[str]:
    """Lists the columns in the order in which rows first have them.

    For a sheet without rows, the required columns.
    """
    found = dict.fromkeys(column for row in rows for column in row)
    return list(found) or ["list_name", "name", "label"]


def _build_text_cell(sheet: object, value: str | None) -> object:
    """Builds a text cell.

    So a spreadsheet does not evaluate a label as a formula.
    """
    if value is None:
        return None
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"
    return cell
