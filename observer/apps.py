from django.apps import AppConfig


class ObserverConfig(AppConfig):
    name = "observer"
    verbose_name = "Who observes what, where"
