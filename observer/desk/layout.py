"""The layout of desk pages.

It has the election switcher, the navigation by permission, the languages and the alerts.
"""

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
# Django admin lists that are in the navigation: section, order, label.
ADMIN_LISTS: dict[str, tuple[str, int, str | Promise]] = {
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


def build_layout_context(request: HttpRequest) -> dict[str, Any]:
    """The context for the layout templates.

    Without a signed-in user it has only the languages.
    """
    context: dict[str, Any] = {"desk_languages": settings.LANGUAGES}
    if not admin.site.has_permission(request):
        return context
    elections = list(access.get_elections(request.user)[:100])
    election = get_current_election(request, elections)
    return context | {
        "desk_election": election,
        "desk_elections": elections,
        "desk_nav": build_navigation(request, election) if election else [],
        "desk_alerts": load_open_alerts(request, election) if election else [],
    }


def load_open_alerts(request: HttpRequest, election: Election) -> list[Alert]:
    """Up to five open alerts that the user may see.

    They are those of this election.
    """
    return list(access.get_visible_rows(request.user, Alert, election).filter(seen_at=None).select_related("user")[:5])


def get_current_election(request: HttpRequest, elections: list[Election]) -> Election | None:
    """The election that the page is about.

    It is the election in the URL, else the one last viewed, else the newest.
    The election in the URL is kept in the session, so that Django's lists use it.
    """
    from_url: Election | None = getattr(request, "desk_election", None)
    if from_url is not None:
        if request.session.get("election") != from_url.pk:
            request.session["election"] = from_url.pk
        return from_url
    last_key = request.session.get("election")
    return next((one for one in elections if one.pk == last_key), elections[0] if elections else None)


def build_navigation(request: HttpRequest, election: Election) -> list[Section]:
    """The pages that the user may open, by section.

    They are those of this election, in the order of `SECTIONS`.
    """
    found: dict[str, list[tuple[int, Link]]] = {name: [] for name in SECTIONS}
    for one in PAGES:
        view = one.view
        allowed = (
            access.has_election_wide_permission
            if view.election_wide or view.without_election
            else access.has_permission
        )
        if one.section and allowed(request.user, view.permission, None if view.without_election else election):
            url = one.url(election)
            found[one.section].append((one.order, Link(one.view.title, url, request.path == url)))
    for model_label, (section, order, label) in ADMIN_LISTS.items():
        url = get_list_url(request, model_label, election)
        if url:
            found[section].append((order, Link(label, url, request.path == url.split("?")[0])))
    return [
        Section(title, [link for _order, link in sorted(found[name], key=lambda pair: pair[0])])
        for name, title in SECTIONS.items()
        if found[name]
    ]


def get_list_url(request: HttpRequest, model_label: str, election: Election) -> str:
    """The URL of a model's admin list.

    It filters by the election if the list has such a filter.
    Returns "" if the user may not see the list.
    """
    model = apps.get_model(model_label)
    if not admin.site.is_registered(model):
        return ""
    model_admin = admin.site.get_model_admin(model)
    if not model_admin.has_view_permission(request):
        return ""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    filters = [name for name in model_admin.list_filter if isinstance(name, str) and name.split("__")[-1] == "election"]
    return f"{url}?{filters[0]}__id__exact={election.pk}" if filters else url
