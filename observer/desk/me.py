"""One's own page: where one is signed in, and the second factor."""

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from observer.desk.askable import askable
from observer.models import RecoveryCode, SignIn, User
from observer.services.accounts import two_factor
from observer.services.accounts.sign_ins import sign_ins_end


@never_cache
@require_http_methods(["GET", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    if not admin.site.has_permission(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    user: User = request.user  # type: ignore[assignment]
    if request.method == "POST":
        return _done(request, user)
    context = admin.site.each_context(request) | {
        "title": _("My account"),
        "here": request.session.get("sign_in"),
        "sign_ins": SignIn.objects.filter(user=user, ended_at=None)[:50],
        "has_second_factor": two_factor.has_second_factor(user),
        "codes_left": RecoveryCode.objects.filter(user=user, used_at=None).count(),
    }
    return render(request, "desk/me.html", context)


def _done(request: HttpRequest, user: User) -> HttpResponse:
    now = timezone.now()
    if "codes" in request.POST and two_factor.has_second_factor(user):
        codes = two_factor.recovery_codes_renew(user=user, now=now)
        context = {"title": _("Recovery codes"), "codes": codes, "goal": reverse("desk_me")}
        return render(request, "desk/recovery_codes.html", admin.site.each_context(request) | context)
    key = str(askable(request.POST.get("end", "")))
    if key.isascii() and key.isdecimal():
        sign_ins_end(user=user, by=user, now=now, only=int(key))
        messages.success(request, _("Signed out there."))
    return HttpResponseRedirect(reverse("desk_me"))
