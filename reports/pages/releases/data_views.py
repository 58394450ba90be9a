"""Open data: the page that lists a release's files, and the files."""

import json
import mimetypes
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from observer.words import in_language
from reports.pages.http import languages
from reports.pages.http.formats import number
from reports.pages.http.links import absolute
from reports.pages.http.responses import Rendered, harden
from reports.pages.places.context import election_context, rendered, switch_to
from reports.pages.places.source_choice import Opened, release_page
from reports.services.publishing.packages import LICENCE, package_descriptor, package_member, package_path
from reports.services.publishing.published_releases import stand_of
from reports.services.publishing.sources import Released

FOREVER = "public, max-age=31536000, immutable"


@require_safe
def data(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    return release_page(request, language, slug, number, _page)


@require_safe
def data_file(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponseBase:
    """A file of a release's package, or the package itself as `package.zip`."""
    stand = stand_of(slug)
    edition = stand.edition(number, timezone.now()) if stand else None
    if stand is None or edition is None:
        raise Http404
    figures = Released(stand, edition)
    etag = f'"{edition.digest[:32]}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        response: HttpResponseBase = unchanged
    elif name == "package.zip":
        path = package_path(figures)
        response = FileResponse(path.open("rb"), content_type="application/zip")
    else:
        response = _member(figures, name)
    if response.status_code == 200:
        response["Content-Disposition"] = f'inline; filename="{slug}-{number}-{name}"'
    harden(response)
    response["ETag"] = etag
    response["Cache-Control"] = FOREVER
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _member(figures: Released, name: str) -> HttpResponseBase:
    found = package_member(figures, name)
    if found is None:
        raise Http404
    size, pieces = found
    kind = {"geojson": "application/geo+json", "md": "text/markdown"}.get(
        name.rpartition(".")[2], mimetypes.guess_type(name)[0] or "application/octet-stream"
    )
    response = StreamingHttpResponse(pieces, content_type=kind if kind.endswith("json") else f"{kind}; charset=utf-8")
    response["Content-Length"] = str(size)
    return response


def _page(opened: Opened) -> Rendered:
    figures, edition = opened.figures, opened.edition
    assert isinstance(figures, Released) and edition is not None
    descriptor = package_descriptor(figures)
    with languages.speaking(opened.language):
        context = election_context(opened) | {
            "files": [
                {
                    "name": one["path"],
                    "title": one.get("title", ""),
                    "size": number(max(1, round(one["bytes"] / 1000)), opened.language),
                    "hash": one["hash"].removeprefix("sha256:"),
                    "url": opened.links.file(one["path"], edition.number),
                    "fields": one.get("schema", {}).get("fields", []),
                }
                for one in descriptor["resources"]
            ],
            "package": opened.links.file("package.zip", edition.number),
            "package_size": number(max(1, round(package_path(figures).stat().st_size / 1000)), opened.language),
            "descriptor": opened.links.file("datapackage.json", edition.number),
            "licence": LICENCE,
            "dataset": dataset(opened, descriptor),
            "switch": switch_to(opened, "data"),
        }
    return rendered(opened, "public/data.html", context)


def dataset(opened: Opened, descriptor: dict[str, Any]) -> str:
    """schema.org's `Dataset` in JSON-LD: how search engines for data learn of a release. Safe within a script element."""
    edition, language = opened.edition, opened.language
    assert edition is not None
    found = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": f"{in_language(opened.stand.names, language, opened.order)} · {edition.number}",
        "description": descriptor["description"],
        "url": absolute(opened.links.release(edition.number).page("data")),
        "identifier": edition.digest,
        "version": str(edition.number),
        "license": LICENCE["path"],
        "datePublished": edition.since.isoformat(),
        "temporalCoverage": opened.stand.date,
        "inLanguage": list(opened.order),
        "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": "Baqylau"},
        "distribution": [
            {
                "@type": "DataDownload",
                "name": one["path"],
                "encodingFormat": one["mediatype"],
                "contentUrl": absolute(opened.links.file(one["path"], edition.number)),
                "sha256": one["hash"].removeprefix("sha256:"),
            }
            for one in descriptor["resources"]
        ],
    }
    return json.dumps(found, ensure_ascii=False).replace("<", "\\u003c")
