"""Days without a network: the outbox as sealed files, carried by others, brought in twice, forged, in any order."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.phone import Phone, Site, running

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as site:
        site.deployment.must("relay", "--keys")
        yield site


@pytest.fixture
def phones(browser: Browser, site: Site) -> Iterator[tuple[Phone, Phone]]:
    """One without a network, and another that carries its files."""
    contexts = [browser.new_context(), browser.new_context()]
    pair = Phone(contexts[0], site), Phone(contexts[1], site)
    for one in pair:
        one.enrol()
    pair[0].js("await import('/phone/files/vendor/age.js')")
    yield pair
    for context in contexts:
        context.close()


SAVE = """
    const {relayReports, relayFiles} = await core("relay"); const made = [await relayReports()]; let next = 0;
    while (next !== null) { const part = await relayFiles(next); if (!part) break; made.push(part); next = part.next; }
    return Promise.all(made.filter(Boolean).map(async ({name, blob}) => [name, await new Promise((done) => {
        const reader = new FileReader(); reader.onload = () => done(reader.result.split(",")[1]); reader.readAsDataURL(blob); })]));
"""
BRING = """
    const {relayBring} = await core("relay"); const bytes = Uint8Array.from(atob(given), (c) => c.charCodeAt(0));
    try { return await relayBring(new File([bytes], "carried.age")); } catch (error) { return error.code; }
