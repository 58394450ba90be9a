"""Addresses of the public pages. The language comes first, so that a link carries it."""

from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from reports.pages import languages, photos, views


class LanguageConverter(StringConverter):
    regex = languages.PATTERN


class CodeConverter(StringConverter):
    regex = r"[\w.\-]{1,60}"


register_converter(LanguageConverter, "language")
register_converter(CodeConverter, "code")

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    re_path(r"^photos/(?P<name>[0-9a-f]{2}/[0-9]{1,18}-[0-9a-f]{32}\.jpg)\Z", photos.photo, name="photo"),
    path("<language:language>/", views.elections, name="elections"),
    path("<language:language>/<slug:slug>/", views.election, name="election"),
    path("<language:language>/<slug:slug>/<code:code>/", views.commission, name="commission"),
]
