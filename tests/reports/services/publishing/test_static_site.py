"""Tests that the static site's links lead to existing files."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from observer.models import Election
from reports.services.figures.refresh import recompute_due_summaries
from tests.support.intake import store_report
from tests.support.releases import make_release
from tests.support.world import World, payload

pytestmark = [pytest.mark.once, pytest.mark.django_db]


@pytest.fixture
def observed(world: World) -> World:
    Election.objects.update(publication="released")
    world.election.refresh_from_db()
    for phone in (world.first, world.second):
        store_report(phone, payload("voting", "KZ-1-1-1"))
    recompute_due_summaries()
    return world


def find_links(page: Path) -> list[str]:
    return re.findall(r'(?:href|src|action)="([^"]+)"', page.read_text("utf-8"))


def test_every_link_leads_to_a_file_of_the_folder(observed, tmp_path):
    make_release(observed.election)
    folder = tmp_path / "site"
    call_command("export_site", folder, election="test-2022")
    pages = sorted(folder.rglob("index.html"))
    assert len(pages) > 3 * 19
    for page in pages:
        for link in find_links(page):
            if re.match(r"https?://|#", link):
                continue
            assert not link.startswith("/"), (page, link)
            assert (page.parent / unquote(link.partition("#")[0])).resolve().is_file(), (page, link)
    station = folder / "kk" / "test-2022" / "releases" / "1" / "KZ-1-1-1" / "index.html"
    assert 'lang="kk"' in station.read_text("utf-8")
    assert (folder / "data" / "test-2022" / "1" / "package.zip").is_file()
    assert (folder / "ru" / "test-2022" / "releases" / "1" / "statement.docx").read_bytes()[:2] == b"PK"


def test_it_writes_public_releases_only_and_overwrites_nothing(observed, tmp_path):
    make_release(observed.election, public_from=timezone.now() + timedelta(hours=1))
    with pytest.raises(CommandError, match="no such public release"):
        call_command("export_site", tmp_path / "site", election="test-2022")
    assert not (tmp_path / "site").exists()
    with pytest.raises(CommandError, match="no such public election"):
        call_command("export_site", tmp_path / "site", election="nothing")
    Election.objects.update(publication="live")
    make_release(observed.election)
    (tmp_path / "site").mkdir()
    with pytest.raises(CommandError, match="there already"):
        call_command("export_site", tmp_path / "site", election="test-2022")
