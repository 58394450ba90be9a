from django.contrib import admin

from observer.admin.base import ReadOnly
from reports.models import Import


@admin.register(Import)
class ImportAdmin(ReadOnly):
    """That lists were uploaded, never what is in them: only who uploaded one sees that, at the desk."""

    deferred = ("file", "table", "lines")
    list_display = ("__str__", "election", "user", "kind", "uploaded_at", "expires_at", "done_at")
    list_select_related = ("election", "user")
    list_filter = ("kind",)
    exclude = ("file", "table", "lines", "codes")
