from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from observer.admin.base import Desk, NamesMixin, ReadOnlyRows, TabularInline
from observer.models import Election, User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.spreadsheets.tables import BadTable
from reports.admin.checklist_words import preview_rows
from reports.models import Checklist, ChecklistFile, ChecklistVersion, Question, Section
from reports.problems import Rejected
from reports.services.checklists.diff import Preview, xlsform_preview
from reports.services.checklists.pending_upload import Kept, upload_keep, upload_kept
from reports.services.checklists.publishing import Published, Superseded, version_publish, xlsform_import
from reports.services.checklists.xlsform.media import ALL_MAX
from reports.services.checklists.xlsform.workbook import FILE_MAX
from reports.services.checklists.xlsform.write import xlsform_of


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name)


class ManyFilesField(forms.FileField):
    """Any number of files, as a list."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(ManyFilesField, self).clean(one) for one in data]


class WhileUnpublished(NamesMixin, TabularInline):
    """Rows of a checklist version: edited until it is published, then only read."""

    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None or obj.published_at is not None:
            return obj is None and access.may(request.user, Verb.SETUP)
        return access.reachable(request.user, ChecklistVersion, Verb.SETUP).filter(pk=obj.pk).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class SectionRows(WhileUnpublished):
    model = Section


class QuestionRows(WhileUnpublished):
    model = Question
    raw_id_fields = ("section",)
    readonly_fields = ("section_code",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("section")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (
            "order",
            "code",
            "type",
            "labels",
            "hints",
            "choices",
            "required",
            "relevant_question",
            "relevant_answers",
            "minimum",
            "maximum",
            "violation_answers",
            "violation_code",
            "control",
            "sms_code",
            "section_code",
        )

    @admin.display(description=_("section"))
    def section_code(self, question: Question) -> str:
        return question.section.code if question.section else "—"


class XlsformForm(forms.Form):
    election = forms.ModelChoiceField(Election.objects.none(), label=_("Election"))
    file = forms.FileField(label=_("XLSForm (.xlsx)"))
    shown = ManyFilesField(
        label=_("Pictures and sounds that it shows"), required=False, widget=ManyFiles(attrs={"multiple": True})
    )


class VersionRows(ReadOnlyRows):
    model = ChecklistVersion
    fields = readonly_fields = ("number", "published_at")


@admin.register(Checklist)
class ChecklistAdmin(Desk):
    writing = Verb.SETUP
    can_delete = False
    list_display = ("code", "__str__", "election", "stage", "place", "repeat", "order")
    list_select_related = ("election",)
    list_filter = ("election", "stage")
    search_fields = ("code",)
    autocomplete_fields = ("election",)
    inlines = (VersionRows,)
    change_list_template = "admin/checklist_list.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="reports_checklist_import"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        extra = {"may_import": access.may_whole(request.user, Verb.SETUP)} | (extra_context or {})
        return super().changelist_view(request, extra)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """An XLSForm: every complaint about it, else what it would change; then it becomes a published version."""
        if not access.may_whole(request.user, Verb.SETUP):
            raise PermissionDenied
        user = cast(User, request.user)
        if "publish" in request.POST:
            return self._publish_shown(request, user)
        form = self._import_form(request, user)
        preview, token = None, ""
        if form.is_valid():
            given, shown = form.cleaned_data["file"], form.cleaned_data["shown"]
            if given.size > FILE_MAX or sum(one.size or 0 for one in shown) > ALL_MAX:
                form.add_error("file", gettext("These files are too large."))
            else:
                kept = Kept(
                    form.cleaned_data["election"], given.name, given.read(), {str(x.name): x.read() for x in shown}
                )
                try:
                    preview = xlsform_preview(
                        election=kept.election, source=kept.source, file=kept.name, files=kept.files
                    )
                    token = upload_keep(user=user, upload=kept)
                except BadTable as error:
                    for line in error.lines:
                        form.add_error("file", str(line))
        return self._import_page(request, form, preview, token)

    def _publish_shown(self, request: HttpRequest, user: User) -> HttpResponse:
        """The very file that was shown, unless another version came into force meanwhile."""
        token, seen = request.POST["publish"], request.POST.get("seen", "")
        kept = upload_kept(user=user, token=token)
        form = self._import_form(request, user, bound=False)
        mine = kept is not None and access.may_whole(user, Verb.SETUP, kept.election)
        if kept is None or not mine or not (seen.isascii() and seen.isdecimal()):
            self.message_user(request, gettext("The file is not here any more: choose it once again."), messages.ERROR)
            return self._import_page(request, form)
        said: dict[str, Any] = {
            "election": kept.election,
            "source": kept.source,
            "file": kept.name,
            "files": kept.files,
        }
        try:
            done = xlsform_import(**said, seen=int(seen), now=timezone.now(), user=user)
        except Superseded:
            words = gettext("Another version was published meanwhile. This is what would change against it.")
            self.message_user(request, words, messages.WARNING)
            return self._import_page(request, form, xlsform_preview(**said), token)
        except BadTable as error:
            for line in error.lines:
                self.message_user(request, str(line), messages.ERROR)
            return self._import_page(request, form)
        return self._imported(request, done)

    def _import_form(self, request: HttpRequest, user: User, bound: bool = True) -> XlsformForm:
        form = XlsformForm(request.POST or None, request.FILES or None) if bound else XlsformForm()
        mine = [one.pk for one in access.elections(user, Verb.SETUP) if access.may_whole(user, Verb.SETUP, one)]
        form.fields["election"].queryset = Election.objects.filter(pk__in=mine)  # type: ignore[attr-defined]
        return form

    def _import_page(
        self, request: HttpRequest, form: XlsformForm, preview: Preview | None = None, token: str = ""
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": gettext("Import an XLSForm"),
            "opts": self.model._meta,
            "form": form,
            "preview": preview,
            "token": token,
            "changes": preview_rows(preview) if preview else [],
        }
        return render(request, "admin/checklist_import.html", context)

    def _imported(self, request: HttpRequest, done: Published) -> HttpResponse:
        for code in done.unchanged:
            self.message_user(request, gettext("%(code)s: already in force, nothing was changed.") % {"code": code})
        for version in done.new:
            told = {"code": version.checklist.code, "number": version.number}
            self.message_user(request, gettext("%(code)s: version %(number)d is published.") % told)
            return HttpResponseRedirect(reverse("admin:reports_checklistversion_change", args=[version.pk]))
        return HttpResponseRedirect(self.url("changelist"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What figures are made of stands from the first published version on."""
        if obj is None:
            return ()
        published = obj.versions.filter(published_at__isnull=False).exists()
        return ("election", "code", *(("stage", "place", "repeat") if published else ()))


