"""Wiring. Whatever process this is, the tasks it wakes are published through one Celery application."""

from config.celery import app as celery

__all__ = ["celery"]
