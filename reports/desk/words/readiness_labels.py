"""What may be lacking before the day: how it is called, why it matters, who sees it and where it is mended."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from observer.models import Election

Words = str | Promise
Address = Callable[[Election, str], str]  # of the election and the code of the territory


@dataclass(frozen=True, slots=True)
class Item:
    """`first`: without it the day does not work. `number`: False where there is nothing to count."""

    code: str
    what: Words
    why: Words
    mend: Address | None = None
    first: bool = False
    number: bool = True


def _election(election: Election, place: str) -> str:
    return reverse("admin:observer_election_change", args=[election.pk])


def _list(label: str, query: str) -> Address:
    """One of Django's lists, filtered; `{}` in the query is the election's key."""
    return lambda election, place: f"{reverse(f'admin:{label}_changelist')}?{query.format(election.pk)}"


def _places(lack: str) -> Address:
    return lambda election, place: f"{reverse('desk:ready_places', args=[election.slug])}?lack={lack}&at={place}"


def _people(show: str) -> Address:
    return lambda election, place: f"{reverse('desk:enrolled', args=[election.slug])}?show={show}&at={place}"


def _staff(election: Election, place: str) -> str:
    return reverse("desk:staff", args=[election.slug])


_CONTESTS = _list("observer_contest", "election__id__exact={}")
_CHECKLISTS = _list("reports_checklist", "election__id__exact={}")
_VERSIONS = _list("reports_checklistversion", "checklist__election__id__exact={}")
_DRAFTS = _list("reports_checklistversion", "checklist__election__id__exact={}&published_at__isnull=True")
_COMMISSIONS = _list("observer_commission", "election__id__exact={}")
_OBSERVERS = _list("observer_observer", "assignments__election__id__exact={}")

OF_ELECTION = (
    Item(
        "draft",
        _("The election is still in preparation"),
        _("Until it is opened, no page tells the public that it is observed."),
        _election,
        number=False,
    ),
    Item(
        "rehearsal",
        _("The election is still in rehearsal"),
        _("The day has begun, and whatever is sent now counts nowhere."),
        _election,
        True,
        False,
    ),
    Item(
        "window",
        _("The election's hours do not hold its day"),
        _("Reports of the day would be held back as outside the hours."),
        _election,
        True,
        False,
    ),
    Item(
        "windows",
        _("Hours of a checklist that end before they begin"),
        _("Every report on that checklist would be held back."),
        _election,
        True,
    ),
    Item(
        "hours",
        _("No hours say what is expected when"),
        _("The board cannot say who is late, and phones remind nobody."),
        number=False,
    ),
    Item(
        "emergency",
        _("The emergency number is missing"),
        _("An observer who is being thrown out has nobody to call from the phone."),
        _election,
        True,
        False,
    ),
    Item(
        "conduct",
        _("There is no code of conduct to accept"),
        _("Observers cannot consent to rules that they cannot read."),
        number=False,
    ),
    Item(
        "contests",
        _("No contest is named"),
        _("Protocols cannot say which vote they are about; with a single vote this may stay so."),
        _CONTESTS,
        number=False,
    ),
    Item(
        "mirrors",
        _("No other address of this platform"),
        _("When the one address is blocked, phones have no other to send to."),
        _election,
        number=False,
    ),
    Item(
        "words",
        _("Names that lack a language"),
        _("Observers and the public read them in another language than their own."),
        _election,
    ),
)
OF_CHECKLISTS = (
    Item(
        "checklists",
        _("No checklist is published"),
        _("Without one, no report can be taken."),
        _CHECKLISTS,
        True,
        False,
    ),
    Item(
        "drafts",
        _("Versions of checklists that are not published"),
        _("Phones ask what was published; what is only written reaches nobody."),
        _DRAFTS,
    ),
    Item("unpublished", _("Checklists without a published version"), _("Phones do not show them."), _CHECKLISTS),
    Item(
        "questions",
        _("Questions that lack a language"),
        _("An observer reads them in another language, or not at all."),
        _VERSIONS,
    ),
)
OF_PLACES = (
    Item(
        "tree",
        _("There are no commissions"),
        _("Nobody can be sent anywhere, and no report has a place."),
        _COMMISSIONS,
        True,
        False,
    ),
    Item(
        "stations",
        _("No polling station is among the commissions"),
        _("Observers sit in stations; above them there is nothing to open or count."),
        _COMMISSIONS,
        True,
        False,
    ),
    Item(
        "unobserved", _("Stations without an observer"), _("Nobody will see what happens there."), _places("unobserved")
    ),
    Item(
        "uncoordinated",
        _("Territories without a coordinator"),
        _("Nobody answers their observers, or checks what they send."),
        _places("uncoordinated"),
    ),
    Item(
        "voters",
        _("Stations without the number of voters"),
        _("A turnout that cannot be is not noticed."),
        _places("voters"),
    ),
    Item(
        "address",
        _("Stations without an address"),
        _("An observer cannot find the way, and a complaint lacks the place."),
        _places("address"),
    ),
    Item(
        "coordinates",
        _("Stations without a place on the map"),
        _("A report from the wrong place is not noticed, and the map has a hole."),
        _places("coordinates"),
    ),
    Item(
        "names",
        _("Commissions whose name lacks a language"),
        _("The public reads them in another language than their own."),
        _places("names"),
    ),
)
OF_PEOPLE = (
    Item("everybody", _("There are no observers"), _("Nobody is there to report."), _OBSERVERS, True, False),
    Item(
        "unsent",
        _("Observers who are sent nowhere"),
        _("Their phones do not know which station they are to watch."),
        _people("unsent"),
    ),
    Item(
        "unaccredited",
        _("Observers not accredited on the day"),
        _("The commission may refuse them the door."),
        _people("unaccredited"),
    ),
    Item("unenrolled", _("Observers without a phone"), _("They cannot send anything."), _people("unenrolled")),
    Item(
        "unconsented",
        _("Observers who have not accepted the code of conduct"),
        _("Until they do, they have not agreed to observe this election."),
        _people("unconsented"),
    ),
    Item(
        "unrehearsed",
        _("Observers who have not rehearsed"),
        _("Whoever sends a report for the first time on the day calls the desk."),
        _people("unrehearsed"),
    ),
)
OF_DESK = (
    Item(
        "second_factor",
        _("People at the desk without a second step at signing in"),
        _("A guessed password would open names and reports."),
        _staff,
    ),
)
OF_PLATFORM = (
    Item(
        "errors",
        _("The doctor finds errors in keys, disk or access"),
        _("What it calls an error loses reports or opens names: run `manage.py doctor`."),
        None,
        True,
    ),
    Item(
        "warnings",
        _("The doctor warns about keys, disk or access"),
        _("`manage.py doctor` says what it is and what to do."),
        None,
    ),
    Item(
        "backup",
        _("No backup of the last day"),
        _("A broken disk would take everything: run `manage.py backup`."),
        None,
        number=False,
    ),
)
LACKS: dict[str, Words] = {item.code: item.what for item in OF_PLACES if item.code not in ("tree", "stations")}
