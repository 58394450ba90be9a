from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ObserverConfig(AppConfig):
    name = "observer"
    verbose_name = _("Who observes what, where")
