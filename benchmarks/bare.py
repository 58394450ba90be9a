"""What nobody could leave out of taking a report, as a bare Django view: the measure for the door on the machine at hand.

It looks up a token and a place and inserts a report and two violations in one transaction, into tables of its own.
It checks nothing, keeps no body and knows no report again. `--only bare,single` prints both, of one run.
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
from observer.services.devices.enrolment import token_hash  # noqa: E402


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
def tables() -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(BareReport)
        editor.create_model(BareViolation)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(BareViolation)
        editor.delete_model(BareReport)


def report_insert(request: HttpRequest) -> HttpResponse:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    said: dict[str, Any] = json.loads(request.body)
    device = Device.objects.only("observer_id", "election_id").get(token_hash=token_hash(token))
    place = Commission.objects.only("pk").get(election_id=device.election_id, code=said["commission"])
    with transaction.atomic():
        report = BareReport.objects.create(
            uuid=UUID(said["id"]),
            commission_id=place.pk,
            observer_id=device.observer_id,
            observed_at=said["observed_at"],
            answers=said["answers"],
        )
        BareViolation.objects.bulk_create([BareViolation(report=report, code=code) for code in ("one", "two")])
    body = json.dumps({"id": said["id"]}).encode()
    return HttpResponse(body, status=201, headers={"Content-Length": str(len(body))})


urlpatterns = [path("api/v1/reports", report_insert)]


def application(environ: dict[str, Any], start_response: Any) -> Any:
    return _bare()(environ, start_response)


@cache
def _bare() -> WSGIHandler:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    return WSGIHandler()
