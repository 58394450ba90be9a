from django.contrib import admin

from observer.admin.device import OfAnObserver
from observer.models import Consent


@admin.register(Consent)
class ConsentAdmin(OfAnObserver):
    """Who accepted the code of conduct of which election: given on their phone, by nobody else."""

    list_display = ("observer", "election", "version", "at", "asked_at")
    list_filter = ("election",)
    fields = ("observer", "election", "version", "at", "asked_at")
