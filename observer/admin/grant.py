from django.contrib import admin

from observer.admin.base import DeskAdmin
from observer.models import Grant


@admin.register(Grant)
class GrantAdmin(DeskAdmin):
    list_display = ("user", "role", "commission", "organisation")
    list_select_related = ("user", "commission", "organisation")
    list_filter = ("role", "commission__election")
    search_fields = ("user__username", "commission__code")
    autocomplete_fields = ("user", "commission", "organisation")
