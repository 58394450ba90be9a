"""The Celery application of a full deployment. Embedded, no task ever reaches it: a thread does the work."""

import os

from celery import Celery
from celery.signals import beat_init, celeryd_init

from config import process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("baqylau")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread: the current application is otherwise known to this one only
app.autodiscover_tasks(["reports"])


@celeryd_init.connect
@beat_init.connect
def begin(**_told: object) -> None:
    """Only in a worker or beat: this module is loaded by every process."""
    process.begin()
