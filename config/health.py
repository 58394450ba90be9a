"""Health checks and metrics for supervisors, load balancers and Prometheus.

`/healthz` uses nothing but the process. `/readyz` is 503 when reports could not be stored, and only then: late
figures are named in its answer, but phones can still send. `/metrics` reads everything from the database, so that
it is right whichever process answers.
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

from reports.services.operations.health import PlatformMetrics, check_readiness, collect_metrics


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    state = check_readiness(now=timezone.now())
    body = {"ready": state.is_ready, "checks": state.checks, "figures": {"late": state.figures_late}}
    return JsonResponse(body, status=200 if state.is_ready else 503)


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read_metrics(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(_MetricsCollector(collect_metrics(now=timezone.now())))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _MetricsCollector:
    """Gives the platform's numbers to Prometheus."""

    def __init__(self, counts: PlatformMetrics) -> None:
        self.counts = counts

    def collect(self) -> Iterable[Metric]:
        counts = self.counts
        yield CounterMetricFamily(
            "baqylau_reports_accepted", "Reports stored since the beginning", value=counts.accepted
        )
        states = GaugeMetricFamily("baqylau_reports", "Stored reports, by how the desk has decided", labels=["state"])
        for state, count in counts.states.items():
            states.add_metric([state], count)
        yield states
        refused = CounterMetricFamily(
            "baqylau_reports_refused",
            "Bodies kept but not stored as reports; what was turned away unread is in the proxy's log",
            labels=["code"],
        )
        for code, count in counts.refused.items():
            refused.add_metric([code], count)
        yield refused
        help_text = "Bodies refused and not kept, because their device's quota was full; the admin tells which"
        yield CounterMetricFamily("baqylau_refused_unkept", help_text, value=counts.unkept)
        evidence = GaugeMetricFamily("baqylau_evidence_files", "Files announced, by what has arrived", labels=["state"])
        for state, count in counts.evidence.items():
            evidence.add_metric([state], count)
        yield evidence
        for name, help_text, value in (
            ("due_rows", "Commissions' figures waiting to be recomputed", counts.due_rows),
            ("due_oldest_seconds", "Age of the oldest of them", counts.due_oldest_seconds),
            ("evidence_unprocessed", "Stored files not yet verified", counts.evidence_unprocessed),
            ("evidence_unprocessed_oldest_seconds", "Age of the oldest of them", counts.evidence_unprocessed_oldest),
            ("disk_free_bytes", "Free space where the data lie", counts.disk_free),
        ):
            yield GaugeMetricFamily(f"baqylau_{name}", help_text, value=value)


def _may_read_metrics(request: HttpRequest) -> bool:
    """Whether the client may read /metrics.

    With METRICS_TOKEN: whoever sends it as bearer token. Without: clients on this machine (embedded) or in a
    trusted proxy's network. ForwardedHeadersMiddleware has put the client's own address in place of a proxy's, so a
    request that came from outside through a trusted proxy is from outside here too.
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
