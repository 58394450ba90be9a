"""Update with two windows and a full outbox: both reload, everything arrives once."""

import json
from collections import Counter

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser.phone import BLANK_PAGE, Phone, Site

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]
# Without it the classic service worker is registered, which never sends, so all requests come from pages and are counted.
DISABLE_BACKGROUND_SYNC = "delete window.SyncManager"
HOLD_SYNC_LOCK = "() => new Promise((held) => navigator.locks.request('baqylau-sync', () => { held(); return new Promise((free) => { window.free = free; }); }))"
IS_UPDATE_WAITING = "navigator.serviceWorker.getRegistration('/phone/').then((one) => one.waiting !== null)"
IS_CONTROLLED = "navigator.serviceWorker.controller !== null"
REPORT_COUNT = 12


def get_version(phone: Phone, page: Page) -> tuple[str, bool]:
    environment = phone.call("environment", "getEnvironment", page=page)
    return environment["version"], environment["update"]


def test_both_windows_reload_and_send_everything_once(browser: Browser, site: Site):
    context = browser.new_context()
    context.add_init_script(DISABLE_BACKGROUND_SYNC)
    phone = Phone(context, site)
    phone.enrol()
    # A third window holds the sync lock, so that the outbox stays full as long as the test needs.
    holder = context.new_page()
    holder.goto(f"{site.address}{BLANK_PAGE}")
    holder.evaluate(HOLD_SYNC_LOCK)
    windows = [phone.page, context.new_page()]
    for window in windows:
        window.goto(f"{site.address}/phone/")
        phone.wait_for_js(IS_CONTROLLED, page=window)
    (old, _no), same = get_version(phone, windows[0]), get_version(phone, windows[1])
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
    for number in range(REPORT_COUNT):
        phone.page = windows[number % 2]
        ids.append(phone.write_report(photos=1))
    here = phone.hash_files()
    assert phone.outbox_counts() | {"waiting": REPORT_COUNT} == phone.outbox_counts()

    site.deployment.run_script(
        "from observer.models import Election\nElection.objects.update(mirrors=['https://mirror.example'])"
    )
    windows[1].evaluate("navigator.serviceWorker.getRegistration('/phone/').then((one) => one.update())")
    phone.wait_for_js(IS_UPDATE_WAITING, page=windows[1])
    for window in windows:
        assert get_version(phone, window) == (old, True)  # the update waits for the observer
        window.evaluate("window.old = true")
    with windows[0].expect_event("load"), windows[1].expect_event("load"):
        phone.call("environment", "activateUpdate", page=windows[1])
    for window in windows:
        phone.wait_for_js(IS_CONTROLLED, page=window)
        assert window.evaluate("window.old === undefined")
    (new, waiting), same = get_version(phone, windows[0]), get_version(phone, windows[1])
    assert (same, waiting) == ((new, False), False)
    assert new != old

    assert phone.outbox_counts() | {"waiting": REPORT_COUNT} == phone.outbox_counts()
    assert phone.hash_files() == here
    assert not sent
    holder.evaluate("window.free()")
    for window in windows:
        window.evaluate("() => { window.done = import('/phone/files/core/send/sync.js').then((m) => m.sync('user')); }")
    for window in windows:
        window.evaluate("window.done")
    assert phone.outbox_counts() | {"waiting": 0, "files": 0} == phone.outbox_counts()
    assert sent == dict.fromkeys(ids, 1)
    assert set(pieces.values()) == {1}
    assert sorted(row["id"] for row in site.load_state()["reports"]) == sorted(ids)
    assert set(here.values()) <= set(site.sealed_files())
    context.close()
