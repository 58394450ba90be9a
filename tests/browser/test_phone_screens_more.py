"""What the day brings besides answers: files of other kinds, a coordinator who reads, a browser that promises nothing."""

import io
import struct
import wave
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from reports.models import Evidence, Report
from reports.services.review.decisions import report_read
from reports.services.storage.sealed_store import open_sealed
from tests.browser.country import TITLES, Country
from tests.browser.hand import Hand

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
MISPLACE = "(id) => import('/phone/files/core/reporting/drafts.js').then((drafts) => drafts.draftSet(id, {commission: 'KZ-99'}))"
REFUSES = "navigator.storage.persist = navigator.storage.persisted = async () => false"
PROMISES = "let kept = false; navigator.storage.persist = async () => (kept = true); navigator.storage.persisted = async () => kept"


def clean(hand: Hand) -> None:
    assert (hand.found, hand.errors, hand.strangers) == ({}, [], [])


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def video() -> dict[str, Any]:
    """The outer structure of an MP4 as a phone's camera writes it, with nothing to play inside."""
    body = box(b"ftyp", b"mp42" + bytes(4) + b"isommp42") + box(b"moov", b"") + box(b"mdat", bytes(range(256)) * 1500)
    return {"name": "VID_0001.mp4", "mimeType": "video/mp4", "buffer": body}


def sound() -> dict[str, Any]:
    body = io.BytesIO()
    with wave.open(body, "wb") as tape:
        tape.setparams((1, 2, 8000, 0, "NONE", ""))
        tape.writeframes(bytes(range(250)) * 64)
    return {"name": "Recording 1.wav", "mimeType": "audio/wav", "buffer": body.getvalue()}


def iphone() -> dict[str, Any]:
    """A picture that this browser cannot decode."""
    body = box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + box(b"mdat", bytes(range(256)) * 40)
    return {"name": "IMG_0001.HEIC", "mimeType": "image/heic", "buffer": body}


def gallery(question: Locator) -> Locator:
    """What is chosen from, not taken: the only input without `capture` that takes several."""
    return question.locator("input[type=file][multiple]")


def test_video_sound_and_a_picture_that_cannot_be_shown_are_kept_sent_and_sealed(hold, country: Country):
    hand = hold()
    hand.ready(country.code())
    hand.start(TITLES["every"]["en"])
    several, photos = hand.page.locator("#q-E12"), hand.page.locator("#q-E11")
    assert gallery(several).get_attribute("accept") == "image/*,video/*,audio/*,application/pdf"
    assert gallery(photos).get_attribute("accept") == "image/*"
    asked = several.locator("input[capture]").evaluate_all(
        "(all) => all.map((one) => [one.accept, one.getAttribute('capture')])"
    )
    assert asked == [["image/*", "environment"], ["video/*", "environment"], ["audio/*", "user"]]
    assert photos.locator("input[capture]").count() == 1

    given = [video(), sound(), iphone()]
    gallery(several).set_input_files(given[:2])
    expect(several.locator(".file")).to_have_count(2)
    gallery(photos).set_input_files(given[2])
    expect(photos.locator(".file")).to_have_count(1)
    assert hand.page.locator(".file img").count() == 0
    expect(several.locator(".file").nth(0)).to_contain_text("Video")
    expect(several.locator(".file").nth(1)).to_contain_text("Sound")
    expect(photos.locator(".file")).to_contain_text("Photo")
    hand.look("16-video-sound-heic")
    hand.page.reload()
    expect(hand.page.locator(".file")).to_have_count(3)
    hand.check()
    hand.save()
    hand.sent()

    stored = {one.sha256: one for one in Evidence.objects.all()}
    assert stored.keys() == {sha256(one["buffer"]).hexdigest() for one in given}
    for one in given:
        row = stored[sha256(one["buffer"]).hexdigest()]
        assert (row.state, row.source, row.type) == ("stored", "gallery", one["mimeType"])
        with open_sealed(sha256=row.sha256) as sealed:
            assert sealed.read() == one["buffer"]
    clean(hand)


