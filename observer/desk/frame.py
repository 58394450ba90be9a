"""What stands around every desk page: the election, the navigation by role, the languages."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import PAGES
from observer.models import Alert, Election
from observer.services.accounts import access

SECTIONS: dict[str, str | Promise] = {
    "day": _("The day"),
    "reports": _("Reports"),
    "people": _("Observers"),
    "ready": _("Getting ready"),
    "out": _("Out"),
    "office": _("Office"),
}
# Django's lists that have a place in the navigation: section, order, word.
LISTS: dict[str, tuple[str, int, str | Promise]] = {
    "reports.Report": ("reports", 80, _("All reports")),
    "reports.Violation": ("reports", 81, _("All violations")),
    "reports.Evidence": ("reports", 82, _("All files")),
    "reports.Case": ("reports", 83, _("All cases")),
    "observer.Observer": ("people", 80, _("All observers")),
    "observer.Assignment": ("people", 81, _("All assignments")),
    "observer.Device": ("people", 82, _("All phones")),
    "reports.Message": ("people", 83, _("All messages")),
    "observer.Commission": ("ready", 80, _("All commissions")),
    "reports.Checklist": ("ready", 81, _("All checklists")),
    "observer.Election": ("ready", 82, _("All elections")),
    "observer.Trail": ("office", 80, _("The trail")),
}


@dataclass(frozen=True, slots=True)
class Link:
    label: str | Promise
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Section:
    title: str | Promise
    links: list[Link]


def frame(request: HttpRequest) -> dict[str, Any]:
    """For the templates; empty for whoever is not signed in, but for the languages."""
    context: dict[str, Any] = {"desk_languages": settings.LANGUAGES}
    if not admin.site.has_permission(request):
        return context
    elections = list(access.elections(request.user)[:100])
    election = current_election(request, elections)
    return context | {
        "desk_election": election,
        "desk_elections": elections,
        "desk_nav": navigation(request, election) if election else [],
        "desk_alerts": alerts(request, election) if election else [],
    }


def alerts(request: HttpRequest, election: Election) -> list[Alert]:
    """What an administrator of this election should look at now."""
    return list(access.visible(request.user, Alert, election).filter(seen_at=None).select_related("user")[:5])


def current_election(request: HttpRequest, elections: list[Election]) -> Election | None:
    """The one in the address; else the one last looked at; else the newest. It is remembered for Django's lists."""
    named: Election | None = getattr(request, "desk_election", None)
    if named is not None:
        if request.session.get("election") != named.pk:
            request.session["election"] = named.pk
        return named
    last = request.session.get("election")
    return next((one for one in elections if one.pk == last), elections[0] if elections else None)


def navigation(request: HttpRequest, election: Election) -> list[Section]:
    """What this reader may open in this election, in the order of `SECTIONS`."""
    found: dict[str, list[tuple[int, Link]]] = {name: [] for name in SECTIONS}
    for one in PAGES:
        view = one.view
        allowed = access.may_whole if view.whole or view.anywhere else access.may
        if one.section and allowed(request.user, view.verb, None if view.anywhere else election):
            url = one.url(election)
            found[one.section].append((one.order, Link(one.view.title, url, request.path == url)))
    for label, (section, order, word) in LISTS.items():
        address = list_address(request, label, election)
        if address:
            found[section].append((order, Link(word, address, request.path == address.split("?")[0])))
    return [
        Section(title, [link for _order, link in sorted(found[name], key=lambda pair: pair[0])])
        for name, title in SECTIONS.items()
        if found[name]
    ]


def list_address(request: HttpRequest, label: str, election: Election) -> str:
    """Django's list of a noun, filtered to the election where it has such a filter; "" for whom it is not."""
    model = apps.get_model(label)
    if not admin.site.is_registered(model):
        return ""
    registered = admin.site.get_model_admin(model)
    if not registered.has_view_permission(request):
        return ""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    filters = [name for name in registered.list_filter if isinstance(name, str) and name.split("__")[-1] == "election"]
    return f"{address}?{filters[0]}__id__exact={election.pk}" if filters else address
