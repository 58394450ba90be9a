"""Screens: other kinds of files, a read report, persistent storage, another language."""

import io
import struct
import wave
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from reports.models import Evidence, Report
from reports.services.review.decisions import mark_report_read
from reports.services.storage.sealed_store import open_sealed_file
from tests.browser.country import TITLES, Country
from tests.browser.phone_user import PhoneUser

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
SET_UNKNOWN_COMMISSION = "(id) => import('/phone/files/core/reporting/drafts.js').then((drafts) => drafts.setDraftFields(id, {commission: 'KZ-99'}))"
REFUSE_PERSISTENCE = "navigator.storage.persist = navigator.storage.persisted = async () => false"
GRANT_PERSISTENCE = "let kept = false; navigator.storage.persist = async () => (kept = true); navigator.storage.persisted = async () => kept"


def assert_no_problems(user: PhoneUser) -> None:
    assert (user.problems, user.errors, user.foreign_requests) == ({}, [], [])


def mp4_box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def make_mp4() -> dict[str, Any]:
    """The mp4_box structure of a camera's MP4, without playable content."""
    body = (
        mp4_box(b"ftyp", b"mp42" + bytes(4) + b"isommp42")
        + mp4_box(b"moov", b"")
        + mp4_box(b"mdat", bytes(range(256)) * 1500)
    )
    return {"name": "VID_0001.mp4", "mimeType": "video/mp4", "buffer": body}


def make_wav() -> dict[str, Any]:
    body = io.BytesIO()
    with wave.open(body, "wb") as tape:
        tape.setparams((1, 2, 8000, 0, "NONE", ""))
        tape.writeframes(bytes(range(250)) * 64)
    return {"name": "Recording 1.wav", "mimeType": "audio/wav", "buffer": body.getvalue()}


def make_heic() -> dict[str, Any]:
    """A picture that this browser cannot decode."""
    body = mp4_box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + mp4_box(b"mdat", bytes(range(256)) * 40)
    return {"name": "IMG_0001.HEIC", "mimeType": "image/heic", "buffer": body}


def gallery_input(question: Locator) -> Locator:
    """The file input for the gallery_input: the only one without `capture` and with `multiple`."""
    return question.locator("input[type=file][multiple]")


def test_video_sound_and_heic_are_stored_sent_and_sealed(new_user, country: Country):
    user = new_user()
    user.set_up(country.new_code())
    user.open_checklist(TITLES["every"]["en"])
    several, photos = user.page.locator("#q-E12"), user.page.locator("#q-E11")
    assert gallery_input(several).get_attribute("accept") == "image/*,video/*,audio/*,application/pdf"
    assert gallery_input(photos).get_attribute("accept") == "image/*"
    asked = several.locator("input[capture]").evaluate_all(
        "(all) => all.map((one) => [one.accept, one.getAttribute('capture')])"
    )
    assert asked == [["image/*", "environment"], ["video/*", "environment"], ["audio/*", "user"]]
    assert photos.locator("input[capture]").count() == 1

    given = [make_mp4(), make_wav(), make_heic()]
    gallery_input(several).set_input_files(given[:2])
    expect(several.locator(".file")).to_have_count(2)
    gallery_input(photos).set_input_files(given[2])
    expect(photos.locator(".file")).to_have_count(1)
    assert user.page.locator(".file img").count() == 0
    expect(several.locator(".file").nth(0)).to_contain_text("Video")
    expect(several.locator(".file").nth(1)).to_contain_text("Sound")
    expect(photos.locator(".file")).to_contain_text("Photo")
    user.check_screen("16-video-sound-heic")
    user.page.reload()
    expect(user.page.locator(".file")).to_have_count(3)
    user.open_check()
    user.save_report()
    user.wait_until_sent()

    stored = {one.sha256: one for one in Evidence.objects.all()}
    assert stored.keys() == {sha256(one["buffer"]).hexdigest() for one in given}
    for one in given:
        row = stored[sha256(one["buffer"]).hexdigest()]
        assert (row.state, row.source, row.type) == ("stored", "gallery", one["mimeType"])
        with open_sealed_file(sha256=row.sha256) as sealed:
            assert sealed.read() == one["buffer"]
    assert_no_problems(user)


