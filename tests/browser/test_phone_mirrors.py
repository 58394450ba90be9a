"""Mirrors: when one address is stopped or blocked, the phone uses the next."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

from scripts.services import find_free_port
from tests.browser.phone import BLANK_PAGE, Phone, Site, run_site

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]
FETCH_REFUSED = """async (address) => {
    const told = new Promise((done) => document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective)));
    return fetch(address).then(() => "asked", () => told); }"""


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Iterator[tuple[Site, Site, str]]:
    """The page's site, a mirror, and a declared address without a server."""
    with run_site(tmp_path_factory.mktemp("site")) as home:
        mirror, nobody = home.make_mirror(), f"http://localhost:{find_free_port()}"
        home.deployment.run_script(
            "from observer.models import Election\n"
            f"Election.objects.update(mirrors={[nobody, home.address, mirror.address]!r})"
        )
        mirror.start()
        try:
            yield home, mirror, nobody
        finally:
            mirror.stop()


@pytest.fixture
def phone(browser: Browser, sites: tuple[Site, Site, str]) -> Iterator[Phone]:
    context = browser.new_context()
    yield Phone(context, sites[0])
    context.close()


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class RequestedOrigins:
    """Origins of API requests, in order; repeats in a row are counted once."""

    def __init__(self, phone: Phone) -> None:
        self.origins: list[str] = []
        phone.page.on("request", lambda request: "/api/v1/" in request.url and self._note(origin(request.url)))

    def _note(self, one: str) -> None:
        if self.origins[-1:] != [one]:
            self.origins.append(one)


def test_the_next_address_is_tried_and_the_last_good_one_kept(phone: Phone, sites: tuple[Site, Site, str]):
    home, mirror, nobody = sites
    phone.enrol()
    requested = RequestedOrigins(phone)
    home.stop()
    try:
        first = phone.write_report(photos=1)
        assert phone.sync("online")["problem"] is None
        assert phone.get_report(first)["state"] == "received"
        assert requested.origins == [home.address, nobody, home.address, mirror.address]
        assert phone.call("database", "getMeta", "base") == mirror.address
        requested.origins.clear()
        second = phone.write_report(photos=1)
        phone.sync()
        assert phone.get_report(second)["state"] == "received"
        assert requested.origins == [mirror.address]  # nobody is waited for again
        assert phone.outbox_counts() | {"waiting": 0, "files": 0} == phone.outbox_counts()
        assert set(phone.hash_files().values()) <= set(home.sealed_files())
    finally:
        home.start()
    mirror.stop()
    try:
        requested.origins.clear()
        third = phone.write_report()
        phone.sync("online")
        assert phone.get_report(third)["state"] == "received"
        assert requested.origins == [mirror.address, home.address]
        assert phone.call("database", "getMeta", "base") == ""
    finally:
        mirror.start()
    assert Counter(row["id"] for row in home.load_state()["reports"] if row["id"] in (first, second, third)) == {
        first: 1,
        second: 1,
        third: 1,
    }


def test_a_video_upload_continues_at_the_mirror(phone: Phone, sites: tuple[Site, Site, str]):
    home, mirror, _nobody = sites
    phone.enrol()
    draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1", "fresh": True})
    sha256 = phone.run_js(
        """const {addAttachment} = await core("attachments"); const bytes = new Uint8Array(1_500_000);
        for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
        return (await addAttachment({draft: given, blob: new Blob([bytes], {type: "video/mp4"})})).sha256;""",
        draft,
    )
    pieces: list[tuple[str, int]] = []

    def fail_third_piece(route: Route) -> None:
        request = route.request
        if request.method == "PATCH":
            pieces.append((origin(request.url), int(request.headers["upload-offset"])))
            if len(pieces) == 3:
                home.stop()
        route.continue_()

    phone.context.route("**/api/v1/evidence/**", fail_third_piece)
    try:
        phone.call("outbox", "saveReport", draft)
        while phone.outbox_counts()["files"]:
            assert phone.sync("online")["problem"] is None
    finally:
        home.start()
    assert {where for where, _offset in pieces[:2]} == {home.address}
    went_on = [offset for where, offset in pieces if where == mirror.address]
    assert went_on[0] >= pieces[2][1] > 0  # no byte that had been taken was sent again
    assert went_on == sorted(set(went_on))
    assert sha256 in home.sealed_files()


def test_the_policy_allows_exactly_the_declared_addresses(phone: Phone, sites: tuple[Site, Site, str]):
    home, mirror, nobody = sites
    for path in (BLANK_PAGE, "/phone/", "/phone/files/main.js", "/phone/sw.js"):
        policy = phone.context.request.get(f"{home.address}{path}").headers["content-security-policy"]
        (connect,) = [one.split()[1:] for one in policy.split(";") if one.strip().startswith("connect-src")]
        assert sorted(connect) == sorted(["'self'", home.address, mirror.address, nobody])
    phone.page.evaluate("(address) => fetch(address)", f"{mirror.address}/api/v1/public/elections")
    stranger = home.make_mirror()
    stranger.start()
    try:
        assert phone.page.evaluate(FETCH_REFUSED, f"{stranger.address}/api/v1/public/elections") == "connect-src"
    finally:
        stranger.stop()
