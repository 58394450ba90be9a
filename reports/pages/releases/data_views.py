"""Views of open data: the list of files, and the files."""

import json
import mimetypes
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from observer.words import get_translation
from reports.pages.http import languages
from reports.pages.http.formats import format_number
from reports.pages.http.links import make_absolute_url
from reports.pages.http.responses import RenderedPage, set_security_headers
from reports.pages.places.context import build_election_context, build_page_switch, render_election_page
from reports.pages.places.source_choice import PageSource, serve_release_page
from reports.services.publishing.packages import LICENCE, ensure_package, open_package_file, read_package_descriptor
from reports.services.publishing.published_releases import find_published_election
from reports.services.publishing.sources import ReleaseFigures

IMMUTABLE_CACHE_CONTROL = "public, max-age=31536000, immutable"


@require_safe
def show_data(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    return serve_release_page(request, language, slug, number, _build_page)


@require_safe
def download_data_file(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponseBase:
    """Serve a file of a release's package.

    The package itself is `package.zip`.
    """
    election = find_published_election(slug)
    release = election.find_release(number, timezone.now()) if election else None
    if election is None or release is None:
        raise Http404
    figures = ReleaseFigures(election, release)
    etag = f'"{release.digest[:32]}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        response: HttpResponseBase = unchanged
    elif name == "package.zip":
        path = ensure_package(figures)
        response = FileResponse(path.open("rb"), content_type="application/zip")
    else:
        response = _stream_package_file(figures, name)
    if response.status_code == 200:
        response["Content-Disposition"] = f'inline; filename="{slug}-{number}-{name}"'
    set_security_headers(response)
    response["ETag"] = etag
    response["Cache-Control"] = IMMUTABLE_CACHE_CONTROL
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _stream_package_file(figures: ReleaseFigures, name: str) -> HttpResponseBase:
    found = open_package_file(figures, name)
    if found is None:
        raise Http404
    size, pieces = found
    kind = {"geojson": "application/geo+json", "md": "text/markdown"}.get(
        name.rpartition(".")[2], mimetypes.guess_type(name)[0] or "application/octet-stream"
    )
    response = StreamingHttpResponse(pieces, content_type=kind if kind.endswith("json") else f"{kind}; charset=utf-8")
    response["Content-Length"] = str(size)
    return response


def _build_page(source: PageSource) -> RenderedPage:
    figures, release = source.figures, source.release
    assert isinstance(figures, ReleaseFigures) and release is not None
    descriptor = read_package_descriptor(figures)
    with languages.override_language(source.language):
        context = build_election_context(source) | {
            "files": [
                {
                    "name": one["path"],
                    "title": one.get("title", ""),
                    "size": format_number(max(1, round(one["bytes"] / 1000)), source.language),
                    "hash": one["hash"].removeprefix("sha256:"),
                    "url": source.links.get_data_file_url(one["path"], release.number),
                    "fields": one.get("schema", {}).get("fields", []),
                }
                for one in descriptor["resources"]
            ],
            "package": source.links.get_data_file_url("package.zip", release.number),
            "package_size": format_number(
                max(1, round(ensure_package(figures).stat().st_size / 1000)), source.language
            ),
            "descriptor": source.links.get_data_file_url("datapackage.json", release.number),
            "licence": LICENCE,
            "dataset": build_dataset_jsonld(source, descriptor),
            "switch": build_page_switch(source, "data"),
        }
    return render_election_page(source, "public/data.html", context)


def build_dataset_jsonld(source: PageSource, descriptor: dict[str, Any]) -> str:
    """Build schema.org's `Dataset` in JSON-LD.

    Dataset search engines find a release by it.

    The text is safe within a script element.
    """
    release, language = source.release, source.language
    assert release is not None
    found = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": f"{get_translation(source.election.names, language, source.language_order)} · {release.number}",
        "description": descriptor["description"],
        "url": make_absolute_url(source.links.for_release(release.number).get_page_url("data")),
        "identifier": release.digest,
        "version": str(release.number),
        "license": LICENCE["path"],
        "datePublished": release.public_since.isoformat(),
        "temporalCoverage": source.election.date,
        "inLanguage": list(source.language_order),
        "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": "Baqylau"},
        "distribution": [
            {
                "@type": "DataDownload",
                "name": one["path"],
                "encodingFormat": one["mediatype"],
                "contentUrl": make_absolute_url(source.links.get_data_file_url(one["path"], release.number)),
                "sha256": one["hash"].removeprefix("sha256:"),
            }
            for one in descriptor["resources"]
        ],
    }
    return json.dumps(found, ensure_ascii=False).replace("<", "\\u003c")
