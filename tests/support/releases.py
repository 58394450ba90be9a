"""Releases in tests: publishing them, and reading their pages and packages."""

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
from reports.services.publishing.releases import prepare_release, publish_release


def make_release(election: Election, cutoff: datetime | None = None, **fields: Any) -> Release:
    """Prepares and publishes a release.

    `fields` are set on its row before it is published.
    """
    now = timezone.now()
    release = prepare_release(election=election, cutoff=cutoff or now, user=None, now=now)
    if fields:
        Release.objects.filter(pk=release.pk).update(**fields)
        release.refresh_from_db()
    # The transaction of a test is never committed, so callbacks on commit are run here.
    with override_settings(RELEASE_SECOND_YES=False), TestCase.captureOnCommitCallbacks(execute=True):
        publish_release(release=release, user=None, now=now)
    return release


def download_package(client: Any, slug: str, number: int) -> zipfile.ZipFile:
    response = client.get(f"/data/{slug}/{number}/package.zip")
    assert response.status_code == 200
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def read_table(opened: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(opened.read(name).decode())))


def read_descriptor(opened: zipfile.ZipFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(opened.read("datapackage.json"))
    return found


class FigureParser(HTMLParser):
    """Collects a page's elements with `data-f` and their texts.

    And the text outside of them.
    """

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


def parse_figures(html: str) -> FigureParser:
    found = FigureParser()
    found.feed(html)
    return found


def find_numbers(text: str) -> list[str]:
    """The numbers in a text, without thin spaces and commas between thousands."""
    plain = re.sub(r"(?<=\d)[\u202f,](?=\d{3})", "", text)
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    return re.findall(r"\d+(?:\.\d+)?%?", plain.replace("\u00a0%", "%"))
