from django.contrib import admin

from observer.admin.base import ReadOnlyAdmin
from reports.models import Import


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    """The uploaded lists, without their content.

    Only the uploader sees the content, on the desk's page.
    """

    deferred_fields = ("file", "table", "lines")
    list_display = ("__str__", "election", "user", "kind", "uploaded_at", "expires_at", "done_at")
    list_select_related = ("election", "user")
    list_filter = ("kind",)
    exclude = ("file", "table", "lines", "codes")
