"""An enrolment sheet: one page that an observer takes home, in their language."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import override

from observer.models import Election
from observer.words import in_language
from reports.desk.paper.pdf_canvas import INNER, MARGIN, Paper, beside, fitting, plain
from reports.desk.words.formats import clock

HOURS_MOST = 6
QR = 175.0
FOOT = MARGIN + 40  # where the last lines begin
WHEN = "j.m.Y H:i"


@dataclass(frozen=True, slots=True)
class Post:
    """One place somebody is sent to. `hours`: what is due there, by the clock there, by whose title."""

    code: str
    names: dict[str, str]
    address: dict[str, str]
    above: tuple[dict[str, str], ...]
    role: str | Promise
    zone: str
    hours: tuple[tuple[dict[str, str], datetime], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`name` is "" on a sheet that bears none."""

    observer: str
    name: str
    language: str
    enrolment: str
    posts: tuple[Post, ...]


def sheets_pdf(sheets: Iterable[Sheet], *, election: Election, now: datetime, until: datetime) -> bytes:
    """A page for each; their codes are good `until` then."""
    paper = Paper(election.slug)
    for one in sheets:
        with override(one.language):
            paper.page()
            _head(paper, one, election)
            _enrol(paper, one, election, until)
            _day(paper, one, election)
            _posts(paper, one, election)
            _foot(paper, election, now)
    return paper.done()


def _head(paper: Paper, one: Sheet, election: Election) -> None:
    paper.write(beside([election, date_format(election.date, "j.m.Y")]), 10, soft=True, after=8, most=2)
    paper.write(_("Observer %(code)s") % {"code": one.observer}, 22, bold=True, after=2, most=2)
    if one.name:
        paper.write(one.name, 14, most=2)
    paper.y -= 8
    paper.rule()
    paper.y -= 12


def _enrol(paper: Paper, one: Sheet, election: Election, until: datetime) -> None:
    address = f"{settings.PUBLIC_URL}/phone/"
    top, left = paper.y, QR + 12
    paper.qr(f"{address}#enrol={one.enrolment}", left=-14, size=QR)
    paper.y -= 4
    paper.write(_("Code for your phone"), 10, left=left, soft=True, after=2)
    paper.y -= 34
    paper.draw(one.enrolment, fitting(one.enrolment, 36, INNER - left, bold=True), left=left, bold=True)
    paper.y -= 10
    good = date_format(clock(until, election.timezone), WHEN)
    paper.write(
        _("It works once, until %(time)s (%(zone)s).") % {"time": good, "zone": election.timezone},
        9,
        left=left,
        after=8,
    )
    steps = (
        _("Point your phone's camera at the square, or open %(address)s and type the code.") % {"address": address},
        _("Read the code of conduct and accept it."),
        _("Fill in the test report and send it. Then we know that your phone works."),
    )
    for number, step in enumerate(steps, 1):
        top_of_step = paper.y
        paper.write(f"{number}.", 10.5, left=left, bold=True)
        paper.y = top_of_step
        paper.write(step, 10.5, left=left + 18, after=3)
    paper.y = min(paper.y, top - QR) - 8


def _posts(paper: Paper, one: Sheet, election: Election) -> None:
    """Last, for there may be many: those for which there is no room are on the phone."""
    paper.rule()
    paper.y -= 10
    paper.write(_("Where you observe"), 10, soft=True, after=2)
    if not one.posts:
        paper.write(_("Your coordinator will tell you."), 12)
    order, few = election.languages, len(one.posts) == 1
    for number, post in enumerate(one.posts):
        if number and paper.y < FOOT + 110:
            paper.write(_("And %(number)d more: they are on your phone.") % {"number": len(one.posts) - number}, 10)
            break
        name = in_language(post.names, order=order)
        paper.write(post.code, 18 if few else 11, bold=True, most=2)
        paper.write(name if name != post.code else "", 12 if few else 9, most=4 if few else 2)
        paper.write(in_language(post.address, order=order), 11 if few else 9, most=3 if few else 2)
        above = " › ".join(in_language(names, order=order) for names in post.above)
        paper.write(beside([above, post.role]), 9, most=2, soft=True, after=5)


def _day(paper: Paper, one: Sheet, election: Election) -> None:
    paper.rule()
    paper.y -= 10
    top, half = paper.y, INNER / 2
    paper.write(_("When"), 10, width=half - 12, soft=True, after=2)
    hours = one.posts[0].hours[:HOURS_MOST] if one.posts else ()
    paper.write(date_format(election.date, "j.m.Y"), 16, width=half - 12, bold=True, after=2)
    for titles, due in hours:
        said = _("%(what)s: by %(time)s") % {
            "what": in_language(titles, order=election.languages),
            "time": date_format(due, "j.m. H:i"),
        }
        paper.write(said, 9.5, width=half - 12, most=2)
    opens, closes = (clock(moment, election.timezone) for moment in (election.opens_at, election.closes_at))
    taken = _("Reports are taken from %(opens)s to %(closes)s (%(zone)s).")
    said = taken % {
        "opens": date_format(opens, WHEN),
        "closes": date_format(closes, WHEN),
        "zone": election.timezone,
    }
    paper.write(said, 8.5, width=half - 12, soft=True)
    below, paper.y = paper.y, top
    if election.emergency_contact:
        paper.write(_("In an emergency"), 10, left=half, soft=True, after=2)
        number = plain(election.emergency_contact)
        paper.y -= 22
        paper.draw(number, fitting(number, 22, half, bold=True), left=half, bold=True)
        paper.y -= 2
        paper.write(in_language(election.emergency_names, order=election.languages), 10, left=half, most=3)
    paper.y = min(paper.y, below) - 6


def _foot(paper: Paper, election: Election, now: datetime) -> None:
    paper.y = FOOT
    paper.rule()
    paper.y -= 4
    made = date_format(clock(now, election.timezone), WHEN)
    paper.write(_("Made %(time)s. Codes on your earlier sheets no longer work.") % {"time": made}, 8.5, soft=True)
    said = _("Until your phone is enrolled, show this sheet to nobody: whoever has the code can speak as you.")
    paper.write(said, 8.5, soft=True, most=2)
