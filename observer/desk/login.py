"""Views for signing in: password, then second factor.

Nobody is signed in before the last step. After the password, the session only has a pending sign-in: it names the
user and expires after ten minutes. It gives access to the form for the code, or to the page where a second factor
is set up.
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
from observer.desk.home import set_language_cookie
from observer.desk.pages import get_client_address
from observer.models import SignIn, User
from observer.services.accounts import login_throttle, two_factor
from observer.services.accounts.sign_ins import find_live_sign_in, record_sign_in

PENDING_SESSION_KEY, PENDING_LIFETIME = "signing_in", timedelta(minutes=10)
AUTH_BACKEND = "django.contrib.auth.backends.ModelBackend"
TOO_MANY_ATTEMPTS = gettext_lazy("Too many wrong attempts. Wait a quarter of an hour, or ask an administrator.")


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        label=gettext_lazy("Code"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )


def is_sign_in_valid(request: HttpRequest) -> bool:
    """Whether the user's sign-in is still valid.

    It was not ended, and it had a second factor if the settings require one.
    The answer is kept on the request, so it is computed once for each request.
    """
    is_valid: bool | None = getattr(request, "_is_sign_in_valid", None)
    if is_valid is None:
        row = _load_sign_in(request)
        is_valid = row is not None and (row.by_second_factor or not two_factor.requires_second_factor(row.user))
        request._is_sign_in_valid = is_valid  # type: ignore[attr-defined]
    return is_valid


def _load_sign_in(request: HttpRequest) -> SignIn | None:
    """The sign-in of this session.

    It is recorded now if the session has none.
    """
    if not request.user.is_authenticated:
        return None
    now = timezone.now()
    pk = request.session.get("sign_in")
    row = (
        find_live_sign_in(user=request.user, pk=pk, now=now)
        if pk
        else _record_sign_in(request, request.user, now, False)
    )
    if row is not None:
        row.user = request.user
    return row


def _record_sign_in(request: HttpRequest, user: User, now: Any, by_second_factor: bool) -> SignIn:
    browser = request.META.get("HTTP_USER_AGENT", "")
    row = record_sign_in(
        user=user, address=get_client_address(request), browser=browser, by_second_factor=by_second_factor, now=now
    )
    request.session["sign_in"] = row.pk
    return row


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The first step: user name and password."""
    if request.method == "GET" and admin.site.has_permission(request):
        return HttpResponseRedirect(_get_next_url(request))
    form = AdminAuthenticationForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        response = _check_password(request, form)
        if response is not None:
            return response
    return _render_page(request, "desk/sign_in.html", _("Sign in"), form=form, next=_get_next_url(request))


def _check_password(request: HttpRequest, form: AdminAuthenticationForm) -> HttpResponse | None:
    """The response to a posted user name and password.

    None where they are wrong.
    """
    name, now = request.POST.get("username", "")[:200].replace("\0", ""), timezone.now()
    guess = login_throttle.record_password_guess(username=name, address=get_client_address(request), now=now)
    if not guess.allowed:
        form = AdminAuthenticationForm(request)
        return _render_page(
            request,
            "desk/sign_in.html",
            _("Sign in"),
            429,
            form=form,
            next=_get_next_url(request),
            refused=TOO_MANY_ATTEMPTS,
        )
    if not form.is_valid():
        return None
    login_throttle.clear_guess(guess=guess)
    user: User = form.get_user()
    if two_factor.has_second_factor(user):
        return _start_second_step(request, user, "admin:sign_in_code", now)
    if two_factor.requires_second_factor(user):
        return _start_second_step(request, user, "admin:second_factor", now)
    return _complete_sign_in(request, user, False)


def _start_second_step(request: HttpRequest, user: User, url_name: str, now: Any) -> HttpResponse:
    """Starts a pending sign-in and redirects to the second step.

    The pending sign-in is stored in a new session.
    """
    next_url = _get_next_url(request)
    request.session.flush()  # ends an earlier sign-in of this browser, and forgets an earlier pending one
    request.session[PENDING_SESSION_KEY] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "at": now.timestamp(),
        "next": next_url,
    }
    return HttpResponseRedirect(reverse(url_name))


