"""What a supervisor, a balancer and Prometheus ask: is it alive, is it ready, what do the numbers say.

`/healthz` touches nothing but the process. `/readyz` is 503 when reports could not be stored, and only
then: late figures are named in its answer but do not take the door away from phones. `/metrics` reads
everything from the database, so that it is right whichever process answers.
"""

import hmac
import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from reports.services.operations.health import Numbers, numbers, readiness


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    state = readiness(now=timezone.now())
    body = {"ready": state.ready, "checks": state.checks, "figures": {"late": state.figures_late}}
    return JsonResponse(body, status=200 if state.ready else 503)


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(_Rows(numbers(now=timezone.now())))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Rows:
    """The numbers in the words of Prometheus."""

    def __init__(self, now: Numbers) -> None:
        self.now = now

    def collect(self) -> Iterable[Metric]:
        now = self.now
        yield CounterMetricFamily("baqylau_reports_accepted", "Reports stored since the beginning", value=now.accepted)
        states = GaugeMetricFamily("baqylau_reports", "Stored reports, by how the desk has decided", labels=["state"])
        for state, count in now.states.items():
            states.add_metric([state], count)
        yield states
        refused = CounterMetricFamily(
            "baqylau_reports_refused",
            "Bodies kept but not stored as reports; what was turned away unread is in the proxy's log",
            labels=["code"],
        )
        for code, count in now.refused.items():
            refused.add_metric([code], count)
        yield refused
        words = "Bodies refused and not kept, because their device's quota was full; the admin tells which"
        yield CounterMetricFamily("baqylau_refused_unkept", words, value=now.unkept)
        evidence = GaugeMetricFamily("baqylau_evidence_files", "Files announced, by what has arrived", labels=["state"])
        for state, count in now.evidence.items():
            evidence.add_metric([state], count)
        yield evidence
        for name, words, value in (
            ("due_rows", "Commissions' figures waiting to be recomputed", now.due_rows),
            ("due_oldest_seconds", "Age of the oldest of them", now.due_oldest),
            ("evidence_unprocessed", "Stored files not yet verified", now.evidence_unprocessed),
            ("evidence_unprocessed_oldest_seconds", "Age of the oldest of them", now.evidence_unprocessed_oldest),
            ("disk_free_bytes", "Free space where the data lie", now.disk_free),
        ):
            yield GaugeMetricFamily(f"baqylau_{name}", words, value=value)


def _may_read(request: HttpRequest) -> bool:
    """With METRICS_TOKEN its bearer; without, whoever asks from the machine (embedded) or a trusted proxy's network.

    ForwardedHeaders has put the caller's own address in place of a proxy's, so what came from
    outside through a trusted proxy is from outside here too.
    """
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    if settings.EMBEDDED:
        return address.is_loopback
    return any(address in ipaddress.ip_network(net, strict=False) for net in settings.TRUSTED_PROXIES)
