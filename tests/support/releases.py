"""Making a release in a test, and reading pages and packages as a reader does."""

import csv
import io
import json
import re
import zipfile
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from django.test import TestCase, override_settings
from django.utils import timezone

from observer.models import Election
from reports.models import Release
from reports.services.publishing.releases import release_prepare, release_publish


def release(election: Election, cutoff: datetime | None = None, **fields: Any) -> Release:
    """Prepared and published at once; `fields` go to the row before it is."""
    now = timezone.now()
    made = release_prepare(election=election, cutoff=cutoff or now, user=None, now=now)
    if fields:
        Release.objects.filter(pk=made.pk).update(**fields)
        made.refresh_from_db()
    # What happens after the commit happens in tests too, whose transaction never commits.
    with override_settings(RELEASE_SECOND_YES=False), TestCase.captureOnCommitCallbacks(execute=True):
        release_publish(release=made, user=None, now=now)
    return made


def package(client: Any, slug: str, number: int) -> zipfile.ZipFile:
    response = client.get(f"/data/{slug}/{number}/package.zip")
    assert response.status_code == 200
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def table(opened: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(opened.read(name).decode())))


def descriptor(opened: zipfile.ZipFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(opened.read("datapackage.json"))
    return found


class Marked(HTMLParser):
    """What a page shows: each element with `data-f`, with its text; and the text that stands in none."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "rect", "line", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str | None] = []
        self.figures: list[tuple[str, str]] = []
        self.rest: list[str] = []
        self.quiet = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.VOID:
            return
        path = dict(attrs).get("data-f")
        self.stack.append(path)
        self.quiet += tag in ("title", "script", "style")
        if path:
            self.figures.append((path, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        self.stack.pop()
        self.quiet -= tag in ("title", "script", "style")

    def handle_data(self, data: str) -> None:
        if self.quiet:
            return
        inner = next((path for path in reversed(self.stack) if path), None)
        if inner is None:
            self.rest.append(data)
        else:
            path, text = self.figures[-1]
            self.figures[-1] = path, text + data


def marked(html: str) -> Marked:
    found = Marked()
    found.feed(html)
    return found


def numbers(text: str) -> list[str]:
    """Numbers as machines write them: thin spaces and commas in thousands taken away."""
    plain = re.sub(r"(?<=\d)[\u202f,](?=\d{3})", "", text)
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    return re.findall(r"\d+(?:\.\d+)?%?", plain.replace("\u00a0%", "%"))