def _find_pending_user(request: HttpRequest) -> User | None:
    """The user of the pending sign-in, or None.

    It is None if the sign-in expired or the password was changed.
    """
    pending = request.session.get(PENDING_SESSION_KEY)
    if not pending or timezone.now().timestamp() - pending["at"] > PENDING_LIFETIME.total_seconds():
        return None
    user = User.objects.filter(pk=pending["user"], is_active=True, is_staff=True).first()
    return user if user is not None and user.get_session_auth_hash() == pending["hash"] else None


@never_cache
def enter_code(request: HttpRequest) -> HttpResponse:
    """The second step: a six-digit code or a recovery code."""
    user, now = _find_pending_user(request), timezone.now()
    if user is None or not two_factor.has_second_factor(user):
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        guess = login_throttle.record_code_guess(user=user, now=now)
        if not guess.allowed:
            return _render_page(request, "desk/code.html", _("Code"), 429, form=CodeForm(), refused=TOO_MANY_ATTEMPTS)
        code = form.cleaned_data["code"]
        if two_factor.check_code(user=user, code=code, now=now):
            login_throttle.clear_guess(guess=guess)
            return _complete_sign_in(request, user, True)
        form.add_error("code", _("This is not the present code, or it was used already. Wait for the next one."))
    return _render_page(request, "desk/code.html", _("Code"), form=form)


@never_cache
def set_up_second_factor(request: HttpRequest) -> HttpResponse:
    """Sets up the second factor.

    This happens while signing in if it is required, or later from the account page.
    """
    is_signed_in = admin.site.has_permission(request)
    user = request.user if is_signed_in else _find_pending_user(request)
    if not isinstance(user, User) or two_factor.has_second_factor(user):
        return HttpResponseRedirect(reverse("desk_me" if is_signed_in else "admin:login"))
    form, now = CodeForm(request.POST or None), timezone.now()
    secret = _get_setup_secret(request)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        codes = two_factor.enable_second_factor(user=user, secret=secret, code=code, now=now)
        if codes is not None:
            request.session.pop("second_factor_secret", None)
            next_url = reverse("desk_me") if is_signed_in else _complete_sign_in(request, user, True)["Location"]
            return _render_page(request, "desk/recovery_codes.html", _("Recovery codes"), codes=codes, goal=next_url)
        form.add_error("code", _("The code does not fit. Is the phone's clock right?"))
    qr_code = segno.make(two_factor.build_otpauth_uri(secret=secret, user=user), error="m")
    return _render_page(
        request,
        "desk/second_factor.html",
        _("Second step of signing in"),
        form=form,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        qr=qr_code.svg_data_uri(scale=4, border=2),
    )


def _get_setup_secret(request: HttpRequest) -> str:
    """The secret of the second factor that is being set up.

    It is kept encrypted in the session.
    """
    encrypted: str | None = request.session.get("second_factor_secret")
    if encrypted is None:
        encrypted = crypto.encrypt(two_factor.make_secret().encode()).decode()
        request.session["second_factor_secret"] = encrypted
    return crypto.decrypt(encrypted.encode()).decode()


def _complete_sign_in(request: HttpRequest, user: User, by_second_factor: bool) -> HttpResponse:
    """Signs the user in and redirects to the wanted page.

    The sign-in gets a new session.
    """
    pending = request.session.get(PENDING_SESSION_KEY)
    next_url = pending["next"] if pending else _get_next_url(request)
    if request.user.is_authenticated or pending:
        request.session.flush()
    login(request, user, backend=AUTH_BACKEND)
    _record_sign_in(request, user, timezone.now(), by_second_factor)
    response = HttpResponseRedirect(next_url)
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        set_language_cookie(response, user.language)
    return response


def _get_next_url(request: HttpRequest) -> str:
    """The page to show after signing in.

    It is the `next` parameter if that is a page of this site, else the desk's start page.
    """
    next_url = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(next_url, {request.get_host()}, request.is_secure()):
        return next_url
    return reverse("desk_home")


def _render_page(request: HttpRequest, template: str, title: str, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, template, admin.site.each_context(request) | {"title": title} | context, status=status)
