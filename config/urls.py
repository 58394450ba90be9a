"""URLs of the whole site."""

from django.contrib import admin
from django.urls import include, path

import reports.desk
from config import health

assert reports.desk  # must be imported before the desk's URLs, because its pages register themselves

urlpatterns = [
    path("api/openrosa/", include("api.openrosa.urls")),
    path("api/", include("api.rest.urls")),
    path("relay/", include("api.rest.relay_urls")),
    path("phone/", include("api.phone.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
    path("desk/", include("observer.desk.urls")),
    path("", include("reports.pages.urls")),
]
handler400 = "api.rest.problems.bad_request"
handler404 = "reports.pages.http.errors.not_found"
handler500 = "api.rest.problems.server_error"
