"""Readiness checks: what may be missing before election day.

Each says why it matters and where it is fixed. The tuples are grouped by who sees them;
`reports/desk/preparation/readiness.py` decides that.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from observer.models import Election

Label = str | Promise
LinkBuilder = Callable[[Election, str], str]  # takes the election and the code of the territory, returns an address


@dataclass(frozen=True, slots=True)
class ReadinessItem:
    """One check: its code, its texts and the page where it is fixed.

    `first`: election day cannot work until it is fixed. `number`: False where there is nothing to count.
    """

    code: str
    what: Label
    why: Label
    build_link: LinkBuilder | None = None
    first: bool = False
    number: bool = True


def _link_election(election: Election, place: str) -> str:
    return reverse("admin:observer_election_change", args=[election.pk])


def _link_admin_list(label: str, query: str) -> LinkBuilder:
    """Links to a filtered list of the admin.

    `{}` in the query becomes the election's primary key.
    """
    return lambda election, place: f"{reverse(f'admin:{label}_changelist')}?{query.format(election.pk)}"


def _link_place_gaps(gap: str) -> LinkBuilder:
    return lambda election, place: f"{reverse('desk:ready_places', args=[election.slug])}?lack={gap}&at={place}"


def _link_enrolment_status(show: str) -> LinkBuilder:
    return lambda election, place: f"{reverse('desk:enrolled', args=[election.slug])}?show={show}&at={place}"


def _link_staff(election: Election, place: str) -> str:
    return reverse("desk:staff", args=[election.slug])


_LINK_CONTESTS = _link_admin_list("observer_contest", "election__id__exact={}")
_LINK_CHECKLISTS = _link_admin_list("reports_checklist", "election__id__exact={}")
_LINK_VERSIONS = _link_admin_list("reports_checklistversion", "checklist__election__id__exact={}")
_LINK_DRAFTS = _link_admin_list(
    "reports_checklistversion", "checklist__election__id__exact={}&published_at__isnull=True"
)
_LINK_COMMISSIONS = _link_admin_list("observer_commission", "election__id__exact={}")
_LINK_OBSERVERS = _link_admin_list("observer_observer", "assignments__election__id__exact={}")

ELECTION_ITEMS = (
    ReadinessItem(
        "draft",
        _("The election is still in preparation"),
        _("Until it is opened, no page tells the public that it is observed."),
        _link_election,
        number=False,
    ),
    ReadinessItem(
        "rehearsal",
        _("The election is still in rehearsal"),
        _("The day has begun, and whatever is sent now counts nowhere."),
        _link_election,
        True,
        False,
    ),
    ReadinessItem(
        "window",
        _("The election's hours do not hold its day"),
        _("Reports of the day would be held back as outside the hours."),
        _link_election,
        True,
        False,
    ),
    ReadinessItem(
        "windows",
        _("Hours of a checklist that end before they begin"),
        _("Every report on that checklist would be held back."),
        _link_election,
        True,
    ),
    ReadinessItem(
        "hours",
        _("No hours say what is expected when"),
        _("The board cannot say who is late, and phones remind nobody."),
        number=False,
    ),
    ReadinessItem(
        "emergency",
        _("The emergency number is missing"),
        _("An observer who is being thrown out has nobody to call from the phone."),
        _link_election,
        True,
        False,
    ),
    ReadinessItem(
        "conduct",
        _("There is no code of conduct to accept"),
        _("Observers cannot consent to rules that they cannot read."),
        number=False,
    ),
    ReadinessItem(
        "contests",
        _("No contest is named"),
        _("Protocols cannot say which vote they are about; with a single vote this may stay so."),
        _LINK_CONTESTS,
        number=False,
    ),
    ReadinessItem(
        "mirrors",
        _("No other address of this platform"),
        _("When the one address is blocked, phones have no other to send to."),
        _link_election,
        number=False,
    ),
    ReadinessItem(
        "words",
        _("Names that lack a language"),
        _("Observers and the public read them in another language than their own."),
        _link_election,
    ),
)
CHECKLIST_ITEMS = (
    ReadinessItem(
        "checklists",
        _("No checklist is published"),
        _("Without one, no report can be taken."),
        _LINK_CHECKLISTS,
        True,
        False,
    ),
    ReadinessItem(
        "drafts",
        _("Versions of checklists that are not published"),
        _("Phones ask what was published; what is only written reaches nobody."),
        _LINK_DRAFTS,
    ),
    ReadinessItem(
        "unpublished", _("Checklists without a published version"), _("Phones do not show them."), _LINK_CHECKLISTS
    ),
    ReadinessItem(
        "questions",
        _("Questions that lack a language"),
        _("An observer reads them in another language, or not at all."),
        _LINK_VERSIONS,
    ),
)
PLACE_ITEMS = (
    ReadinessItem(
        "tree",
        _("There are no commissions"),
        _("Nobody can be sent anywhere, and no report has a place."),
        _LINK_COMMISSIONS,
        True,
        False,
    ),
    ReadinessItem(
        "stations",
        _("No polling station is among the commissions"),
        _("Observers sit in stations; above them there is nothing to open or count."),
        _LINK_COMMISSIONS,
        True,
        False,
    ),
    ReadinessItem(
        "unobserved",
        _("Stations without an observer"),
        _("Nobody will see what happens there."),
        _link_place_gaps("unobserved"),
    ),
    ReadinessItem(
        "uncoordinated",
        _("Territories without a coordinator"),
        _("Nobody answers their observers, or checks what they send."),
        _link_place_gaps("uncoordinated"),
    ),
    ReadinessItem(
        "voters",
        _("Stations without the number of voters"),
        _("A turnout that cannot be is not noticed."),
        _link_place_gaps("voters"),
    ),
    ReadinessItem(
        "address",
        _("Stations without an address"),
        _("An observer cannot find the way, and a complaint lacks the place."),
        _link_place_gaps("address"),
    ),
    ReadinessItem(
        "coordinates",
        _("Stations without a place on the map"),
        _("A report from the wrong place is not noticed, and the map has a hole."),
        _link_place_gaps("coordinates"),
    ),
    ReadinessItem(
        "names",
        _("Commissions whose name lacks a language"),
        _("The public reads them in another language than their own."),
        _link_place_gaps("names"),
    ),
)
OBSERVER_ITEMS = (
    ReadinessItem(
        "everybody", _("There are no observers"), _("Nobody is there to report."), _LINK_OBSERVERS, True, False
    ),
    ReadinessItem(
        "unsent",
        _("Observers who are sent nowhere"),
        _("Their phones do not know which station they are to watch."),
        _link_enrolment_status("unsent"),
    ),
    ReadinessItem(
        "unaccredited",
        _("Observers not accredited on the day"),
        _("The commission may refuse them the door."),
        _link_enrolment_status("unaccredited"),
    ),
    ReadinessItem(
        "unenrolled",
        _("Observers without a phone"),
        _("They cannot send anything."),
        _link_enrolment_status("unenrolled"),
    ),
    ReadinessItem(
        "unconsented",
        _("Observers who have not accepted the code of conduct"),
        _("Until they do, they have not agreed to observe this election."),
        _link_enrolment_status("unconsented"),
    ),
    ReadinessItem(
        "unrehearsed",
        _("Observers who have not rehearsed"),
        _("Whoever sends a report for the first time on the day calls the desk."),
        _link_enrolment_status("unrehearsed"),
    ),
)
STAFF_ITEMS = (
    ReadinessItem(
        "second_factor",
        _("People at the desk without a second step at signing in"),
        _("A guessed password would open names and reports."),
        _link_staff,
    ),
)
PLATFORM_ITEMS = (
    ReadinessItem(
        "errors",
        _("The doctor finds errors in keys, disk or access"),
        _("What it calls an error loses reports or opens names: run `manage.py doctor`."),
        None,
        True,
    ),
    ReadinessItem(
        "warnings",
        _("The doctor warns about keys, disk or access"),
        _("`manage.py doctor` says what it is and what to do."),
        None,
    ),
    ReadinessItem(
        "backup",
        _("No backup of the last day"),
        _("A broken disk would take everything: run `manage.py backup`."),
        None,
        number=False,
    ),
)
PLACE_GAP_LABELS: dict[str, Label] = {
    item.code: item.what for item in PLACE_ITEMS if item.code not in ("tree", "stations")
}
