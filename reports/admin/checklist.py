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

from observer.admin.base import DeskAdmin, ReadOnlyInline, TabularInline, TranslatedFieldsMixin
from observer.models import Election, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.spreadsheets.tables import BadTable
from reports.admin.checklist_preview import build_preview_rows
from reports.models import Checklist, ChecklistFile, ChecklistVersion, Question, Section
from reports.problems import Rejected
from reports.services.checklists.diff import ChecklistPreview, preview_xlsform
from reports.services.checklists.pending_upload import PendingUpload, find_pending_upload, store_pending_upload
from reports.services.checklists.publishing import ImportResult, StaleVersion, import_xlsform, publish_version
from reports.services.checklists.xlsform.media import MAX_TOTAL_BYTES
from reports.services.checklists.xlsform.workbook import MAX_WORKBOOK_BYTES
from reports.services.checklists.xlsform.write import write_xlsform


class MultipleFileInput(forms.FileInput):
    """A file input that accepts several files."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name)


class MultipleFileField(forms.FileField):
    """A form field for several files. Its cleaned value is a list."""

    widget = MultipleFileInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(MultipleFileField, self).clean(one) for one in data]


class DraftInline(TranslatedFieldsMixin, TabularInline):
    """Rows of a checklist version. They can be edited until the version is published, then only read."""

    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None or obj.published_at is not None:
            return obj is None and access.has_permission(request.user, Permission.SETUP)
        return access.get_permitted_rows(request.user, ChecklistVersion, Permission.SETUP).filter(pk=obj.pk).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class SectionInline(DraftInline):
    model = Section


class QuestionInline(DraftInline):
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


class XlsformUploadForm(forms.Form):
    election = forms.ModelChoiceField(Election.objects.none(), label=_("Election"))
    file = forms.FileField(label=_("XLSForm (.xlsx)"))
    shown = MultipleFileField(
        label=_("Pictures and sounds that it shows"), required=False, widget=MultipleFileInput(attrs={"multiple": True})
    )


class VersionInline(ReadOnlyInline):
    model = ChecklistVersion
    fields = readonly_fields = ("number", "published_at")


@admin.register(Checklist)
class ChecklistAdmin(DeskAdmin):
    edit_permission = Permission.SETUP
    can_delete = False
    list_display = ("code", "__str__", "election", "stage", "place", "repeat", "order")
    list_select_related = ("election",)
    list_filter = ("election", "stage")
    search_fields = ("code",)
    autocomplete_fields = ("election",)
    inlines = (VersionInline,)
    change_list_template = "admin/checklist_list.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="reports_checklist_import"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        extra = {"may_import": access.has_election_wide_permission(request.user, Permission.SETUP)} | (
            extra_context or {}
        )
        return super().changelist_view(request, extra)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Imports an XLSForm, in two steps.

        First it shows the form's errors or a preview of its changes; then it publishes the form as a new version.
        """
        if not access.has_election_wide_permission(request.user, Permission.SETUP):
            raise PermissionDenied
        user = cast(User, request.user)
        if "publish" in request.POST:
            return self._publish_preview(request, user)
        form = self._build_import_form(request, user)
        preview, token = None, ""
        if form.is_valid():
            workbook, media = form.cleaned_data["file"], form.cleaned_data["shown"]
            if workbook.size > MAX_WORKBOOK_BYTES or sum(one.size or 0 for one in media) > MAX_TOTAL_BYTES:
                form.add_error("file", gettext("These files are too large."))
            else:
                upload = PendingUpload(
                    form.cleaned_data["election"],
                    workbook.name,
                    workbook.read(),
                    {str(one.name): one.read() for one in media},
                )
                try:
                    preview = preview_xlsform(
                        election=upload.election, source=upload.source, file=upload.name, files=upload.files
                    )
                    token = store_pending_upload(user=user, upload=upload)
                except BadTable as error:
                    for line in error.lines:
                        form.add_error("file", str(line))
        return self._render_import_page(request, form, preview, token)

    def _publish_preview(self, request: HttpRequest, user: User) -> HttpResponse:
        """Publishes exactly the file that was previewed, unless another version was published since."""
        token, seen = request.POST["publish"], request.POST.get("seen", "")
        upload = find_pending_upload(user=user, token=token)
        form = self._build_import_form(request, user, bound=False)
        may_import = upload is not None and access.has_election_wide_permission(user, Permission.SETUP, upload.election)
        if upload is None or not may_import or not (seen.isascii() and seen.isdecimal()):
            self.message_user(request, gettext("The file is not here any more: choose it once again."), messages.ERROR)
            return self._render_import_page(request, form)
        form_file: dict[str, Any] = {
            "election": upload.election,
            "source": upload.source,
            "file": upload.name,
            "files": upload.files,
        }
        try:
            result = import_xlsform(**form_file, compared_version_id=int(seen), now=timezone.now(), user=user)
        except StaleVersion:
            message = gettext("Another version was published meanwhile. This is what would change against it.")
            self.message_user(request, message, messages.WARNING)
            return self._render_import_page(request, form, preview_xlsform(**form_file), token)
        except BadTable as error:
            for line in error.lines:
                self.message_user(request, str(line), messages.ERROR)
            return self._render_import_page(request, form)
        return self._redirect_after_import(request, result)

    def _build_import_form(self, request: HttpRequest, user: User, bound: bool = True) -> XlsformUploadForm:
        form = XlsformUploadForm(request.POST or None, request.FILES or None) if bound else XlsformUploadForm()
        election_ids = [
            one.pk
            for one in access.get_elections(user, Permission.SETUP)
            if access.has_election_wide_permission(user, Permission.SETUP, one)
        ]
        form.fields["election"].queryset = Election.objects.filter(pk__in=election_ids)  # type: ignore[attr-defined]
        return form

    def _render_import_page(
        self, request: HttpRequest, form: XlsformUploadForm, preview: ChecklistPreview | None = None, token: str = ""
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": gettext("Import an XLSForm"),
            "opts": self.model._meta,
            "form": form,
            "preview": preview,
            "token": token,
            "changes": build_preview_rows(preview) if preview else [],
        }
        return render(request, "admin/checklist_import.html", context)

    def _redirect_after_import(self, request: HttpRequest, result: ImportResult) -> HttpResponse:
        for code in result.unchanged:
            self.message_user(request, gettext("%(code)s: already in force, nothing was changed.") % {"code": code})
        for version in result.new:
            details = {"code": version.checklist.code, "number": version.number}
            self.message_user(request, gettext("%(code)s: version %(number)d is published.") % details)
            return HttpResponseRedirect(reverse("admin:reports_checklistversion_change", args=[version.pk]))
        return HttpResponseRedirect(self.url("changelist"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Fields that figures depend on are read-only once a version is published."""
        if obj is None:
            return ()
        published = obj.versions.filter(published_at__isnull=False).exists()
        return ("election", "code", *(("stage", "place", "repeat") if published else ()))


@admin.register(ChecklistVersion)
class ChecklistVersionAdmin(DeskAdmin):
    """One version of a checklist. Once published it is read-only here and locked in the database."""

    edit_permission = deciding = Permission.SETUP
    list_display = ("checklist", "number", "published_at")
    list_select_related = ("checklist",)
    list_filter = ("checklist__election", "checklist__code")
    search_fields = ("=checklist__code",)
    autocomplete_fields = ("checklist",)
    fields = (
        "checklist",
        "number",
        "published_at",
        "content_hash",
        "xlsform_link",
        "pdf_links",
        "unchecked_conditions",
    )
    inlines = (SectionInline, QuestionInline)
    actions = ("publish",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        derived = ("published_at", "content_hash", "xlsform_link", "pdf_links", "unchecked_conditions")
        return (*derived, *(("checklist", "number") if obj else ()))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.xlsform_view)
        return [path("<int:key>/xlsx/", view, name="reports_checklistversion_xlsx"), *super().get_urls()]

    def xlsform_view(self, request: HttpRequest, key: int) -> HttpResponse:
        rows = self.get_queryset(request).select_related("checklist__election")
        version = get_object_or_404(rows, pk=key)
        name = f"{version.checklist.code}-{version.number}.xlsx"
        return HttpResponse(
            write_xlsform(version=version, election=version.checklist.election),
            content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @admin.display(description=_("as an XLSForm"))
    def xlsform_link(self, version: ChecklistVersion) -> SafeString | str:
        if version.pk is None:
            return "—"
        address = reverse("admin:reports_checklistversion_xlsx", args=[version.pk])
        return format_html('<a href="{}">.xlsx</a>', address)

    @admin.display(description=_("on paper"))
    def pdf_links(self, version: ChecklistVersion) -> SafeString | str:
        if version.published_at is None:
            return "—"
        election = version.checklist.election
        rows = [(reverse("desk:paper", args=[election.slug, version.pk, one]), one) for one in election.languages]
        return format_html_join(" · ", '<a href="{}">{}.pdf</a>', rows)

    @admin.display(description=_("what this server cannot check itself"))
    def unchecked_conditions(self, version: ChecklistVersion) -> SafeString | str:
        """XLSForm conditions that the server cannot evaluate.

        The phone evaluates them, and the server stores its result.
        """
        rows = [
            (question.code, column, question.xlsform[column])
            for question in (version.questions.order_by("order") if version.pk else ())
            for column in ("relevant", "required", "constraint")
            if question.xlsform and column in question.xlsform
        ]
        if not rows:
            return gettext("Nothing: it knows every condition.")
        table_rows = format_html_join("", "<tr><td>{}</td><td>{}</td><td><code>{}</code></td></tr>", rows)
        explanation = gettext("The phone judges these, and the server stores what it decided.")
        return format_html("<p>{}</p><table>{}</table>", explanation, table_rows)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    @admin.action(description=_("Publish: from now on it never changes"), permissions=["decide"])
    def publish(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        now = timezone.now()
        self.run_for_each(request, rows, lambda one: publish_version(version=one, now=now, user=user), (Rejected,))


class VersionPartAdmin(DeskAdmin):
    """Base for parts of a checklist version.

    They are listed here to be found, and edited on the version's page.
    """

    can_add = can_change = can_delete = False
    list_select_related = ("version__checklist",)
    list_filter = ("version__checklist__election", "version__checklist__code")
    search_fields = ("code",)

    @admin.display(description=_("version"))
    def version_label(self, row: Any) -> str:
        return f"{row.version.checklist.code} v{row.version.number}"


@admin.register(Question)
class QuestionAdmin(VersionPartAdmin):
    list_display = ("code", "version_label", "order", "type", "__str__", "required", "violation_code")


@admin.register(Section)
class SectionAdmin(VersionPartAdmin):
    list_display = ("code", "version_label", "order", "__str__")


@admin.register(ChecklistFile)
class ChecklistFileAdmin(VersionPartAdmin):
    list_display = ("name", "version_label", "sha256")
    search_fields = ("name",)
    deferred_fields = ("content",)
    fields = ("version", "name", "sha256")
