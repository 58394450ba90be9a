"""URLs of the phone client, all below one folder.

The scope of its service worker.
"""

from django.urls import path, re_path

from api.phone import views

app_name = "phone"
urlpatterns = [
    path("", views.app_shell, name="shell"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("sw.js", views.service_worker, name="worker"),
    re_path(r"^words/(?P<language>[a-z]{2})\.json\Z", views.translations, name="words"),
    re_path(r"^files/(?P<name>[\w./\-]{1,200})\Z", views.client_file, name="file"),
]
