"""Two windows, a full outbox, and a new version of the application: both go on with it, and all arrives once."""

import json
from collections import Counter

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser.phone import BLANK, Phone, Site

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]
# Then the plain service worker is taken, which never sends: every sending is a page's, and is seen.
PAGES_SEND = "delete window.SyncManager"
HOLD = "() => new Promise((held) => navigator.locks.request('baqylau-sync', () => { held(); return new Promise((free) => { window.free = free; }); }))"
WAITS = "navigator.serviceWorker.getRegistration('/phone/').then((one) => one.waiting !== null)"
CONTROLLED = "navigator.serviceWorker.controller !== null"
WRITTEN = 12


def version(phone: Phone, page: Page) -> tuple[str, bool]:
    around = phone.call("surroundings", "surroundings", page=page)
    return around["version"], around["update"]


def test_both_windows_end_on_the_new_version_and_everything_is_sent_once(browser: Browser, site: Site):
    context = browser.new_context()
    context.add_init_script(PAGES_SEND)
    phone = Phone(context, site)
    phone.enrol()
    # A third window holds the sender's place, so that the outbox stays full as long as the test wants.
    holder = context.new_page()
    holder.goto(f"{site.address}{BLANK}")
    holder.evaluate(HOLD)
    windows = [phone.page, context.new_page()]
    for window in windows:
        window.goto(f"{site.address}/phone/")
        phone.until(CONTROLLED, page=window)
    (old, _no), same = version(phone, windows[0]), version(phone, windows[1])
    assert same == (old, False)

    sent: Counter[str] = Counter()
    pieces: Counter[tuple[str, str]] = Counter()

    def count(request: Request) -> None:
        if request.url.endswith("/reports/batch"):
            sent.update(one["id"] for one in json.loads(request.post_data or "{}")["reports"])
        elif request.method == "PATCH":
            pieces[request.url, request.headers["upload-offset"]] += 1

    context.on("request", count)
    ids = []
    for number in range(WRITTEN):
        phone.page = windows[number % 2]
        ids.append(phone.write(photos=1))
    here = phone.hashes()
    assert phone.counts() | {"waiting": WRITTEN} == phone.counts()

    site.deployment.python(
        "from observer.models import Election\nElection.objects.update(mirrors=['https://mirror.example'])"
    )
    windows[1].evaluate("navigator.serviceWorker.getRegistration('/phone/').then((one) => one.update())")
    phone.until(WAITS, page=windows[1])
    for window in windows:
        assert version(phone, window) == (old, True)  # nobody is moved before the observer says so
        window.evaluate("window.old = true")
    with windows[0].expect_event("load"), windows[1].expect_event("load"):
        phone.call("surroundings", "updateTake", page=windows[1])
    for window in windows:
        phone.until(CONTROLLED, page=window)
        assert window.evaluate("window.old === undefined")
    (new, waiting), same = version(phone, windows[0]), version(phone, windows[1])
    assert (same, waiting) == ((new, False), False)
    assert new != old

    assert phone.counts() | {"waiting": WRITTEN} == phone.counts()
    assert phone.hashes() == here
    assert not sent
    holder.evaluate("window.free()")
    for window in windows:
        window.evaluate("() => { window.done = import('/phone/files/core/send/sync.js').then((m) => m.sync('user')); }")
    for window in windows:
        window.evaluate("window.done")
    assert phone.counts() | {"waiting": 0, "files": 0} == phone.counts()
    assert sent == dict.fromkeys(ids, 1)
    assert set(pieces.values()) == {1}
    assert sorted(row["id"] for row in site.state()["reports"]) == sorted(ids)
    assert set(here.values()) <= set(site.sealed())
    context.close()
