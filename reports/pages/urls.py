"""URLs of the public pages.

They begin with the language, so that a link keeps it.

A page with figures has two URLs: the election's, which always shows the current figures, and the one of each
release, which is permanent. Names of pages come before codes of commissions, which would match them too.
"""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import IntConverter, StringConverter

from reports.pages.http import languages
from reports.pages.places import photos, views
from reports.pages.releases import data_views, release_views, share_images, statement_views


class LanguageConverter(StringConverter):
    regex = languages.LANGUAGE_PATTERN


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
ELECTION_PREFIX = "<language:language>/<slug:slug>/"


def build_election_and_release_paths(address: str, view: Callable[..., Any], name: str) -> list[URLPattern]:
    """Build both URL patterns of a view.

    One is for a numbered release, the other for the election's current figures.
    """
    return [
        path(f"{ELECTION_PREFIX}releases/<release:number>/{address}", view, name=f"release-{name}"),
        path(f"{ELECTION_PREFIX}{address}", view, name=name),
    ]


urlpatterns = [
    path("", views.redirect_home, name="home"),
    path("robots.txt", views.show_robots, name="robots"),
    re_path(r"^photos/(?P<name>[0-9a-f]{2}/[0-9]{1,18}-[0-9a-f]{32}\.jpg)\Z", photos.serve_photo, name="photo"),
    path("<language:language>/", views.show_elections, name="elections"),
    path("data/<slug:slug>/<release:number>/<file:name>", data_views.download_data_file, name="data-file"),
    path(f"{ELECTION_PREFIX}releases/", release_views.show_releases, name="releases"),
    path(
        f"{ELECTION_PREFIX}releases/<release:number>/statement.docx",
        statement_views.download_statement,
        name="release-document",
    ),
    *build_election_and_release_paths("search/", release_views.show_search, "search"),
    *build_election_and_release_paths("method/", release_views.show_method, "method"),
    *build_election_and_release_paths("data/", data_views.show_data, "data"),
    *build_election_and_release_paths("statement/", statement_views.show_statement, "statement"),
    *build_election_and_release_paths("", views.show_commission, "election"),
    *build_election_and_release_paths("<code:code>/", views.show_commission, "commission"),
    *build_election_and_release_paths("<code:code>/share.png", share_images.show_share_image, "share"),
    *build_election_and_release_paths("<code:code>/<code:stage>/<question:question>/", views.show_finding, "finding"),
]
