"""Sealed files in a real browser: what the phone's library seals, this platform opens; and the page to bring them."""

import base64
import json
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser

from reports.models import Report
from tests.browser.looking import accessibility, sideways
from tests.support.relay import header, with_key
from tests.support.world import World, payload

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
# A stream goes in and a stream comes out, so that a phone never holds a whole file.
SEAL = """async ([key, text, times]) => {
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
def keyed(transactional_db: None) -> World:
    world = World()
    with_key(world.election)
    return world


def seal(browser: Browser, home: str, world: World, times: int = 1) -> bytes:
    page = browser.new_page()
    page.goto(f"{home}/phone/")
    text = {"head": json.dumps(header(world.first, "reports")) + "\n", "line": json.dumps(payload()) + "\n"}
    sealed = base64.b64decode(page.evaluate(SEAL, [world.election.relay_key, text, times]))
    page.close()
    return sealed


@pytest.mark.parametrize("times", [1, 700])  # of one piece of the cipher, and of several
def test_what_the_phone_seals_is_opened_here(browser: Browser, live_server, keyed: World, times: int) -> None:
    file = seal(browser, live_server.url, keyed, times)
    answer = Client().post("/api/v1/relay", file, "application/octet-stream")
    assert answer.status_code == 200
    assert [one["outcome"] for one in answer.json()["results"]] == ["stored", *["duplicate"] * (times - 1)]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_page_takes_files_from_anyone(
    browser: Browser, live_server, watch, shots: Path, keyed: World, language: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "OB-2222-reports.age", tmp_path / "holiday.jpg"
    good.write_bytes(seal(browser, live_server.url, keyed))
    bad.write_bytes(b"no file of ours")
    page = browser.new_page(viewport={"width": 360, "height": 640})
    seen = watch(page)
    page.goto(f"{live_server.url}/relay/{language}/")
    page.screenshot(path=shots / f"relay-{language}.png", full_page=True)
    assert not accessibility(page)
    page.set_input_files("input[type=file]", [good, bad])
    page.click("button[type=submit]")
    page.wait_for_selector("#brought")
    page.screenshot(path=shots / f"relay-brought-{language}.png", full_page=True)
    assert not accessibility(page)
    assert not sideways(page)
    assert Report.objects.count() == 1
    assert (seen.complaints, seen.strangers) == ([], [])
    page.close()
