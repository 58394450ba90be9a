"""Every screen of the phone in three languages, by one observer's day: from the link to the last receipt."""

import pytest
from playwright.sync_api import expect

from observer.models import Observer
from reports.models import Evidence, Message, MessageRead, Report
from tests.browser.country import STATION, TITLES, Country
from tests.browser.hand import Hand, answer_all, photo

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]


def enrolled(hand: Hand, country: Country) -> None:
    """By link, the code of conduct, a test report with a photo."""
    hand.open()
    hand.at("enrol")
    hand.speak()
    hand.look("01-enrol-by-code")
    hand.page.locator("#code").fill("WRNG-C0DE")
    hand.page.locator("button[type=submit]").click()
    expect(hand.page.locator(".notice.bad")).to_be_visible()
    hand.look("02-enrol-wrong-code")
    hand.open(f"/phone/#enrol={country.code()}")
    hand.page.reload()
    hand.at("enrol")
    hand.look("03-enrol-by-link")
    hand.page.locator("button[type=submit]").click()
    hand.at("consent")
    hand.look("04-conduct")
    hand.accept()
    hand.look("05-test-report")
    hand.page.locator("main input[type=file]").first.set_input_files(photo())
    expect(hand.page.locator(".file img")).to_be_visible()
    hand.page.locator("main > button").first.click()
    hand.look("06-test-report-with-photo")
    hand.page.locator("main button.main").click()
    expect(hand.page.locator(".notice.good")).to_be_visible(timeout=30_000)
    hand.look("07-phone-is-ready")
    hand.page.locator("main a.main").click()
    hand.at("day")


def every_question(hand: Hand) -> None:
    hand.start(TITLES["every"][hand.language])
    hand.look("10-every-question-open")
    other = {"kk": "ru", "ru": "en", "en": "kk"}[hand.language]
    hand.page.locator("#answer-E07").fill("7,2")
    hand.page.locator(f".languages button[lang={other}]").click()
    expect(hand.page.locator("h1")).to_have_text(TITLES["every"][other])
    expect(hand.page.locator("#answer-E07")).to_have_value("7.2")
    hand.speak()
    hand.page.reload()
    expect(hand.page.locator("#answer-E07")).to_have_value("7.2")
    hand.check()
    hand.look("11-check-with-open-questions")
    hand.page.locator(".notice.care .row").first.click()
    hand.at("fill")
    answer_all(hand)
    hand.page.locator("#answer-E06").fill("4000")
    expect(hand.page.locator("#problem-E06")).not_to_be_empty()
    hand.page.locator("#q-E11 .pick input").check()
    hand.look("12-every-question-answered")
    hand.check()
    hand.page.locator("#comment").fill("Бәрі тыныш өтті.")
    hand.look("13-check")
    hand.save()
    hand.look("14-saved")
    hand.sent()
    hand.look("15-received")


def test_a_day_of_an_observer(hold, country: Country):
    hand = hold("kk")
    enrolled(hand, country)
    hand.look("08-day")
    every_question(hand)
    for code in ("opening", "voting", "counting", "incident"):
        hand.go("day")
        hand.start(TITLES[code]["kk"])
        answer_all(hand)
        hand.look(f"20-{code}")
        hand.check()
        hand.save()
    hand.sent()
    hand.go("day")
    hand.look("21-day-with-reports")

    hand.context.set_offline(True)
    hand.page.locator("a.removal").click()
    hand.at("removal")
    hand.look("30-removal")
    hand.page.locator(".alarm").click()
    expect(hand.page.locator(".notice.good")).to_be_visible()
    hand.page.locator("main input[type=file]").first.set_input_files(photo(3))
    expect(hand.page.locator(".file img")).to_be_visible()
    hand.page.locator("#words").fill("Төраға айқайлады, полиция шақырды.")
    hand.page.locator("#words + button").click()
    hand.look("31-removal-reported")
    removal = hand.number()
    hand.page.locator(".corner").click()
    hand.at("outbox")
    hand.look("32-outbox-offline")
    hand.go("day")
    hand.look("33-day-offline")
    hand.context.set_offline(False)
    hand.sent()
    hand.go("outbox")
    hand.look("34-outbox-empty")

    hand.go("messages")
    hand.look("40-messages")
    hand.page.locator("main li button").click()
    expect(hand.page.locator("main li button")).to_have_count(0)
    hand.look("41-messages-read")
    hand.go("guide")
    hand.look("50-guide")
    hand.page.locator("#search").fill("20-1")
    hand.look("51-guide-search")
    hand.page.locator("#search").fill("zzzz")
    hand.look("52-guide-nothing")
    hand.go("template/act")
    hand.page.locator("#article").select_option(index=1)
    hand.page.locator("#violation").select_option(index=1)
    assert STATION in (hand.page.locator(".paper").text_content() or "")
    hand.look("53-paper")
    hand.go("station")
    hand.page.locator("#search").fill("376")
    expect(hand.main().locator("ul.rows").first).to_contain_text("376")
    hand.page.locator("main > button").click()
    hand.look("54-station")
    hand.go("menu")
    hand.look("60-menu")
    hand.go("settings")
    hand.look("61-settings")
    hand.go("transfer")
    hand.page.locator("main > button").click()
    expect(hand.page.locator("svg.qr")).to_be_visible()
    hand.look("62-transfer")
    hand.go("relay")
    hand.look("63-relay")
    hand.go(f"report/{removal}")
    hand.look("64-removal-received")

    assert hand.found == {}
    assert hand.errors == []
    assert hand.strangers == []
    reports = Report.objects.filter(observer__code="OB-7F3K")
    counts = {code: reports.filter(version__checklist__code=code).count() for code in TITLES}
    assert counts == {
        "opening": 1,
        "voting": 1,
        "counting": 1,
        "incident": 3,
        "every": 1,
    }  # one was the rehearsal, one the removal
    assert reports.filter(rehearsal=True).count() == 1
    assert set(Evidence.objects.values_list("state", flat=True)) == {"stored"}
    answers = reports.get(version__checklist__code="every").answers
    assert (answers["E01"], answers["E06"], answers["E07"]) == ("yes", 4000, "12.5")
    expelled = reports.get(uuid=removal)
    assert expelled.commission.code == STATION
    assert expelled.lat is not None
    assert expelled.notes.count() == 1
    assert MessageRead.objects.filter(message=Message.objects.get(), observer=Observer.objects.get()).exists()
