"""Addresses of the public pages. The language comes first, so that a link carries it.

What is about figures has two addresses: the election's, which goes on with time, and each release's
own, which stays for ever. Names of pages come before codes of commissions.
"""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import IntConverter, StringConverter

from reports.pages.http import languages
from reports.pages.places import photos, views
from reports.pages.releases import data_views, release_views, shares, statement_views


class LanguageConverter(StringConverter):
    regex = languages.PATTERN


class CodeConverter(StringConverter):
    regex = r"[\w.\-]{1,60}"


class QuestionConverter(StringConverter):
    regex = r"[\w.\-:]{1,100}"


class FileConverter(StringConverter):
    regex = r"[A-Za-z0-9][\w.\-]{0,80}"


class NumberConverter(IntConverter):
    regex = r"[1-9][0-9]{0,6}"


register_converter(LanguageConverter, "language")
register_converter(CodeConverter, "code")
register_converter(QuestionConverter, "question")
register_converter(FileConverter, "file")
register_converter(NumberConverter, "release")

app_name = "pages"
HERE = "<language:language>/<slug:slug>/"


def both(address: str, view: Callable[..., Any], name: str) -> list[URLPattern]:
    """The address of the figures as time goes on, and of each release."""
    return [
        path(f"{HERE}releases/<release:number>/{address}", view, name=f"release-{name}"),
        path(f"{HERE}{address}", view, name=name),
    ]


urlpatterns = [
    path("", views.home, name="home"),
    path("robots.txt", views.robots, name="robots"),
    re_path(r"^photos/(?P<name>[0-9a-f]{2}/[0-9]{1,18}-[0-9a-f]{32}\.jpg)\Z", photos.photo, name="photo"),
    path("<language:language>/", views.elections, name="elections"),
    path("data/<slug:slug>/<release:number>/<file:name>", data_views.data_file, name="data-file"),
    path(f"{HERE}releases/", release_views.releases, name="releases"),
    path(f"{HERE}releases/<release:number>/statement.docx", statement_views.document, name="release-document"),
    *both("search/", release_views.search, "search"),
    *both("method/", release_views.method, "method"),
    *both("data/", data_views.data, "data"),
    *both("statement/", statement_views.statement, "statement"),
    *both("", views.commission, "election"),
    *both("<code:code>/", views.commission, "commission"),
    *both("<code:code>/share.png", shares.share, "share"),
    *both("<code:code>/<code:stage>/<question:question>/", views.finding, "finding"),
]
