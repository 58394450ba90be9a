"""Relay files: the encrypted outbox, uploaded by others, twice, forged, or in any order."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.phone import Phone, Site, run_site

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as site:
        site.deployment.run_checked("relay", "--keys")
        yield site


@pytest.fixture
def phones(browser: Browser, site: Site) -> Iterator[tuple[Phone, Phone]]:
    """A phone without a network, and another that uploads its files."""
    contexts = [browser.new_context(), browser.new_context()]
    pair = Phone(contexts[0], site), Phone(contexts[1], site)
    for one in pair:
        one.enrol()
    pair[0].run_js("await import('/phone/files/vendor/age.js')")
    yield pair
    for context in contexts:
        context.close()


PACK_FILES = """
    const {packReports, packFiles} = await core("relay"); const made = [await packReports()]; let next = 0;
    while (next !== null) { const part = await packFiles(next); if (!part) break; made.push(part); next = part.next; }
    return Promise.all(made.filter(Boolean).map(async ({name, blob}) => [name, await new Promise((done) => {
        const reader = new FileReader(); reader.onload = () => done(reader.result.split(",")[1]); reader.readAsDataURL(blob); })]));
"""
UPLOAD_FILE = """
    const {uploadRelayFile} = await core("relay"); const bytes = Uint8Array.from(atob(given), (c) => c.charCodeAt(0));
    try { return await uploadRelayFile(new File([bytes], "carried.age")); } catch (error) { return error.code; }
