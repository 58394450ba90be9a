"""Every screen of the phone in three languages, through one observer's day."""

import pytest
from playwright.sync_api import expect

from observer.models import Observer
from reports.models import Evidence, Message, MessageRead, Report
from tests.browser.country import STATION, TITLES, Country
from tests.browser.phone_user import PhoneUser, answer_all_questions, make_photo

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]


def set_up_by_link(user: PhoneUser, country: Country) -> None:
    """Enrols by link, accepts the conduct, sends a test report with a photo."""
    user.open()
    user.expect_screen("enrol")
    user.choose_language()
    user.check_screen("01-enrol-by-code")
    user.page.locator("#code").fill("WRNG-C0DE")
    user.page.locator("button[type=submit]").click()
    expect(user.page.locator(".notice.bad")).to_be_visible()
    user.check_screen("02-enrol-wrong-code")
    user.open(f"/phone/#enrol={country.new_code()}")
    user.page.reload()
    user.expect_screen("enrol")
    user.check_screen("03-enrol-by-link")
    user.page.locator("button[type=submit]").click()
    user.expect_screen("consent")
    user.check_screen("04-conduct")
    user.accept_conduct()
    user.check_screen("05-test-report")
    user.page.locator("main input[type=file]").first.set_input_files(make_photo())
    expect(user.page.locator(".file img")).to_be_visible()
    user.page.locator("main > button").first.click()
    user.check_screen("06-test-report-with-photo")
    user.page.locator("main button.main").click()
    expect(user.page.locator(".notice.good")).to_be_visible(timeout=30_000)
    user.check_screen("07-phone-is-ready")
    user.page.locator("main a.main").click()
    user.expect_screen("day")


def fill_every_question(user: PhoneUser) -> None:
    user.open_checklist(TITLES["every"][user.language])
    user.check_screen("10-every-question-open")
    other = {"kk": "ru", "ru": "en", "en": "kk"}[user.language]
    user.page.locator("#answer-E07").fill("7,2")
    user.page.locator(f".languages button[lang={other}]").click()
    expect(user.page.locator("h1")).to_have_text(TITLES["every"][other])
    expect(user.page.locator("#answer-E07")).to_have_value("7.2")
    user.choose_language()
    user.page.reload()
    expect(user.page.locator("#answer-E07")).to_have_value("7.2")
    user.open_check()
    user.check_screen("11-check-with-open-questions")
    user.page.locator(".notice.care .row").first.click()
    user.expect_screen("fill")
    answer_all_questions(user)
    user.page.locator("#answer-E06").fill("4000")
    expect(user.page.locator("#problem-E06")).not_to_be_empty()
    user.page.locator("#q-E11 .pick input").check()
    user.check_screen("12-every-question-answered")
    user.open_check()
    user.page.locator("#comment").fill("Бәрі тыныш өтті.")
    user.check_screen("13-check")
    user.save_report()
    user.check_screen("14-saved")
    user.wait_until_sent()
    user.check_screen("15-received")


def test_a_day_of_an_observer(new_user, country: Country):
    user = new_user("kk")
    set_up_by_link(user, country)
    user.check_screen("08-day")
    fill_every_question(user)
    for code in ("opening", "voting", "counting", "incident"):
        user.go_to("day")
        user.open_checklist(TITLES[code]["kk"])
        answer_all_questions(user)
        user.check_screen(f"20-{code}")
        user.open_check()
        user.save_report()
    user.wait_until_sent()
    user.go_to("day")
    user.check_screen("21-day-with-reports")

    user.context.set_offline(True)
    user.page.locator("a.removal").click()
    user.expect_screen("removal")
    user.check_screen("30-removal")
    user.page.locator(".alarm").click()
    expect(user.page.locator(".notice.good")).to_be_visible()
    user.page.locator("main input[type=file]").first.set_input_files(make_photo(3))
    expect(user.page.locator(".file img")).to_be_visible()
    user.page.locator("#words").fill("Төраға айқайлады, полиция шақырды.")
    user.page.locator("#words + button").click()
    user.check_screen("31-removal-reported")
    removal = user.current_id()
    user.page.locator(".corner").click()
    user.expect_screen("outbox")
    user.check_screen("32-outbox-offline")
    user.go_to("day")
    user.check_screen("33-day-offline")
    user.context.set_offline(False)
    user.wait_until_sent()
    user.go_to("outbox")
    user.check_screen("34-outbox-empty")

    user.go_to("messages")
    user.check_screen("40-messages")
    user.page.locator("main li button").click()
    expect(user.page.locator("main li button")).to_have_count(0)
    user.check_screen("41-messages-read")
    user.go_to("guide")
    user.check_screen("50-guide")
    user.page.locator("#search").fill("20-1")
    user.check_screen("51-guide-search")
    user.page.locator("#search").fill("zzzz")
    user.check_screen("52-guide-nothing")
    user.go_to("template/act")
    user.page.locator("#article").select_option(index=1)
    user.page.locator("#violation").select_option(index=1)
    assert STATION in (user.page.locator(".paper").text_content() or "")
    user.check_screen("53-paper")
    user.go_to("station")
    user.page.locator("#search").fill("376")
    expect(user.main().locator("ul.rows").first).to_contain_text("376")
    user.page.locator("main > button").click()
    user.check_screen("54-station")
    user.go_to("menu")
    user.check_screen("60-menu")
    user.go_to("settings")
    user.check_screen("61-settings")
    user.go_to("transfer")
    user.page.locator("main > button").click()
    expect(user.page.locator("svg.qr")).to_be_visible()
    user.check_screen("62-transfer")
    user.go_to("relay")
    user.check_screen("63-relay")
    user.go_to(f"report/{removal}")
    user.check_screen("64-removal-received")

    assert user.problems == {}
    assert user.errors == []
    assert user.foreign_requests == []
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
