"""The page of the user's own account: sign-ins and second factor."""

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from observer.desk.input_sanitizing import sanitize_value
from observer.models import RecoveryCode, SignIn, User
from observer.services.accounts import two_factor
from observer.services.accounts.sign_ins import end_sign_ins


@never_cache
@require_http_methods(["GET", "POST"])
def show_account(request: HttpRequest) -> HttpResponse:
    """Shows the account page.

    A POST makes new recovery codes or ends a sign-in.
    """
    if not admin.site.has_permission(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    user: User = request.user  # type: ignore[assignment]
    if request.method == "POST":
        return _handle_post(request, user)
    context = admin.site.each_context(request) | {
        "title": _("My account"),
        "here": request.session.get("sign_in"),
        "sign_ins": SignIn.objects.filter(user=user, ended_at=None)[:50],
        "has_second_factor": two_factor.has_second_factor(user),
        "codes_left": RecoveryCode.objects.filter(user=user, used_at=None).count(),
    }
    return render(request, "desk/me.html", context)


def _handle_post(request: HttpRequest, user: User) -> HttpResponse:
    now = timezone.now()
    if "codes" in request.POST and two_factor.has_second_factor(user):
        codes = two_factor.renew_recovery_codes(user=user, now=now)
        context = {"title": _("Recovery codes"), "codes": codes, "goal": reverse("desk_me")}
        return render(request, "desk/recovery_codes.html", admin.site.each_context(request) | context)
    key = str(sanitize_value(request.POST.get("end", "")))
    if key.isascii() and key.isdecimal():
        end_sign_ins(user=user, by=user, now=now, only=int(key))
        messages.success(request, _("Signed out there."))
    return HttpResponseRedirect(reverse("desk_me"))
