from django.contrib import admin

from observer.admin.base import ReadOnlyAdmin
from observer.models import Call


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """The call log.

    What the observer said is only on the station's page at the desk.
    """

    list_display = ("at", "user", "observer", "commission", "outcome", "call_again_at")
    list_select_related = ("user", "observer", "commission")
    list_filter = ("election", "outcome")
    search_fields = ("=observer__code", "=commission__code")
    fields = ("election", "commission", "observer", "user", "at", "outcome", "recorded_at", "call_again_at")
    deferred_fields = ("said",)
