"""The same platform at several addresses: where one is stopped or blocked, the phone goes on with the next."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

from scripts.services import free_port
from tests.browser.phone import BLANK, Phone, Site, running

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]
REFUSED = """async (address) => {
    const told = new Promise((done) => document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective)));
    return fetch(address).then(() => "asked", () => told); }"""


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Iterator[tuple[Site, Site, str]]:
    """The address of the page, a mirror, and a declared address where nobody answers."""
    with running(tmp_path_factory.mktemp("site")) as home:
        mirror, nobody = home.beside(), f"http://localhost:{free_port()}"
        home.deployment.python(
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


class Asked:
    """The origins that the API was asked at, in order, each run of one counted once."""

    def __init__(self, phone: Phone) -> None:
        self.origins: list[str] = []
        phone.page.on("request", lambda request: "/api/v1/" in request.url and self._note(origin(request.url)))

    def _note(self, one: str) -> None:
        if self.origins[-1:] != [one]:
            self.origins.append(one)


def test_the_next_address_is_asked_and_the_last_good_one_is_kept(phone: Phone, sites: tuple[Site, Site, str]):
    home, mirror, nobody = sites
    phone.enrol()
    asked = Asked(phone)
    home.stop()
    try:
        first = phone.write(photos=1)
        assert phone.sync("online")["problem"] is None
        assert phone.report(first)["state"] == "received"
        assert asked.origins == [home.address, nobody, home.address, mirror.address]
        assert phone.call("store", "metaGet", "base") == mirror.address
        asked.origins.clear()
        second = phone.write(photos=1)
        phone.sync()
        assert phone.report(second)["state"] == "received"
        assert asked.origins == [mirror.address]  # nobody is waited for again
        assert phone.counts() | {"waiting": 0, "files": 0} == phone.counts()
        assert set(phone.hashes().values()) <= set(home.sealed())
    finally:
        home.start()
    mirror.stop()
    try:
        asked.origins.clear()
        third = phone.write()
        phone.sync("online")
        assert phone.report(third)["state"] == "received"
        assert asked.origins == [mirror.address, home.address]
        assert phone.call("store", "metaGet", "base") == ""
    finally:
        mirror.start()
    assert Counter(row["id"] for row in home.state()["reports"] if row["id"] in (first, second, third)) == {
        first: 1,
        second: 1,
        third: 1,
    }


def test_a_video_goes_on_at_the_mirror_where_the_first_address_took_it_to(phone: Phone, sites: tuple[Site, Site, str]):
    home, mirror, _nobody = sites
    phone.enrol()
    draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1", "fresh": True})
    sha256 = phone.js(
        """const {fileAdd} = await core("files"); const bytes = new Uint8Array(1_500_000);
        for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
        return (await fileAdd({draft: given, blob: new Blob([bytes], {type: "video/mp4"})})).sha256;""",
        draft,
    )
    pieces: list[tuple[str, int]] = []

    def third_breaks(route: Route) -> None:
        request = route.request
        if request.method == "PATCH":
            pieces.append((origin(request.url), int(request.headers["upload-offset"])))
            if len(pieces) == 3:
                home.stop()
        route.continue_()

    phone.context.route("**/api/v1/evidence/**", third_breaks)
    try:
        phone.call("outbox", "save", draft)
        while phone.counts()["files"]:
            assert phone.sync("online")["problem"] is None
    finally:
        home.start()
    assert {where for where, _offset in pieces[:2]} == {home.address}
    went_on = [offset for where, offset in pieces if where == mirror.address]
    assert went_on[0] >= pieces[2][1] > 0  # no byte that had been taken was sent again
    assert went_on == sorted(set(went_on))
    assert sha256 in home.sealed()


def test_the_policy_lets_the_page_ask_exactly_the_declared_addresses(phone: Phone, sites: tuple[Site, Site, str]):
    home, mirror, nobody = sites
    for path in (BLANK, "/phone/", "/phone/files/main.js", "/phone/sw.js"):
        policy = phone.context.request.get(f"{home.address}{path}").headers["content-security-policy"]
        (connect,) = [one.split()[1:] for one in policy.split(";") if one.strip().startswith("connect-src")]
        assert sorted(connect) == sorted(["'self'", home.address, mirror.address, nobody])
    phone.page.evaluate("(address) => fetch(address)", f"{mirror.address}/api/v1/public/elections")
    stranger = home.beside()
    stranger.start()
    try:
        assert phone.page.evaluate(REFUSED, f"{stranger.address}/api/v1/public/elections") == "connect-src"
    finally:
        stranger.stop()
