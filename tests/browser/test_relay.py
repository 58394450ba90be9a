"""Relay files in a real browser.

The platform opens what the phone's library encrypts; and the page to upload such files.
"""

import base64
import json
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser

from reports.models import Report
from tests.browser.page_checks import find_accessibility_problems, find_overflow
from tests.support.relay import build_header, set_relay_key
from tests.support.world import World, payload

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
# Encrypts as a stream, so that a phone never holds a whole file in memory.
ENCRYPT = """async ([key, text, times]) => {
  const { Encrypter } = await import("/phone/files/vendor/age.js");
  const encrypter = new Encrypter();
  encrypter.addRecipient(key);
  const plain = new Blob([text.head, ...Array(times).fill(text.line)]).stream();
  const sealed = new Uint8Array(await new Response(await encrypter.encrypt(plain)).arrayBuffer());
  let binary = "";
  for (let at = 0; at < sealed.length; at += 32768) binary += String.fromCharCode(...sealed.subarray(at, at + 32768));
  return btoa(binary);
}"""


@pytest.fixture
def world(transactional_db: None) -> World:
    world = World()
    set_relay_key(world.election)
    return world


def encrypt_file(browser: Browser, home: str, world: World, times: int = 1) -> bytes:
    page = browser.new_page()
    page.goto(f"{home}/phone/")
    text = {"head": json.dumps(build_header(world.first, "reports")) + "\n", "line": json.dumps(payload()) + "\n"}
    sealed = base64.b64decode(page.evaluate(ENCRYPT, [world.election.relay_key, text, times]))
    page.close()
    return sealed


@pytest.mark.parametrize("times", [1, 700])  # one chunk of the cipher, and several
def test_the_platform_opens_what_the_phone_encrypts(browser: Browser, live_server, world: World, times: int) -> None:
    file = encrypt_file(browser, live_server.url, world, times)
    answer = Client().post("/api/v1/relay", file, "application/octet-stream")
    assert answer.status_code == 200
    assert [one["outcome"] for one in answer.json()["results"]] == ["stored", *["duplicate"] * (times - 1)]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_page_accepts_files_from_anyone(
    browser: Browser, live_server, watch, screenshot_dir: Path, world: World, language: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "OB-2222-reports.age", tmp_path / "holiday.jpg"
    good.write_bytes(encrypt_file(browser, live_server.url, world))
    bad.write_bytes(b"no file of ours")
    page = browser.new_page(viewport={"width": 360, "height": 640})
    seen = watch(page)
    page.goto(f"{live_server.url}/relay/{language}/")
    page.screenshot(path=screenshot_dir / f"relay-{language}.png", full_page=True)
    assert not find_accessibility_problems(page)
    page.set_input_files("input[type=file]", [good, bad])
    page.click("button[type=submit]")
    page.wait_for_selector("#brought")
    page.screenshot(path=screenshot_dir / f"relay-brought-{language}.png", full_page=True)
    assert not find_accessibility_problems(page)
    assert not find_overflow(page)
    assert Report.objects.count() == 1
    assert (seen.console_errors, seen.foreign_requests) == ([], [])
    page.close()
