"""Settings, URLs and processes of the platform.

`celery` is imported here, so that every process publishes its tasks through the same Celery application.
"""

from config.celery import app as celery

__all__ = ["celery"]
