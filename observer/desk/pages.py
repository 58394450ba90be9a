"""The base view of desk pages, and their registry.

URLs and navigation are made from the registry. `docs/desk.md` says how to write a page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from observer.desk.input_sanitizing import sanitize_query, sanitize_text, sanitize_value
from observer.models import Election, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.trail import clean_address

M = TypeVar("M", bound=Model)


def get_client_address(request: HttpRequest) -> str:
    """The client's IP address, as our own proxies report it.

    Returns "" where there is none.
    """
    return clean_address(str(request.META.get("REMOTE_ADDR", "")))


@method_decorator(never_cache, name="dispatch")
class DeskView(TemplateView):
    """A page about one election.

    It is for users who have `permission` somewhere in the election; others get 404.
    Take rows from `get_visible_rows`, `get_permitted_rows` and `get_row_or_404`, never from a model's manager.
    """

    permission: ClassVar[Permission] = Permission.LOOK
    election_wide = False  # only for users who have the permission for the whole election
    without_election = False  # the page is at `/desk/<route>`; needs the permission for the whole of any election
    title: ClassVar[str | Promise] = ""
    election: Election
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        request.GET = sanitize_query(request.GET)  # type: ignore[assignment]
        if request.method == "POST":
            request.POST = sanitize_text(request.POST)  # type: ignore[assignment]
        self.kwargs = kwargs = {name: sanitize_value(value) for name, value in kwargs.items()}
        self.user = request.user  # type: ignore[assignment]
        if self.without_election:
            if not access.has_election_wide_permission(self.user, self.permission):
                raise Http404
            return super().dispatch(request, *args, **kwargs)
        self.election = get_object_or_404(access.get_elections(self.user, self.permission), slug=kwargs["election"])
        if self.election_wide and not access.has_election_wide_permission(self.user, self.permission, self.election):
            raise Http404
        request.desk_election = self.election  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)

    def get_visible_rows(self, model: type[M]) -> "QuerySet[M]":
        """The rows of this election that the user may know about."""
        return access.get_visible_rows(self.user, model, self.election)

    def get_permitted_rows(self, model: type[M], permission: Permission | None = None) -> "QuerySet[M]":
        """The rows of this election for which the user has `permission`.

        The default is the permission of the page.
        """
        return access.get_permitted_rows(self.user, model, permission or self.permission, self.election)

    def get_row_or_404(self, model: type[M], permission: Permission | None = None, **lookup: Any) -> M:
        """One of the permitted rows.

        Raises Http404 if the row does not exist or the user has no permission.
        """
        return get_object_or_404(self.get_permitted_rows(model, permission), **lookup)

    def get_page_url(self, name: str, *args: Any) -> str:
        """The URL of another page of this election."""
        return reverse(f"desk:{name}", args=[self.election.slug, *args])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        layout = admin.site.each_context(self.request)
        context = super().get_context_data(**kwargs) | layout | {"title": self.title}
        return context if self.without_election else context | {"election": self.election}


@dataclass(frozen=True, slots=True)
class RegisteredPage:
    """A desk page with its route and place in the navigation.

    With `section` "" it is not in the navigation.
    """

    route: str
    name: str
    view: type[DeskView]
    section: str
    order: int

    def url(self, election: Election) -> str:
        return reverse(f"desk:{self.name}", args=[] if self.view.without_election else [election.slug])


PAGES: list[RegisteredPage] = []
V = TypeVar("V", bound=type[DeskView])


def register_page(route: str, name: str, section: str = "", order: int = 50) -> Callable[[V], V]:
    """Registers a view as a page of the desk.

    Its URL is `/desk/<election>/<route>` with the name `desk:<name>`.
    `section` is one of `layout.SECTIONS`. The link in the navigation has the view's `title` as its text, and is shown
    to the users who may open the page.
    """

    def register(view: V) -> V:
        PAGES.append(RegisteredPage(route, name, view, section, order))
        return view

    return register


def build_urlpatterns() -> list[URLPattern]:
    """The URL patterns of all pages that are registered so far."""
    return [
        path(
            one.route if one.view.without_election else f"<slug:election>/{one.route}",
            one.view.as_view(),
            name=one.name,
        )
        for one in PAGES
    ]
