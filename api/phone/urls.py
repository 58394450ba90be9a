"""The addresses of the phone client. All lie below one folder, the scope of its service worker."""

from django.urls import path, re_path

from api.phone import views

app_name = "phone"
urlpatterns = [
    path("", views.shell, name="shell"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("sw.js", views.worker, name="worker"),
    re_path(r"^words/(?P<language>[a-z]{2})\.json\Z", views.words, name="words"),
    re_path(r"^files/(?P<name>[\w./\-]{1,200})\Z", views.file, name="file"),
]
