"""The way in: `/desk/` leads to the first page that the reader may open. And the language of the desk."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from observer.desk.askable import askable
from observer.desk.frame import current_election, navigation
from observer.models import User
from observer.services.accounts import access

YEAR = 365 * 24 * 3600


@never_cache
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """To the first page of the election that was chosen, or of the one last looked at; where there is none, to making one."""
    if not admin.site.has_permission(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    elections = list(access.elections(request.user))
    if "election" in request.GET:
        chosen = get_object_or_404(access.elections(request.user), slug=askable(request.GET["election"]))
        request.desk_election = chosen  # type: ignore[attr-defined]
    election = current_election(request, elections)
    sections = navigation(request, election) if election else []
    own = [link.url for section in sections for link in section.links if link.url.startswith("/desk/")]
    first = "desk:election_new" if access.is_superuser(request.user) else "admin:index"
    return HttpResponseRedirect(own[0] if own else reverse(first))


@never_cache
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """The desk speaks this language in this browser, and to this user where one is signed in."""
    code, back = request.POST.get("language", ""), request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = reverse("desk_home")
    response = HttpResponseRedirect(back)
    if code in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            User.objects.filter(pk=request.user.pk).update(language=code)
        remember_language(response, code)
    return response


def remember_language(response: Any, code: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=YEAR,
        path="/",
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
    )
