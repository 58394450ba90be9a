"""A bare Django view that stores a report with the least work.

It is the baseline for the intake. It looks up a token and a place and inserts a report and two violations in one
transaction, into tables of its own. It checks nothing, stores no body and recognises no duplicate. `--only
bare,single` prints both in one run.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

django.setup()

from django.db import connection, models, transaction  # noqa: E402

from observer.models import Commission, Device, Observer  # noqa: E402
from observer.services.devices.enrolment import hash_token  # noqa: E402


class BareReport(models.Model):  # noqa: DJ008
    uuid = models.UUIDField(unique=True)
    commission = models.ForeignKey(Commission, on_delete=models.PROTECT, related_name="+")
    observer = models.ForeignKey(Observer, on_delete=models.PROTECT, related_name="+")
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    answers = models.JSONField()

    class Meta:
        app_label = "benchmarks"
        managed = False


class BareViolation(models.Model):  # noqa: DJ008
    report = models.ForeignKey(BareReport, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)

    class Meta:
        app_label = "benchmarks"
        managed = False


@contextmanager
def create_tables() -> Iterator[None]:
    """Creates the tables; drops them at the end."""
    with connection.schema_editor() as editor:
        editor.create_model(BareReport)
        editor.create_model(BareViolation)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(BareViolation)
        editor.delete_model(BareReport)


def insert_report(request: HttpRequest) -> HttpResponse:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    document: dict[str, Any] = json.loads(request.body)
    device = Device.objects.only("observer_id", "election_id").get(token_hash=hash_token(token))
    station = Commission.objects.only("pk").get(election_id=device.election_id, code=document["commission"])
    with transaction.atomic():
        report = BareReport.objects.create(
            uuid=UUID(document["id"]),
            commission_id=station.pk,
            observer_id=device.observer_id,
            observed_at=document["observed_at"],
            answers=document["answers"],
        )
        BareViolation.objects.bulk_create([BareViolation(report=report, code=code) for code in ("one", "two")])
    body = json.dumps({"id": document["id"]}).encode()
    return HttpResponse(body, status=201, headers={"Content-Length": str(len(body))})


urlpatterns = [path("api/v1/reports", insert_report)]


def application(environ: dict[str, Any], start_response: Any) -> Any:
    return _make_handler()(environ, start_response)


@cache
def _make_handler() -> WSGIHandler:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    return WSGIHandler()