@admin.register(ChecklistVersion)
class ChecklistVersionAdmin(Desk):
    """One wording. Published, it is read-only here and sealed in the database."""

    writing = deciding = Verb.SETUP
    list_display = ("checklist", "number", "published_at")
    list_select_related = ("checklist",)
    list_filter = ("checklist__election", "checklist__code")
    search_fields = ("=checklist__code",)
    autocomplete_fields = ("checklist",)
    fields = ("checklist", "number", "published_at", "content_hash", "as_xlsform", "on_paper", "left_to_phones")
    inlines = (SectionRows, QuestionRows)
    actions = ("publish",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        derived = ("published_at", "content_hash", "as_xlsform", "on_paper", "left_to_phones")
        return (*derived, *(("checklist", "number") if obj else ()))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.xlsform_view)
        return [path("<int:key>/xlsx/", view, name="reports_checklistversion_xlsx"), *super().get_urls()]

    def xlsform_view(self, request: HttpRequest, key: int) -> HttpResponse:
        rows = self.get_queryset(request).select_related("checklist__election")
        version = get_object_or_404(rows, pk=key)
        name = f"{version.checklist.code}-{version.number}.xlsx"
        return HttpResponse(
            xlsform_of(version=version, election=version.checklist.election),
            content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @admin.display(description=_("as an XLSForm"))
    def as_xlsform(self, version: ChecklistVersion) -> SafeString | str:
        if version.pk is None:
            return "—"
        address = reverse("admin:reports_checklistversion_xlsx", args=[version.pk])
        return format_html('<a href="{}">.xlsx</a>', address)

    @admin.display(description=_("on paper"))
    def on_paper(self, version: ChecklistVersion) -> SafeString | str:
        if version.published_at is None:
            return "—"
        election = version.checklist.election
        rows = [(reverse("desk:paper", args=[election.slug, version.pk, one]), one) for one in election.languages]
        return format_html_join(" · ", '<a href="{}">{}.pdf</a>', rows)

    @admin.display(description=_("what this server cannot check itself"))
    def left_to_phones(self, version: ChecklistVersion) -> SafeString | str:
        """Conditions beyond our own: the phone decided, and what it decided is stored."""
        rows = [
            (question.code, column, question.xlsform[column])
            for question in (version.questions.order_by("order") if version.pk else ())
            for column in ("relevant", "required", "constraint")
            if question.xlsform and column in question.xlsform
        ]
        if not rows:
            return gettext("Nothing: it knows every condition.")
        listed = format_html_join("", "<tr><td>{}</td><td>{}</td><td><code>{}</code></td></tr>", rows)
        words = gettext("The phone judges these, and the server stores what it decided.")
        return format_html("<p>{}</p><table>{}</table>", words, listed)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    @admin.action(description=_("Publish: from now on it never changes"), permissions=["decide"])
    def publish(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        now = timezone.now()
        self.decide(request, rows, lambda one: version_publish(version=one, now=now, user=user), (Rejected,))


class OfAVersion(Desk):
    """A row of a version by itself: for looking up; edited on the version's page."""

    can_add = can_change = can_delete = False
    list_select_related = ("version__checklist",)
    list_filter = ("version__checklist__election", "version__checklist__code")
    search_fields = ("code",)

    @admin.display(description=_("version"))
    def of(self, row: Any) -> str:
        return f"{row.version.checklist.code} v{row.version.number}"


@admin.register(Question)
class QuestionAdmin(OfAVersion):
    list_display = ("code", "of", "order", "type", "__str__", "required", "violation_code")


@admin.register(Section)
class SectionAdmin(OfAVersion):
    list_display = ("code", "of", "order", "__str__")


@admin.register(ChecklistFile)
class ChecklistFileAdmin(OfAVersion):
    list_display = ("name", "of", "sha256")
    search_fields = ("name",)
    deferred = ("content",)
    fields = ("version", "name", "sha256")
