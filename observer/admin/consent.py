from django.contrib import admin

from observer.admin.device import ObserverDataAdmin
from observer.models import Consent


@admin.register(Consent)
class ConsentAdmin(ObserverDataAdmin):
    """Consents to the codes of conduct.

    Only observers themselves give them, on their phones.
    """

    list_display = ("observer", "election", "version", "at", "asked_at")
    list_filter = ("election",)
    fields = ("observer", "election", "version", "at", "asked_at")