def test_the_day_says_that_a_coordinator_read_it(new_user, country: Country):
    user = new_user()
    user.set_up(country.new_code())
    user.open_checklist(TITLES["opening"]["en"])
    user.page.locator(".question input").first.check()
    user.open_check()
    user.save_report()
    user.wait_until_sent()
    user.go_to("day")
    card = user.page.locator("ul.day > li").filter(has=user.page.get_by_role("heading", name=TITLES["opening"]["en"]))
    expect(card.locator(".state.received").first).to_be_visible()
    mark_report_read(report=Report.objects.get(), now=datetime.now(UTC))
    user.page.reload()  # like a user who returns
    expect(card.locator("> .beside .state.read")).to_contain_text("Read by a coordinator")
    user.check_screen("22-day-read")
    card.locator("ul.rows a").click()
    user.expect_screen("report")
    expect(user.page.locator(".state.read").first).to_be_visible()
    user.check_screen("23-report-read")
    assert_no_problems(user)


class TestStorage:
    def test_refused_persistence_is_shown(self, new_user, country: Country):
        user = new_user()
        user.context.add_init_script(REFUSE_PERSISTENCE)
        user.set_up(country.new_code())
        user.go_to("settings")
        user.page.locator(".notice.care button").first.click()
        expect(user.page.locator("main p[role=status]").first).to_contain_text("The browser refused.")
        user.check_screen("65-storage-refused")
        assert_no_problems(user)

    def test_granted_persistence_is_shown(self, new_user, country: Country):
        user = new_user()
        user.context.add_init_script(GRANT_PERSISTENCE)
        user.set_up(country.new_code())
        user.go_to("settings")
        user.page.locator(".notice.care button").first.click()
        expect(user.page.locator(".notice.good")).to_contain_text("This phone keeps the reports")
        assert_no_problems(user)


class TestAnotherLanguage:
    """Texts shown in one language are shown in the other as soon as they are known."""

    def test_the_reason_for_a_wrong_code(self, new_user, country: Country):
        user = new_user("en")
        user.open()
        user.expect_screen("enrol")
        user.choose_language()
        user.page.locator("#code").fill("WRNG-C0DE")
        user.page.locator("button[type=submit]").click()
        told = user.page.locator(".notice.bad")
        for language, words in (("en", "The code is wrong"), ("ru", "Код неверный"), ("kk", "Код қате")):
            user.page.locator(f".languages button[lang={language}]").click()
            expect(told).to_contain_text(words)
        assert_no_problems(user)

    def test_the_reason_for_a_refused_report(self, new_user, country: Country):
        user = new_user("en")
        user.set_up(country.new_code())
        user.open_checklist(TITLES["opening"]["en"])
        user.page.evaluate(SET_UNKNOWN_COMMISSION, user.current_id())
        user.open_check()
        user.save_report()
        told = user.page.locator(".notice.bad")
        expect(told).to_contain_text("This election has no such commission.")
        for language, words in (
            ("ru", "На этих выборах нет такой комиссии."),
            ("kk", "Бұл сайлауда мұндай комиссия жоқ."),
        ):
            user.switch_language(language)
            expect(told).to_contain_text(words)
            user.go_to("outbox")
            expect(user.main()).to_contain_text(words)
            user.page.go_back()
        assert_no_problems(user)

    def test_station_names_are_loaded_again_with_the_network(self, new_user, country: Country):
        user = new_user("en")
        user.set_up(country.new_code())
        card = user.page.locator("a.card")
        expect(card).to_contain_text("Polling station No. 375")
        user.switch_language("ru")
        expect(card).to_contain_text("Избирательный участок № 375")
        user.go_to("station")
        user.page.locator("#search").fill("376")
        expect(user.main().locator("ul.rows").first).to_contain_text("Избирательный участок № 376")
        user.context.set_offline(True)
        user.switch_language("kk")
        user.go_to("day")
        expect(card).to_contain_text("Избирательный участок № 375")  # better than none
        user.context.set_offline(False)
        expect(card).to_contain_text("№ 375 сайлау учаскесі")
        assert_no_problems(user)
