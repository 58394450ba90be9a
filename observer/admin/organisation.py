from django.contrib import admin

from observer.admin.base import DeskAdmin
from observer.models import Organisation


@admin.register(Organisation)
class OrganisationAdmin(DeskAdmin):
    list_display = ("code", "__str__", "kind")
    list_filter = ("kind",)
    search_fields = ("code",)
