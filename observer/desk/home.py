"""The start page of the desk, and choosing its language."""

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

from observer.desk.input_sanitizing import sanitize_value
from observer.desk.layout import build_navigation, get_current_election
from observer.models import User
from observer.services.accounts import access

LANGUAGE_COOKIE_SECONDS = 365 * 24 * 3600


@never_cache
@require_GET
def redirect_to_first_page(request: HttpRequest) -> HttpResponse:
    """Redirects to the first page that the user may open.

    The page is one of the current election.
    `election` in the query chooses the election. Without any page, a superuser is sent to the form for a new election,
    others to the admin's index.
    """
    if not admin.site.has_permission(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    elections = list(access.get_elections(request.user))
    if "election" in request.GET:
        slug = sanitize_value(request.GET["election"])
        request.desk_election = get_object_or_404(access.get_elections(request.user), slug=slug)  # type: ignore[attr-defined]
    election = get_current_election(request, elections)
    sections = build_navigation(request, election) if election else []
    urls = [link.url for section in sections for link in section.links if link.url.startswith("/desk/")]
    fallback = "desk:election_new" if access.is_superuser(request.user) else "admin:index"
    return HttpResponseRedirect(urls[0] if urls else reverse(fallback))


@never_cache
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Sets the desk's language in this browser.

    It is also stored for the user if one is signed in.
    """
    code, next_url = request.POST.get("language", ""), request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(next_url, {request.get_host()}, request.is_secure()):
        next_url = reverse("desk_home")
    response = HttpResponseRedirect(next_url)
    if code in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            User.objects.filter(pk=request.user.pk).update(language=code)
        set_language_cookie(response, code)
    return response


def set_language_cookie(response: Any, code: str) -> None:
    """Sets Django's language cookie for a year."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=LANGUAGE_COOKIE_SECONDS,
        path="/",
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
    )
