"""Releases in the admin: an analyst prepares and looks at them, a second person agrees, a publisher publishes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect

from observer.admin.base import Desk, ReadOnly
from observer.models import Election
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.words import in_language
from reports.models import Release, ReleaseContent, ReleaseRow, Reply
from reports.problems import Rejected
from reports.services.publishing.place_parts import finding_answers
from reports.services.publishing.release_review import release_review
from reports.services.publishing.release_store import draft_part
from reports.services.publishing.releases import (
    release_approve,
    release_describe,
    release_discard,
    release_prepare,
    release_publish,
)

if TYPE_CHECKING:
    ModelForm: TypeAlias = forms.ModelForm[Release]
else:
    ModelForm = forms.ModelForm


class PrepareForm(ModelForm):
    """What a preparation needs; the rest is found out."""

    class Meta:
        model = Release
        fields = ("election", "cutoff")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        election, cutoff = given.get("election"), given.get("cutoff")
        if election is None or cutoff is None:
            return given
        last = Release.objects.filter(election=election).order_by("-number").first()
        if cutoff > timezone.now():
            self.add_error("cutoff", _("Reports received by then have not all come yet."))
        elif last is not None and last.state != Release.State.PUBLISHED:
            self.add_error("election", _("There is a release in preparation. Publish or discard it first."))
        elif last is not None and cutoff < last.cutoff:
            self.add_error("cutoff", _("The last release counts later reports already."))
        return given


@admin.register(Release)
class ReleaseAdmin(Desk):
    """Open to analysts and publishers of the whole election: a release is no part of a territory."""

    can_delete = False
    writing = Verb.PREPARE
    list_display = (
        "election",
        "number",
        "state",
        "cutoff",
        "public_from",
        "prepared_by",
        "approved_by",
        "published_by",
    )
    list_select_related = ("election", "prepared_by", "approved_by", "published_by")
    list_filter = ("election", "state")
    search_fields = ("=number",)
    actions = ("approve", "publish", "discard")
    described = ("texts", "finding", "remarks", "public_from")
    told = (
        "election",
        "number",
        "state",
        "cutoff",
        "look",
        "notes",
        "digest",
        "prepared_at",
        "prepared_by",
        "approved_at",
        "approved_by",
        "published_at",
        "published_by",
    )

    # ── who may ──
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state != Release.State.PUBLISHED)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return any(access.may(request.user, verb) for verb in (Verb.PREPARE, Verb.RELEASE))

    def decidable(self, request: HttpRequest, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        """Whoever prepares or publishes may agree; that it is another person, the service sees to."""
        mine = [access.reachable(request.user, Release, verb) for verb in (Verb.PREPARE, Verb.RELEASE)]
        return rows.filter(Q(pk__in=mine[0].values("pk")) | Q(pk__in=mine[1].values("pk")))

    def _with(self, request: HttpRequest, rows: "QuerySet[Any]", verb: Verb) -> "QuerySet[Any]":
        return rows.filter(pk__in=access.reachable(request.user, Release, verb).values("pk"))

    @method_decorator(csrf_protect)
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """A preparation reads one moment of the database, which it cannot within a transaction that has begun."""
        if object_id is None:
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    # ── the form ──
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = PrepareForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.described, *self.told) if obj else ("election", "cutoff")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.told if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "election":
            known = access.elections(request.user, Verb.PREPARE)
            whole = [one.pk for one in known if access.may_whole(request.user, Verb.PREPARE, one)]
            kwargs["queryset"] = Election.objects.filter(pk__in=whole)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Release, form: Any, change: bool) -> None:
        user: Any = request.user
        now = timezone.now()
        if change:
            release_describe(
                release=Release.objects.get(pk=obj.pk),
                texts=obj.texts or {},
                remarks=obj.remarks or {},
                finding=obj.finding,
                public_from=obj.public_from,
                user=user,
                now=now,
            )
            return
        made = release_prepare(election=obj.election, cutoff=obj.cutoff, user=user, now=now)
        obj.pk = made.pk
        obj.refresh_from_db()

    @admin.display(description=gettext_lazy("look at it"))
    def look(self, release: Release) -> SafeString:
        return format_html('<a href="{}">{}</a>', self.url("review", release.pk), _("Figures, reports and comments"))

    # ── what is done ──
    @admin.action(description=gettext_lazy("Agree: as the second person"), permissions=["decide"])
    def approve(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._each(request, rows, release_approve)

    @admin.action(description=gettext_lazy("Publish, for ever"), permissions=["decide"])
    def publish(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._each(request, self._with(request, rows, Verb.RELEASE), release_publish)

    @admin.action(description=gettext_lazy("Discard the draft"), permissions=["decide"])
    def discard(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._each(request, self._with(request, rows, Verb.PREPARE), release_discard)

    def _each(self, request: HttpRequest, rows: "QuerySet[Any]", act: Callable[..., object]) -> None:
        user, now = request.user, timezone.now()
        self.decide(request, rows, lambda one: act(release=one, user=user, now=now), (Rejected,))

    # ── looking at it ──
    def get_urls(self) -> list[URLPattern]:
        own = path("<int:key>/review/", self.admin_site.admin_view(self.review), name="reports_release_review")
        return [own, *super().get_urls()]

    def review(self, request: HttpRequest, key: int) -> HttpResponse:
        """Every finding of the release; of the chosen one its tables, and the reports and comments behind it."""
        release = self.get_queryset(request).select_related("election").filter(pk=key).first()
        if release is None or not self.has_view_permission(request):
            raise Http404
        book = draft_part(release, "book") or {"stages": [], "root": ""}
        place = request.GET.get("place", "") or str(book["root"])
        stage, _colon, question = request.GET.get("finding", "").partition(":")
        part = draft_part(release, f"place:{place}") or {}
        context = self.admin_site.each_context(request) | {
            "title": f"{release.election} · {release.number}",
            "opts": self.model._meta,
            "release": release,
            "place": place,
            "coverage": part.get("coverage", {}),
            "findings": list(_findings(book, part)),
            "chosen": f"{stage}:{question}" if question else "",
            "reviewed": release_review(release=release, stage=stage, question=question, place=place)
            if question
            else None,
        }
        return render(request, "admin/release_review.html", context)


def _findings(book: dict[str, Any], part: dict[str, Any]) -> Any:
    """Each finding of a commission: its name for the address, its words, n of how many."""
    answers = finding_answers(book["stages"])
    for stage in book["stages"]:
        questions = part.get("stages", {}).get(stage["code"], {}).get("questions", {})
        for asked in stage["questions"]:
            found = questions.get(asked["code"], {}).get("finding")
            if found and found["of"]:
                yield {
                    "name": f"{stage['code']}:{asked['code']}",
                    "stage": in_language(stage["titles"]),
                    "label": in_language(asked["labels"]) or asked["code"],
                    "answer": answers.get((stage["code"], asked["code"]), ""),
                    "n": found["n"],
                    "of": found["of"],
                    "text": found["text"],
                }


@admin.register(ReleaseContent)
class ReleaseContentAdmin(ReadOnly):
    """Parts of releases by their hash; compressed, so nothing to look at."""

    list_display = ("sha256",)
    fields = ("sha256",)
    search_fields = ("=sha256",)
    deferred = ("body",)


@admin.register(ReleaseRow)
class ReleaseRowAdmin(ReadOnly):
    """Which parts changed with which release."""

    list_display = ("release", "key", "content_id")
    list_select_related = ("release",)
    list_filter = ("release__election",)
    search_fields = ("=key",)
    fields = ("release", "key", "content_id")


@admin.register(Reply)
class ReplyAdmin(Desk):
    """What a commission answered; on its page with the next release."""

    can_delete = False
    writing = Verb.CASES
    list_display = ("commission", "date")
    list_select_related = ("commission",)
    list_filter = ("commission__election",)
    search_fields = ("=commission__code",)
    autocomplete_fields = ("commission",)
