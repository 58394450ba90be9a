"""Signing in, in two steps. Nobody is signed in before the last: between them there is only a note in the session.

The note names the user and dies in ten minutes; what it opens is the question for the code, or the page on which
a second factor is set up.
"""

from datetime import timedelta
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from observer import crypto
from observer.desk.home import remember_language
from observer.desk.pages import client_address
from observer.models import SignIn, User
from observer.services.accounts import login_throttle, two_factor
from observer.services.accounts.sign_ins import sign_in_add, sign_in_live

PENDING, ASKED = "signing_in", timedelta(minutes=10)
BACKEND = "django.contrib.auth.backends.ModelBackend"
TOO_MANY = gettext_lazy("Too many wrong attempts. Wait a quarter of an hour, or ask an administrator.")


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        label=gettext_lazy("Code"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )


def stands(request: HttpRequest) -> bool:
    """Whether the reader's sign-in was not ended, and was as strong as the settings now ask. Asked once a request."""
    known: bool | None = getattr(request, "_sign_in_stands", None)
    if known is None:
        row = _sign_in(request)
        known = row is not None and (row.by_second_factor or not two_factor.is_compulsory(row.user))
        request._sign_in_stands = known  # type: ignore[attr-defined]
    return known


def _sign_in(request: HttpRequest) -> SignIn | None:
    if not request.user.is_authenticated:
        return None
    now = timezone.now()
    pk = request.session.get("sign_in")
    row = sign_in_live(user=request.user, pk=pk, now=now) if pk else _note(request, request.user, now, False)
    if row is not None:
        row.user = request.user
    return row


def _note(request: HttpRequest, user: User, now: Any, by_second_factor: bool) -> SignIn:
    browser = request.META.get("HTTP_USER_AGENT", "")
    row = sign_in_add(
        user=user, address=client_address(request), browser=browser, by_second_factor=by_second_factor, now=now
    )
    request.session["sign_in"] = row.pk
    return row


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password."""
    if request.method == "GET" and admin.site.has_permission(request):
        return HttpResponseRedirect(_next(request))
    form = AdminAuthenticationForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        answer = _password_given(request, form)
        if answer is not None:
            return answer
    return _page(request, "desk/sign_in.html", _("Sign in"), form=form, next=_next(request))


def _password_given(request: HttpRequest, form: AdminAuthenticationForm) -> HttpResponse | None:
    name, now = request.POST.get("username", "")[:200].replace("\0", ""), timezone.now()
    guess = login_throttle.password_guess(username=name, address=client_address(request), now=now)
    if not guess.allowed:
        form = AdminAuthenticationForm(request)
        return _page(request, "desk/sign_in.html", _("Sign in"), 429, form=form, next=_next(request), refused=TOO_MANY)
    if not form.is_valid():
        return None
    login_throttle.guess_right(guess=guess)
    user: User = form.get_user()
    if two_factor.has_second_factor(user):
        return _ask(request, user, "admin:sign_in_code", now)
    if two_factor.is_compulsory(user):
        return _ask(request, user, "admin:second_factor", now)
    return _enter(request, user, False)


def _ask(request: HttpRequest, user: User, page: str, now: Any) -> HttpResponse:
    goal = _next(request)
    request.session.flush()  # whoever was signed in here is not any more, and an address given before is forgotten
    request.session[PENDING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "at": now.timestamp(),
        "next": goal,
    }
    return HttpResponseRedirect(reverse(page))


def _pending(request: HttpRequest) -> User | None:
    note = request.session.get(PENDING)
    if not note or timezone.now().timestamp() - note["at"] > ASKED.total_seconds():
        return None
    user = User.objects.filter(pk=note["user"], is_active=True, is_staff=True).first()
    return user if user is not None and user.get_session_auth_hash() == note["hash"] else None


@never_cache
def code(request: HttpRequest) -> HttpResponse:
    """The second step: six digits, or a recovery code."""
    user, now = _pending(request), timezone.now()
    if user is None or not two_factor.has_second_factor(user):
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        guess = login_throttle.code_guess(user=user, now=now)
        if not guess.allowed:
            return _page(request, "desk/code.html", _("Code"), 429, form=CodeForm(), refused=TOO_MANY)
        given = form.cleaned_data["code"]
        if two_factor.code_check(user=user, code=given, now=now):
            login_throttle.guess_right(guess=guess)
            return _enter(request, user, True)
        form.add_error("code", _("This is not the present code, or it was used already. Wait for the next one."))
    return _page(request, "desk/code.html", _("Code"), form=form)


@never_cache
def second_factor(request: HttpRequest) -> HttpResponse:
    """Setting up the second factor: at the first sign-in where it is compulsory, later by one's own wish."""
    inside = admin.site.has_permission(request)
    user = request.user if inside else _pending(request)
    if not isinstance(user, User) or two_factor.has_second_factor(user):
        return HttpResponseRedirect(reverse("desk_me" if inside else "admin:login"))
    form, now = CodeForm(request.POST or None), timezone.now()
    secret = _secret(request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["code"]
        codes = two_factor.second_factor_set(user=user, secret=secret, code=given, now=now)
        if codes is not None:
            request.session.pop("second_factor_secret", None)
            goal = reverse("desk_me") if inside else _enter(request, user, True)["Location"]
            return _page(request, "desk/recovery_codes.html", _("Recovery codes"), codes=codes, goal=goal)
        form.add_error("code", _("The code does not fit. Is the phone's clock right?"))
    picture = segno.make(two_factor.secret_address(secret=secret, user=user), error="m")
    return _page(
        request,
        "desk/second_factor.html",
        _("Second step of signing in"),
        form=form,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        qr=picture.svg_data_uri(scale=4, border=2),
    )


def _secret(request: HttpRequest) -> str:
    """One secret for as long as it is being set up, encrypted where it waits."""
    kept: str | None = request.session.get("second_factor_secret")
    if kept is None:
        kept = crypto.encrypt(two_factor.secret_make().encode()).decode()
        request.session["second_factor_secret"] = kept
    return crypto.decrypt(kept.encode()).decode()


def _enter(request: HttpRequest, user: User, by_second_factor: bool) -> HttpResponse:
    note = request.session.get(PENDING)
    goal = note["next"] if note else _next(request)
    if request.user.is_authenticated or note:
        request.session.flush()
    login(request, user, backend=BACKEND)
    _note(request, user, timezone.now(), by_second_factor)
    response = HttpResponseRedirect(goal)
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        remember_language(response, user.language)
    return response


def _next(request: HttpRequest) -> str:
    asked = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, request.is_secure()):
        return asked
    return reverse("desk_home")


def _page(request: HttpRequest, template: str, title: str, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, template, admin.site.each_context(request) | {"title": title} | context, status=status)
