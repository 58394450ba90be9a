"""Admin pages of releases.

An analyst prepares and reviews a release, a second person approves it, a publisher publishes it.
"""

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

from observer.admin.base import DeskAdmin, ReadOnlyAdmin
from observer.models import Election
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.words import get_translation
from reports.models import Release, ReleaseContent, ReleaseRow, Reply
from reports.problems import Rejected
from reports.services.publishing.place_parts import get_finding_answers
from reports.services.publishing.release_review import review_finding
from reports.services.publishing.release_store import load_draft_part
from reports.services.publishing.releases import (
    approve_release,
    describe_release,
    discard_release,
    prepare_release,
    publish_release,
)

if TYPE_CHECKING:
    ModelForm: TypeAlias = forms.ModelForm[Release]
else:
    ModelForm = forms.ModelForm


class PrepareReleaseForm(ModelForm):
    """The form that prepares a release. The rest is computed."""

    class Meta:
        model = Release
        fields = ("election", "cutoff")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        election, cutoff = data.get("election"), data.get("cutoff")
        if election is None or cutoff is None:
            return data
        last_release = Release.objects.filter(election=election).order_by("-number").first()
        if cutoff > timezone.now():
            self.add_error("cutoff", _("Reports received by then have not all come yet."))
        elif last_release is not None and last_release.state != Release.State.PUBLISHED:
            self.add_error("election", _("There is a release in preparation. Publish or discard it first."))
        elif last_release is not None and cutoff < last_release.cutoff:
            self.add_error("cutoff", _("The last release counts later reports already."))
        return data


