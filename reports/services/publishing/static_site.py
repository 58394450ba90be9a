"""A release as static files. Pages are asked for by their addresses, as a reader asks, and their links made relative.

What needs a server leads elsewhere: the search to the front page, the API to `figures.json`.
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

from reports.services.publishing.packages import package_files
from reports.services.publishing.published_releases import Edition, Stand
from reports.services.publishing.sources import Released

_LINK = re.compile(r'(href|src|action)="(/[^"]*)"')
ASSETS = ("css/baqylau.css", "img/icon.svg")


class Missing(Exception):
    """An address that the site leads to gave no page."""


def site_write(*, folder: Path, stand: Stand, edition: Edition, stations: bool) -> int:
    """Writes the site; the number of files. `stations`: with a page for each polling station."""
    site = _Site(folder, stand, edition)
    for address in _addresses(site, stations):
        site.page(address)
    for name in [*package_files(site.figures), "package.zip"]:
        site.file(f"/data/{stand.slug}/{edition.number}/{name}")
    for name in ASSETS:
        site.asset(name)
    for name in sorted(site.photos):
        source = settings.PUBLIC_DIR / name
        if source.is_file():
            site.put(f"photos/{name}", source.read_bytes())
    first = stand.languages[0] if stand.languages else "en"
    site.front(f"{first}/{stand.slug}/releases/{edition.number}/index.html")
    return site.files


def _addresses(site: "_Site", stations: bool) -> Iterator[str]:
    """Every page of the release, language by language."""
    findings = [
        (stage["code"], asked["code"])
        for stage in site.figures.book()["stages"]
        for asked in stage["questions"]
        if asked["findings"] or asked["type"] == "rating"
    ]
    for code, part in site.figures.places():
        photos = part.get("photos") or (part.get("station") or {}).get("photos") or []
        site.photos.update(name for photo in photos for name in photo if name)
        for language in site.languages:
            start = f"/{language}/{site.stand.slug}/releases/{site.edition.number}/"
            if "station" in part:
                if stations:
                    yield f"{start}{code}/"
                continue
            yield f"{start}{code}/"
            asked = {(stage, name) for stage, figures in part["stages"].items() for name in figures["questions"]}
            for stage, name in findings:
                if (stage, name) in asked:
                    yield f"{start}{code}/{stage}/{name}/"
    for language in site.languages:
        start = f"/{language}/{site.stand.slug}/releases/{site.edition.number}/"
        yield from (start, *(f"{start}{page}/" for page in ("method", "data", "statement")))
        yield f"{start}statement.docx"
        yield f"{start}{site.figures.root()}/share.png"


class _Site:
    """The folder while it is written."""

    def __init__(self, folder: Path, stand: Stand, edition: Edition) -> None:
        self.folder, self.stand, self.edition = folder, stand, edition
        self.figures = Released(stand, edition)
        self.languages = stand.languages or tuple(code for code, _name in settings.LANGUAGES)
        self.photos: set[str] = set()
        self.files = 0

    def page(self, address: str) -> None:
        response = _asked(address)
        body = bytes(getattr(response, "content", b""))
        if address.endswith("/"):
            here = address.strip("/")
            text = _LINK.sub(lambda found: f'{found[1]}="{self._relative(here, found[2])}"', body.decode())
            self.put(f"{here}/index.html", text.encode())
        else:
            self.put(address.strip("/"), body)

    def file(self, address: str) -> None:
        response = _asked(address)
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        response.close()
        self.put(address.strip("/"), content)

    def asset(self, name: str) -> None:
        found = finders.find(name)
        if not found:
            raise Missing(name)
        path = self.folder / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(found), path)
        self.files += 1

    def put(self, name: str, body: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        self.files += 1

    def front(self, to: str) -> None:
        text = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={to}"><a href="{to}">{to}</a>'
        self.put("index.html", text.encode())

    def _relative(self, here: str, link: str) -> str:
        """A link of the page `here` as it is from there; to what needs a server, to what stands in for it."""
        address, mark, rest = link.partition("#")
        address = address.partition("?")[0]
        data = f"/data/{self.stand.slug}/{self.edition.number}"
        top = re.match(r"/([a-z-]+)/", address)
        language = top[1] if top and top[1] in self.languages else self.languages[0]
        own = f"/{language}/{self.stand.slug}/releases/{self.edition.number}/"
        if address.startswith("/api/"):
            address = f"{data}/figures.json"
        elif address.startswith("/static/"):
            address = re.sub(r"\.[0-9a-f]{12}(\.\w+)$", r"\1", address)
        elif (address.startswith(f"/{language}/") and not address.startswith(own)) or address.startswith(
            f"{own}search/"
        ):
            address = own
        up = "../" * len(PurePosixPath(here).parts)
        page = "index.html" if address.endswith("/") else ""
        return f"{up}{address.lstrip('/')}{page}{mark}{rest}"


def _asked(address: str) -> HttpResponseBase:
    """The answer to a reader of this address, from the view itself."""
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = address
    match = resolve(address)
    try:
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except Http404 as error:
        raise Missing(address) from error
    if response.status_code != 200:
        raise Missing(address)
    return response