"""


def saved(phone: Phone) -> list[list[str]]:
    files: list[list[str]] = phone.js(SAVE)
    return files


def brought(phone: Phone, content: str) -> Any:
    return phone.js(BRING, content)


def rows(site: Site, *ids: str) -> list[str]:
    return sorted(row["id"] for row in site.state()["reports"] if row["id"] in ids)


def test_a_whole_outbox_travels_by_another_phone_twice_and_counts_once(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    ids = [away.write(photos=2) for _ in range(5)]
    urgent = away.call("removal", "removed", {})
    away.js(
        "const {fileAdd} = await core('files');"
        "await fileAdd({report: given, blob: new Blob([new Uint8Array(900000)], {type: 'video/mp4'})})",
        urgent,
    )
    here = away.hashes()
    files = saved(away)
    observer = away.call("identity", "identity")["observer"]
    assert [re.sub(r"\d{8}T\d{4}", "…", name) for name, _ in files] == [
        f"{observer}-…-reports.age",
        f"{observer}-…-files-01-of-01.age",
    ]
    for _ in range(2):
        for _name, content in files:
            outcomes = {one["outcome"] for one in brought(carrier, content)}
            assert outcomes <= {"stored", "duplicate"}
    state = site.state()
    assert rows(site, *ids, urgent) == sorted([*ids, urgent])
    assert {row["observer"] for row in state["reports"] if row["id"] in ids} == {observer}
    stored = {file["id"]: file["sha256"] for file in state["files"] if file["state"] == "stored"}
    assert {name: stored[name] for name in here} == here
    assert set(here.values()) <= set(site.sealed())
    # Its own phone forgets nothing until its own receipt is here.
    assert away.counts()["waiting"] == 6
    away.context.set_offline(False)
    away.sync("online")
    assert away.counts() | {"waiting": 0, "files": 0} == away.counts()
    assert rows(site, *ids, urgent) == sorted([*ids, urgent])


def test_files_before_their_reports_are_kept_until_those_come(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write(photos=1)
    reports, photos = [content for _name, content in saved(away)]
    assert {one["outcome"] for one in brought(carrier, photos)} == {"unknown"}
    assert {one["outcome"] for one in brought(carrier, reports)} == {"stored"}
    assert set(away.hashes().values()) <= set(site.sealed())
    assert rows(site, mine) == [mine]


def test_words_for_the_report_ride_along_and_are_stored_once(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    known = away.write()
    away.sync()
    away.context.set_offline(True)
    urgent = away.call("removal", "removed", {})
    notes = {away.call("outbox", "note", urgent, "He took my badge"), away.call("outbox", "note", known, "I was wrong")}
    ((_name, content),) = saved(away)
    assert sorted(one["outcome"] for one in brought(carrier, content)) == ["duplicate", "stored"]
    assert notes <= set(site.state()["notes"])
    away.context.set_offline(False)
    away.sync("online")
    assert away.counts() | {"waiting": 0, "errands": 0} == away.counts()
    assert [one["state"] for one in away.call("store", "all", "errands") if one["kind"] == "note"] == ["received"] * 2
    assert sorted(one for one in site.state()["notes"] if one in notes) == sorted(notes)


def test_words_without_end_keep_no_report_from_being_taken(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write()
    notes = [away.call("outbox", "note", mine, "\u0441\u043b\u043e\u0432\u043e " * 3_300) for _ in range(9)]
    ((_name, content),) = saved(away)
    assert [one["outcome"] for one in brought(carrier, content)] == ["stored"]
    carried = [one for one in site.state()["notes"] if one in notes]
    assert sorted(carried) == sorted(notes[: len(carried)])
    assert 0 < len(carried) < len(notes)
    away.context.set_offline(False)
    away.sync("online")
    assert sorted(one for one in site.state()["notes"] if one in notes) == sorted(notes)


def test_a_forged_file_is_refused_or_set_aside_whole(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write()
    ((_name, content),) = saved(away)
    middle = len(content) // 2
    assert (
        brought(carrier, content[:middle] + ("A" if content[middle] != "A" else "B") + content[middle + 1 :])
        == "unreadable_file"
    )
    assert brought(carrier, content[: middle // 4 * 4]) == "unreadable_file"
    away.js(
        "const {transact} = await core('store'); await transact(['identities'], async (tx) => {"
        "for (const one of await tx.store.getAll()) await tx.store.put({...one, token: 'A'.repeat(43)}) })"
    )
    ((_name, forged),) = saved(away)
    assert [one["outcome"] for one in brought(carrier, forged)] == ["quarantined"]
    assert rows(site, mine) == []


def test_a_revoked_phones_file_is_set_aside_whole(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write(photos=1)
    observer = away.call("identity", "identity")["observer"]
    site.deployment.python(
        "from observer.models import Device\nfrom django.utils import timezone\n"
        f"Device.objects.filter(observer__code={observer!r}).update(revoked_at=timezone.now())"
    )
    for _name, content in saved(away):
        assert [one["outcome"] for one in brought(carrier, content)] == ["quarantined"]
    assert rows(site, mine) == []


def test_parts_stay_below_50_mb_and_a_video_goes_on_in_the_next(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    draft = away.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
    digest = away.js(
        """const {fileAdd} = await core("files"); const bytes = new Uint8Array(60_000_000);
        for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
        return (await fileAdd({draft: given, blob: new Blob([bytes], {type: "video/mp4"})})).sha256;""",
        draft,
    )
    away.call("outbox", "save", draft)
    sizes = away.js("""const {relayFiles} = await core("relay"); const made = []; let next = 0;
        while (next !== null) { const part = await relayFiles(next); made.push(part); next = part.next; }
        window.made = made; return made.map((one) => one.blob.size);""")
    assert len(sizes) == 2
    assert max(sizes) < 50_000_000
    away.context.set_offline(False)
    ((_name, reports), *_more) = away.js(SAVE.replace("let next = 0", "let next = null"))
    brought(carrier, reports)
    bring = "const {relayBring} = await core('relay'); return relayBring(window.made[given].blob)"
    assert [one["outcome"] for one in away.js(bring, 1)] == ["gap"]
    assert [one["outcome"] for one in away.js(bring, 0)] == ["partial"]
    assert digest in {hashlib.sha256(path.read_bytes()).hexdigest() for path in site.sealed().values()}
    away.sync("online")
    assert away.counts()["files"] == 0
