"""Export of a release as a static site.

Each page is requested from its own view, and its links are made relative. Links to what needs a server are
replaced: the search by the front page, the API by `figures.json`.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve

from reports.services.publishing.packages import list_package_files
from reports.services.publishing.published_releases import PublishedElection, PublishedRelease
from reports.services.publishing.sources import ReleaseFigures

_LINK = re.compile(r'(href|src|action)="(/[^"]*)"')
ASSET_NAMES = ("css/baqylau.css", "img/icon.svg")


class PageMissing(Exception):
    """A page or file of the site does not exist."""


def write_site(*, folder: Path, election: PublishedElection, release: PublishedRelease, with_stations: bool) -> int:
    """Write the site to `folder` and return the number of files.

    `with_stations`: whether to write a page for each polling station.
    """
    site = _SiteWriter(folder, election, release)
    for address in _list_addresses(site, with_stations):
        site.write_page(address)
    for name in [*list_package_files(site.figures), "package.zip"]:
        site.write_file(f"/data/{election.slug}/{release.number}/{name}")
    for name in ASSET_NAMES:
        site.write_asset(name)
    for name in sorted(site.photos):
        source = settings.PUBLIC_DIR / name
        if source.is_file():
            site.write_bytes(f"photos/{name}", source.read_bytes())
    first = election.languages[0] if election.languages else "en"
    site.write_front_page(f"{first}/{election.slug}/releases/{release.number}/index.html")
    return site.file_count


def _list_addresses(site: "_SiteWriter", with_stations: bool) -> Iterator[str]:
    """List the addresses of all pages, in every language.

    It also collects the photos in `site.photos`.
    """
    findings = [
        (stage["code"], asked["code"])
        for stage in site.figures.load_codebook()["stages"]
        for asked in stage["questions"]
        if asked["findings"] or asked["type"] == "rating"
    ]
    for code, part in site.figures.read_places():
        photos = part.get("photos") or (part.get("station") or {}).get("photos") or []
        site.photos.update(name for photo in photos for name in photo if name)
        for language in site.languages:
            start = f"/{language}/{site.election.slug}/releases/{site.release.number}/"
            if "station" in part:
                if with_stations:
                    yield f"{start}{code}/"
                continue
            yield f"{start}{code}/"
            asked = {(stage, name) for stage, figures in part["stages"].items() for name in figures["questions"]}
            for stage, name in findings:
                if (stage, name) in asked:
                    yield f"{start}{code}/{stage}/{name}/"
    for language in site.languages:
        start = f"/{language}/{site.election.slug}/releases/{site.release.number}/"
        yield from (start, *(f"{start}{page}/" for page in ("method", "data", "statement")))
        yield f"{start}statement.docx"
        yield f"{start}{site.figures.get_root_code()}/share.png"


class _SiteWriter:
    """Writes the files of one site and counts them."""

    def __init__(self, folder: Path, election: PublishedElection, release: PublishedRelease) -> None:
        self.folder, self.election, self.release = folder, election, release
        self.figures = ReleaseFigures(election, release)
        self.languages = election.languages or tuple(code for code, _name in settings.LANGUAGES)
        self.photos: set[str] = set()
        self.file_count = 0

    def write_page(self, address: str) -> None:
        response = _request_page(address)
        body = bytes(getattr(response, "content", b""))
        if address.endswith("/"):
            page_path = address.strip("/")
            text = _LINK.sub(lambda found: f'{found[1]}="{self._make_relative(page_path, found[2])}"', body.decode())
            self.write_bytes(f"{page_path}/index.html", text.encode())
        else:
            self.write_bytes(address.strip("/"), body)

    def write_file(self, address: str) -> None:
        response = _request_page(address)
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        response.close()
        self.write_bytes(address.strip("/"), content)

    def write_asset(self, name: str) -> None:
        found = finders.find(name)
        if not found:
            raise PageMissing(name)
        path = self.folder / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(found), path)
        self.file_count += 1

    def write_bytes(self, name: str, body: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        self.file_count += 1

    def write_front_page(self, to: str) -> None:
        text = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={to}"><a href="{to}">{to}</a>'
        self.write_bytes("index.html", text.encode())

    def _make_relative(self, page_path: str, link: str) -> str:
        """Make a link of the page `page_path` relative to that page.

        Replace one that needs a server.
        """
        address, hash_sign, fragment = link.partition("#")
        address = address.partition("?")[0]
        data = f"/data/{self.election.slug}/{self.release.number}"
        language_match = re.match(r"/([a-z-]+)/", address)
        language = language_match[1] if language_match and language_match[1] in self.languages else self.languages[0]
        release_address = f"/{language}/{self.election.slug}/releases/{self.release.number}/"
        if address.startswith("/api/"):
            address = f"{data}/figures.json"
        elif address.startswith("/static/"):
            address = re.sub(r"\.[0-9a-f]{12}(\.\w+)$", r"\1", address)
        elif (address.startswith(f"/{language}/") and not address.startswith(release_address)) or address.startswith(
            f"{release_address}search/"
        ):
            address = release_address
        up = "../" * len(PurePosixPath(page_path).parts)
        page = "index.html" if address.endswith("/") else ""
        return f"{up}{address.lstrip('/')}{page}{hash_sign}{fragment}"


def _request_page(address: str) -> HttpResponseBase:
    """Request an address from its view, without middleware.

    Raises PageMissing unless the status is 200.
    """
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = address
    match = resolve(address)
    try:
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except Http404 as error:
        raise PageMissing(address) from error
    if response.status_code != 200:
        raise PageMissing(address)
    return response