def test_the_day_says_that_a_coordinator_read_it(hold, country: Country):
    hand = hold()
    hand.ready(country.code())
    hand.start(TITLES["opening"]["en"])
    hand.page.locator(".question input").first.check()
    hand.check()
    hand.save()
    hand.sent()
    hand.go("day")
    card = hand.page.locator("ul.day > li").filter(has=hand.page.get_by_role("heading", name=TITLES["opening"]["en"]))
    expect(card.locator(".state.received").first).to_be_visible()
    report_read(report=Report.objects.get(), now=datetime.now(UTC))
    hand.page.reload()  # as whoever comes back to it does
    expect(card.locator("> .beside .state.read")).to_contain_text("Read by a coordinator")
    hand.look("22-day-read")
    card.locator("ul.rows a").click()
    hand.at("report")
    expect(hand.page.locator(".state.read").first).to_be_visible()
    hand.look("23-report-read")
    clean(hand)


class TestStorage:
    def test_a_browser_that_refuses_to_keep_everything_is_said_to(self, hold, country: Country):
        hand = hold()
        hand.context.add_init_script(REFUSES)
        hand.ready(country.code())
        hand.go("settings")
        hand.page.locator(".notice.care button").first.click()
        expect(hand.page.locator("main p[role=status]").first).to_contain_text("The browser refused.")
        hand.look("65-storage-refused")
        clean(hand)

    def test_one_that_promises_is_believed(self, hold, country: Country):
        hand = hold()
        hand.context.add_init_script(PROMISES)
        hand.ready(country.code())
        hand.go("settings")
        hand.page.locator(".notice.care button").first.click()
        expect(hand.page.locator(".notice.good")).to_contain_text("This phone keeps the reports")
        clean(hand)


class TestAnotherLanguage:
    """What was said in one is said anew in the other, as soon as that can be known."""

    def test_why_a_code_was_not_taken(self, hold, country: Country):
        hand = hold("en")
        hand.open()
        hand.at("enrol")
        hand.speak()
        hand.page.locator("#code").fill("WRNG-C0DE")
        hand.page.locator("button[type=submit]").click()
        told = hand.page.locator(".notice.bad")
        for language, words in (("en", "The code is wrong"), ("ru", "Код неверный"), ("kk", "Код қате")):
            hand.page.locator(f".languages button[lang={language}]").click()
            expect(told).to_contain_text(words)
        clean(hand)

    def test_why_a_report_was_refused(self, hold, country: Country):
        hand = hold("en")
        hand.ready(country.code())
        hand.start(TITLES["opening"]["en"])
        hand.page.evaluate(MISPLACE, hand.number())
        hand.check()
        hand.save()
        told = hand.page.locator(".notice.bad")
        expect(told).to_contain_text("This election has no such commission.")
        for language, words in (
            ("ru", "На этих выборах нет такой комиссии."),
            ("kk", "Бұл сайлауда мұндай комиссия жоқ."),
        ):
            hand.tongue(language)
            expect(told).to_contain_text(words)
            hand.go("outbox")
            expect(hand.main()).to_contain_text(words)
            hand.page.go_back()
        clean(hand)

    def test_names_of_stations_come_anew_with_the_network(self, hold, country: Country):
        hand = hold("en")
        hand.ready(country.code())
        card = hand.page.locator("a.card")
        expect(card).to_contain_text("Polling station No. 375")
        hand.tongue("ru")
        expect(card).to_contain_text("Избирательный участок № 375")
        hand.go("station")
        hand.page.locator("#search").fill("376")
        expect(hand.main().locator("ul.rows").first).to_contain_text("Избирательный участок № 376")
        hand.context.set_offline(True)
        hand.tongue("kk")
        hand.go("day")
        expect(card).to_contain_text("Избирательный участок № 375")  # better than none
        hand.context.set_offline(False)
        expect(card).to_contain_text("№ 375 сайлау учаскесі")
        clean(hand)
