"""The base of the desk's own pages, and the one list of them: addresses and navigation are made from it.

`docs/desk.md` says how a page is written.
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

from observer.desk.askable import askable, query_askable, words_askable
from observer.models import Election, User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.trail import address_clean

M = TypeVar("M", bound=Model)


def client_address(request: HttpRequest) -> str:
    """Whence the request comes, as far as our own proxies tell."""
    return address_clean(str(request.META.get("REMOTE_ADDR", "")))


@method_decorator(never_cache, name="dispatch")
class DeskView(TemplateView):
    """A page about one election, for those who may do `verb` somewhere in it; for all others it does not exist.

    Rows come from `visible`, `reachable` and `one`, never from a model's manager.
    """

    verb: ClassVar[Verb] = Verb.LOOK
    whole = False  # only for those who may do it for the whole election
    anywhere = False  # of no election: `/desk/<route>`, for those who may do it for the whole of one
    title: ClassVar[str | Promise] = ""
    election: Election
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        request.GET = query_askable(request.GET)  # type: ignore[assignment]
        if request.method == "POST":
            request.POST = words_askable(request.POST)  # type: ignore[assignment]
        self.kwargs = kwargs = {name: askable(given) for name, given in kwargs.items()}
        self.user = request.user  # type: ignore[assignment]
        if self.anywhere:
            if not access.may_whole(self.user, self.verb):
                raise Http404
            return super().dispatch(request, *args, **kwargs)
        self.election = get_object_or_404(access.elections(self.user, self.verb), slug=kwargs["election"])
        if self.whole and not access.may_whole(self.user, self.verb, self.election):
            raise Http404
        request.desk_election = self.election  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)

    def visible(self, model: type[M]) -> "QuerySet[M]":
        """The rows of this election that the reader may know of."""
        return access.visible(self.user, model, self.election)

    def reachable(self, model: type[M], verb: Verb | None = None) -> "QuerySet[M]":
        """The rows of this election to which the reader may do `verb`, which is the page's own unless named."""
        return access.reachable(self.user, model, verb or self.verb, self.election)

    def one(self, model: type[M], verb: Verb | None = None, **lookup: Any) -> M:
        """One of them, or 404, whether it is not there or not for this reader."""
        return get_object_or_404(self.reachable(model, verb), **lookup)

    def link(self, name: str, *args: Any) -> str:
        """The address of another page of this election."""
        return reverse(f"desk:{name}", args=[self.election.slug, *args])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        frame = admin.site.each_context(self.request)
        context = super().get_context_data(**kwargs) | frame | {"title": self.title}
        return context if self.anywhere else context | {"election": self.election}


@dataclass(frozen=True, slots=True)
class Page:
    """A desk page's address and its place in the navigation; one with an empty `section` stands in none."""

    route: str
    name: str
    view: type[DeskView]
    section: str
    order: int

    def url(self, election: Election) -> str:
        return reverse(f"desk:{self.name}", args=[] if self.view.anywhere else [election.slug])


PAGES: list[Page] = []
V = TypeVar("V", bound=type[DeskView])


def page(route: str, name: str, section: str = "", order: int = 50) -> Callable[[V], V]:
    """Registers a page at `/desk/<election>/<route>`, named `desk:<name>`.

    `section` is one of `frame.SECTIONS`; the link's word is the view's `title`, and it is shown to whom the view is.
    """

    def register(view: V) -> V:
        PAGES.append(Page(route, name, view, section, order))
        return view

    return register


def addresses() -> list[URLPattern]:
    """Every page that was registered by the time the addresses are read."""
    return [
        path(one.route if one.view.anywhere else f"<slug:election>/{one.route}", one.view.as_view(), name=one.name)
        for one in PAGES
    ]
