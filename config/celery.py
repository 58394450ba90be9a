"""The Celery application of a full deployment.

An embedded deployment does not use it: there a thread does the work.
"""

import os

from celery import Celery
from celery.signals import beat_init, celeryd_init

from config import process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("baqylau")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread: otherwise only this one knows the current application
app.autodiscover_tasks(["reports"])


@celeryd_init.connect
@beat_init.connect
def prepare_celery_process(**_kwargs: object) -> None:
    """Prepares a worker or beat process.

    Every other process loads this module too.
    """
    process.prepare_process()