@admin.register(Release)
class ReleaseAdmin(DeskAdmin):
    """Releases, for analysts and publishers of the whole election.

    A release belongs to no single territory.
    """

    can_delete = False
    edit_permission = Permission.PREPARE
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
    text_fields = ("texts", "finding", "remarks", "public_from")
    status_fields = (
        "election",
        "number",
        "state",
        "cutoff",
        "review_link",
        "notes",
        "digest",
        "prepared_at",
        "prepared_by",
        "approved_at",
        "approved_by",
        "published_at",
        "published_by",
    )

    # ── permissions ──
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state != Release.State.PUBLISHED)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return any(
            access.has_permission(request.user, permission) for permission in (Permission.PREPARE, Permission.RELEASE)
        )

    def filter_actionable(self, request: HttpRequest, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        """The releases that the reader may prepare or publish.

        Whoever may do either may approve; the service checks that it is another person.
        """
        permitted = [
            access.get_permitted_rows(request.user, Release, permission)
            for permission in (Permission.PREPARE, Permission.RELEASE)
        ]
        return rows.filter(Q(pk__in=permitted[0].values("pk")) | Q(pk__in=permitted[1].values("pk")))

    def _filter_permitted(self, request: HttpRequest, rows: "QuerySet[Any]", permission: Permission) -> "QuerySet[Any]":
        return rows.filter(pk__in=access.get_permitted_rows(request.user, Release, permission).values("pk"))

    @method_decorator(csrf_protect)
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Adds a release outside Django's transaction.

        Preparing reads one consistent snapshot of the database, which is impossible inside a transaction that has begun.
        """
        if object_id is None:
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    # ── the form ──
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = PrepareReleaseForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.text_fields, *self.status_fields) if obj else ("election", "cutoff")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.status_fields if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "election":
            elections = access.get_elections(request.user, Permission.PREPARE)
            election_ids = [
                one.pk
                for one in elections
                if access.has_election_wide_permission(request.user, Permission.PREPARE, one)
            ]
            kwargs["queryset"] = Election.objects.filter(pk__in=election_ids)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Release, form: Any, change: bool) -> None:
        user: Any = request.user
        now = timezone.now()
        if change:
            describe_release(
                release=Release.objects.get(pk=obj.pk),
                texts=obj.texts or {},
                remarks=obj.remarks or {},
                finding=obj.finding,
                public_from=obj.public_from,
                user=user,
                now=now,
            )
            return
        prepared = prepare_release(election=obj.election, cutoff=obj.cutoff, user=user, now=now)
        obj.pk = prepared.pk
        obj.refresh_from_db()

    @admin.display(description=gettext_lazy("look at it"))
    def review_link(self, release: Release) -> SafeString:
        return format_html('<a href="{}">{}</a>', self.url("review", release.pk), _("Figures, reports and comments"))

    # ── actions ──
    @admin.action(description=gettext_lazy("Agree: as the second person"), permissions=["decide"])
    def approve(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._apply_to_each(request, rows, approve_release)

    @admin.action(description=gettext_lazy("Publish, for ever"), permissions=["decide"])
    def publish(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._apply_to_each(request, self._filter_permitted(request, rows, Permission.RELEASE), publish_release)

    @admin.action(description=gettext_lazy("Discard the draft"), permissions=["decide"])
    def discard(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._apply_to_each(request, self._filter_permitted(request, rows, Permission.PREPARE), discard_release)

    def _apply_to_each(self, request: HttpRequest, rows: "QuerySet[Any]", act: Callable[..., object]) -> None:
        user, now = request.user, timezone.now()
        self.run_for_each(request, rows, lambda one: act(release=one, user=user, now=now), (Rejected,))

    # ── review page ──
    def get_urls(self) -> list[URLPattern]:
        own = path("<int:key>/review/", self.admin_site.admin_view(self.review_view), name="reports_release_review")
        return [own, *super().get_urls()]

    def review_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """All findings of the release for one place.

        The chosen finding is shown with its tables, reports and comments. `?place=CODE`: the place, the whole
        election by default. `?finding=STAGE:QUESTION`: the chosen finding.
        """
        release = self.get_queryset(request).select_related("election").filter(pk=key).first()
        if release is None or not self.has_view_permission(request):
            raise Http404
        book = load_draft_part(release, "book") or {"stages": [], "root": ""}
        place = request.GET.get("place", "") or str(book["root"])
        stage, _colon, question = request.GET.get("finding", "").partition(":")
        part = load_draft_part(release, f"place:{place}") or {}
        context = self.admin_site.each_context(request) | {
            "title": f"{release.election} · {release.number}",
            "opts": self.model._meta,
            "release": release,
            "place": place,
            "coverage": part.get("coverage", {}),
            "findings": list(_iterate_findings(book, part)),
            "chosen": f"{stage}:{question}" if question else "",
            "reviewed": review_finding(release=release, stage=stage, question=question, place=place)
            if question
            else None,
        }
        return render(request, "admin/release_review.html", context)


def _iterate_findings(book: dict[str, Any], part: dict[str, Any]) -> Any:
    """Yields each finding of a commission.

    Each has its name in the address, its texts and its count: `n` out of `of`.
    """
    answers = get_finding_answers(book["stages"])
    for stage in book["stages"]:
        questions = part.get("stages", {}).get(stage["code"], {}).get("questions", {})
        for question in stage["questions"]:
            finding = questions.get(question["code"], {}).get("finding")
            if finding and finding["of"]:
                yield {
                    "name": f"{stage['code']}:{question['code']}",
                    "stage": get_translation(stage["titles"]),
                    "label": get_translation(question["labels"]) or question["code"],
                    "answer": answers.get((stage["code"], question["code"]), ""),
                    "n": finding["n"],
                    "of": finding["of"],
                    "text": finding["text"],
                }


@admin.register(ReleaseContent)
class ReleaseContentAdmin(ReadOnlyAdmin):
    """Parts of releases by their hash. The content is compressed and not shown."""

    list_display = ("sha256",)
    fields = ("sha256",)
    search_fields = ("=sha256",)
    deferred_fields = ("body",)


@admin.register(ReleaseRow)
class ReleaseRowAdmin(ReadOnlyAdmin):
    """Which parts changed in which release."""

    list_display = ("release", "key", "content_id")
    list_select_related = ("release",)
    list_filter = ("release__election",)
    search_fields = ("=key",)
    fields = ("release", "key", "content_id")


@admin.register(Reply)
class ReplyAdmin(DeskAdmin):
    """A commission's reply.

    It is shown on the commission's page from the next release on.
    """

    can_delete = False
    edit_permission = Permission.CASES
    list_display = ("commission", "date")
    list_select_related = ("commission",)
    list_filter = ("commission__election",)
    search_fields = ("=commission__code",)
    autocomplete_fields = ("commission",)
