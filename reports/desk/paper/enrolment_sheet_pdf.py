"""Enrolment sheets as PDF: one page per observer, in the observer's language."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import override

from observer.models import Election
from observer.words import get_translation
from reports.desk.paper.pdf_canvas import (
    MARGIN_POINTS,
    TEXT_WIDTH_POINTS,
    PdfDocument,
    clean_text,
    fit_font_size,
    join_facts,
)
from reports.desk.words.formats import to_local_time

MAX_DUE_TIMES = 6
QR_SIZE_POINTS = 175.0
FOOTER_TOP_POINTS = MARGIN_POINTS + 40  # distance of the footer's first line from the lower edge
DATETIME_FORMAT = "j.m.Y H:i"


@dataclass(frozen=True, slots=True)
class AssignedPlace:
    """One place to which the observer is assigned.

    `ancestor_names`: the names of the commissions above it, from the top. `due_times`: for each report that is due
    there, the checklist's titles and the local time (naive) by which it is due.
    """

    code: str
    names: dict[str, str]
    address: dict[str, str]
    ancestor_names: tuple[dict[str, str], ...]
    role: str | Promise
    zone: str
    due_times: tuple[tuple[dict[str, str], datetime], ...]


@dataclass(frozen=True, slots=True)
class EnrolmentSheet:
    """What is printed on one sheet. `name` is "" where names are not printed."""

    observer_code: str
    name: str
    language: str
    enrolment_code: str
    places: tuple[AssignedPlace, ...]


def build_enrolment_sheets_pdf(
    sheets: Iterable[EnrolmentSheet], *, election: Election, now: datetime, until: datetime
) -> bytes:
    """A PDF with one page per sheet. `until` is when the enrolment codes expire."""
    document = PdfDocument(election.slug)
    for sheet in sheets:
        with override(sheet.language):
            document.start_page()
            _draw_header(document, sheet, election)
            _draw_enrolment(document, sheet, election, until)
            _draw_election_day(document, sheet, election)
            _draw_assigned_places(document, sheet, election)
            _draw_footer(document, election, now)
    return document.finish()


def _draw_header(document: PdfDocument, sheet: EnrolmentSheet, election: Election) -> None:
    document.write_text(
        join_facts([election, date_format(election.date, "j.m.Y")]), 10, muted=True, gap_after=8, max_lines=2
    )
    document.write_text(_("Observer %(code)s") % {"code": sheet.observer_code}, 22, bold=True, gap_after=2, max_lines=2)
    if sheet.name:
        document.write_text(sheet.name, 14, max_lines=2)
    document.y -= 8
    document.draw_rule()
    document.y -= 12


def _draw_enrolment(document: PdfDocument, sheet: EnrolmentSheet, election: Election, until: datetime) -> None:
    address = f"{settings.PUBLIC_URL}/phone/"
    top, left = document.y, QR_SIZE_POINTS + 12
    document.draw_qr_code(f"{address}#enrol={sheet.enrolment_code}", left=-14, size=QR_SIZE_POINTS)
    document.y -= 4
    document.write_text(_("Code for your phone"), 10, left=left, muted=True, gap_after=2)
    document.y -= 34
    document.draw_text(
        sheet.enrolment_code,
        fit_font_size(sheet.enrolment_code, 36, TEXT_WIDTH_POINTS - left, bold=True),
        left=left,
        bold=True,
    )
    document.y -= 10
    valid_until = date_format(to_local_time(until, election.timezone), DATETIME_FORMAT)
    document.write_text(
        _("It works once, until %(time)s (%(zone)s).") % {"time": valid_until, "zone": election.timezone},
        9,
        left=left,
        gap_after=8,
    )
    steps = (
        _("Point your phone's camera at the square, or open %(address)s and type the code.") % {"address": address},
        _("Read the code of conduct and accept it."),
        _("Fill in the test report and send it. Then we know that your phone works."),
    )
    for number, step in enumerate(steps, 1):
        top_of_step = document.y
        document.write_text(f"{number}.", 10.5, left=left, bold=True)
        document.y = top_of_step
        document.write_text(step, 10.5, left=left + 18, gap_after=3)
    document.y = min(document.y, top - QR_SIZE_POINTS) - 8


def _draw_assigned_places(document: PdfDocument, sheet: EnrolmentSheet, election: Election) -> None:
    """Draws the assigned places last, because there may be many. Those that do not fit are counted: the phone has them."""
    document.draw_rule()
    document.y -= 10
    document.write_text(_("Where you observe"), 10, muted=True, gap_after=2)
    if not sheet.places:
        document.write_text(_("Your coordinator will tell you."), 12)
    order, is_single = election.languages, len(sheet.places) == 1
    for number, place in enumerate(sheet.places):
        if number and document.y < FOOTER_TOP_POINTS + 110:
            document.write_text(
                _("And %(number)d more: they are on your phone.") % {"number": len(sheet.places) - number}, 10
            )
            break
        name = get_translation(place.names, order=order)
        document.write_text(place.code, 18 if is_single else 11, bold=True, max_lines=2)
        document.write_text(name if name != place.code else "", 12 if is_single else 9, max_lines=4 if is_single else 2)
        document.write_text(
            get_translation(place.address, order=order), 11 if is_single else 9, max_lines=3 if is_single else 2
        )
        ancestors = " › ".join(get_translation(names, order=order) for names in place.ancestor_names)
        document.write_text(join_facts([ancestors, place.role]), 9, max_lines=2, muted=True, gap_after=5)


def _draw_election_day(document: PdfDocument, sheet: EnrolmentSheet, election: Election) -> None:
    document.draw_rule()
    document.y -= 10
    top, half = document.y, TEXT_WIDTH_POINTS / 2
    document.write_text(_("When"), 10, width=half - 12, muted=True, gap_after=2)
    due_times = sheet.places[0].due_times[:MAX_DUE_TIMES] if sheet.places else ()
    document.write_text(date_format(election.date, "j.m.Y"), 16, width=half - 12, bold=True, gap_after=2)
    for titles, due in due_times:
        text = _("%(what)s: by %(time)s") % {
            "what": get_translation(titles, order=election.languages),
            "time": date_format(due, "j.m. H:i"),
        }
        document.write_text(text, 9.5, width=half - 12, max_lines=2)
    opens, closes = (to_local_time(moment, election.timezone) for moment in (election.opens_at, election.closes_at))
    template = _("Reports are taken from %(opens)s to %(closes)s (%(zone)s).")
    reporting_hours = template % {
        "opens": date_format(opens, DATETIME_FORMAT),
        "closes": date_format(closes, DATETIME_FORMAT),
        "zone": election.timezone,
    }
    document.write_text(reporting_hours, 8.5, width=half - 12, muted=True)
    left_column_end, document.y = document.y, top
    if election.emergency_contact:
        document.write_text(_("In an emergency"), 10, left=half, muted=True, gap_after=2)
        number = clean_text(election.emergency_contact)
        document.y -= 22
        document.draw_text(number, fit_font_size(number, 22, half, bold=True), left=half, bold=True)
        document.y -= 2
        document.write_text(
            get_translation(election.emergency_names, order=election.languages), 10, left=half, max_lines=3
        )
    document.y = min(document.y, left_column_end) - 6


def _draw_footer(document: PdfDocument, election: Election, now: datetime) -> None:
    document.y = FOOTER_TOP_POINTS
    document.draw_rule()
    document.y -= 4
    made_at = date_format(to_local_time(now, election.timezone), DATETIME_FORMAT)
    document.write_text(
        _("Made %(time)s. Codes on your earlier sheets no longer work.") % {"time": made_at}, 8.5, muted=True
    )
    warning = _("Until your phone is enrolled, show this sheet to nobody: whoever has the code can speak as you.")
    document.write_text(warning, 8.5, muted=True, max_lines=2)