"""


def pack_files(phone: Phone) -> list[list[str]]:
    files: list[list[str]] = phone.run_js(PACK_FILES)
    return files


def upload_file(phone: Phone, content: str) -> Any:
    return phone.run_js(UPLOAD_FILE, content)


def stored_reports(site: Site, *ids: str) -> list[str]:
    return sorted(row["id"] for row in site.load_state()["reports"] if row["id"] in ids)


def test_an_outbox_uploaded_twice_by_another_phone_counts_once(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    ids = [away.write_report(photos=2) for _ in range(5)]
    urgent = away.call("removal", "reportRemoval", {})
    away.run_js(
        "const {addAttachment} = await core('attachments');"
        "await addAttachment({report: given, blob: new Blob([new Uint8Array(900000)], {type: 'video/mp4'})})",
        urgent,
    )
    here = away.hash_files()
    files = pack_files(away)
    observer = away.call("identities", "getIdentity")["observer"]
    assert [re.sub(r"\d{8}T\d{4}", "…", name) for name, _ in files] == [
        f"{observer}-…-reports.age",
        f"{observer}-…-files-01-of-01.age",
    ]
    for _ in range(2):
        for _name, content in files:
            outcomes = {one["outcome"] for one in upload_file(carrier, content)}
            assert outcomes <= {"stored", "duplicate"}
    state = site.load_state()
    assert stored_reports(site, *ids, urgent) == sorted([*ids, urgent])
    assert {row["observer"] for row in state["reports"] if row["id"] in ids} == {observer}
    stored = {file["id"]: file["sha256"] for file in state["files"] if file["state"] == "stored"}
    assert {name: stored[name] for name in here} == here
    assert set(here.values()) <= set(site.sealed_files())
    # The phone keeps everything until it has its own receipt.
    assert away.outbox_counts()["waiting"] == 6
    away.context.set_offline(False)
    away.sync("online")
    assert away.outbox_counts() | {"waiting": 0, "files": 0} == away.outbox_counts()
    assert stored_reports(site, *ids, urgent) == sorted([*ids, urgent])


def test_files_before_their_reports_are_kept_until_the_reports_come(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write_report(photos=1)
    reports, photos = [content for _name, content in pack_files(away)]
    assert {one["outcome"] for one in upload_file(carrier, photos)} == {"unknown"}
    assert {one["outcome"] for one in upload_file(carrier, reports)} == {"stored"}
    assert set(away.hash_files().values()) <= set(site.sealed_files())
    assert stored_reports(site, mine) == [mine]


def test_notes_are_packed_with_reports_and_stored_once(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    known = away.write_report()
    away.sync()
    away.context.set_offline(True)
    urgent = away.call("removal", "reportRemoval", {})
    notes = {
        away.call("outbox", "addNote", urgent, "He took my badge"),
        away.call("outbox", "addNote", known, "I was wrong"),
    }
    ((_name, content),) = pack_files(away)
    assert sorted(one["outcome"] for one in upload_file(carrier, content)) == ["duplicate", "stored"]
    assert notes <= set(site.load_state()["notes"])
    away.context.set_offline(False)
    away.sync("online")
    assert away.outbox_counts() | {"waiting": 0, "requests": 0} == away.outbox_counts()
    assert [one["state"] for one in away.call("database", "listRecords", "errands") if one["kind"] == "note"] == [
        "received"
    ] * 2
    assert sorted(one for one in site.load_state()["notes"] if one in notes) == sorted(notes)


def test_too_many_notes_do_not_block_the_report(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write_report()
    notes = [away.call("outbox", "addNote", mine, "\u0441\u043b\u043e\u0432\u043e " * 3_300) for _ in range(9)]
    ((_name, content),) = pack_files(away)
    assert [one["outcome"] for one in upload_file(carrier, content)] == ["stored"]
    carried = [one for one in site.load_state()["notes"] if one in notes]
    assert sorted(carried) == sorted(notes[: len(carried)])
    assert 0 < len(carried) < len(notes)
    away.context.set_offline(False)
    away.sync("online")
    assert sorted(one for one in site.load_state()["notes"] if one in notes) == sorted(notes)


def test_a_forged_file_is_refused_or_quarantined_whole(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write_report()
    ((_name, content),) = pack_files(away)
    middle = len(content) // 2
    assert (
        upload_file(carrier, content[:middle] + ("A" if content[middle] != "A" else "B") + content[middle + 1 :])
        == "unreadable_file"
    )
    assert upload_file(carrier, content[: middle // 4 * 4]) == "unreadable_file"
    away.run_js(
        "const {runTransaction} = await core('database'); await runTransaction(['identities'], async (tx) => {"
        "for (const one of await tx.store.getAll()) await tx.store.put({...one, token: 'A'.repeat(43)}) })"
    )
    ((_name, forged),) = pack_files(away)
    assert [one["outcome"] for one in upload_file(carrier, forged)] == ["quarantined"]
    assert stored_reports(site, mine) == []


def test_a_file_of_a_revoked_phone_is_quarantined_whole(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    mine = away.write_report(photos=1)
    observer = away.call("identities", "getIdentity")["observer"]
    site.deployment.run_script(
        "from observer.models import Device\nfrom django.utils import timezone\n"
        f"Device.objects.filter(observer__code={observer!r}).update(revoked_at=timezone.now())"
    )
    for _name, content in pack_files(away):
        assert [one["outcome"] for one in upload_file(carrier, content)] == ["quarantined"]
    assert stored_reports(site, mine) == []


def test_parts_stay_below_50_mb_and_a_video_continues_in_the_next(phones: tuple[Phone, Phone], site: Site):
    away, carrier = phones
    away.context.set_offline(True)
    draft = away.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
    digest = away.run_js(
        """const {addAttachment} = await core("attachments"); const bytes = new Uint8Array(60_000_000);
        for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
        return (await addAttachment({draft: given, blob: new Blob([bytes], {type: "video/mp4"})})).sha256;""",
        draft,
    )
    away.call("outbox", "saveReport", draft)
    sizes = away.run_js("""const {packFiles} = await core("relay"); const made = []; let next = 0;
        while (next !== null) { const part = await packFiles(next); made.push(part); next = part.next; }
        window.made = made; return made.map((one) => one.blob.size);""")
    assert len(sizes) == 2
    assert max(sizes) < 50_000_000
    away.context.set_offline(False)
    ((_name, reports), *_more) = away.run_js(PACK_FILES.replace("let next = 0", "let next = null"))
    upload_file(carrier, reports)
    bring = "const {uploadRelayFile} = await core('relay'); return uploadRelayFile(window.made[given].blob)"
    assert [one["outcome"] for one in away.run_js(bring, 1)] == ["gap"]
    assert [one["outcome"] for one in away.run_js(bring, 0)] == ["partial"]
    assert digest in {hashlib.sha256(path.read_bytes()).hexdigest() for path in site.sealed_files().values()}
    away.sync("online")
    assert away.outbox_counts()["files"] == 0
