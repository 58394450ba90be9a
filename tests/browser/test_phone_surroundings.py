"""Where the phone's page runs, and in which language: what it must know before anybody enrols."""

import pytest
from playwright.sync_api import Browser

from tests.browser.phone import Phone, Site

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.slow]
ANDROID = "Mozilla/5.0 (Linux; Android 10; SM-A107F{}) AppleWebKit/537.36 (KHTML, like Gecko) {}Chrome/90.0.4430.91 Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {}"
BROWSERS = [
    (ANDROID.format("", ""), None, False),
    (ANDROID.format("; wv", "Version/4.0 "), "?", False),
    (ANDROID.format("; wv", "Version/4.0 ") + " Instagram 180.0.0.31", "Instagram", False),
    (ANDROID.format("", "") + " [FB_IAB/FB4A;FBAV/320.0]", "Facebook", False),
    (ANDROID.format("; wv", "Version/4.0 ") + " VKAndroidApp/7.1", "VK", False),
    (IPHONE.format("Version/15.4 Mobile/15E148 Safari/604.1"), None, True),
    (IPHONE.format("Mobile/15E148"), "?", True),
    (IPHONE.format("Mobile/15E148 Instagram 180.0"), "Instagram", True),
]


@pytest.mark.parametrize(("agent", "inside", "ios"), BROWSERS)
def test_browsers_inside_other_applications_are_known(browser: Browser, site: Site, agent, inside, ios):
    context = browser.new_context(user_agent=agent)
    around = Phone(context, site).call("surroundings", "surroundings")
    assert (around["inApp"], around["ios"], around["standalone"]) == (inside, ios, False)
    assert around["quota"] > 0
    context.close()


def test_the_language_is_the_browsers_until_one_is_chosen_and_then_stays(browser: Browser, site: Site):
    context = browser.new_context(locale="ru-KZ")
    phone = Phone(context, site)
    say = """const words = await core("words"); await words.wordsLoad();
        return [words.language(), words.languageChosen(), words.t("This phone is not enrolled."), words.t("No {word} of ours", {word: "text"})]"""
    assert phone.js(say) == ["ru", False, "Этот телефон не подключён.", "No text of ours"]
    phone.call("words", "languageSet", "kk")
    phone.page.reload()
    assert phone.js(say)[:3] == ["kk", True, "Бұл телефон қосылмаған."]
    context.close()


def test_the_language_chosen_last_holds_whichever_words_come_first(phone: Phone):
    said = """const words = await core("words"); const heard = []; words.languageChanged((code) => heard.push(code));
        const slowly = words.languageSet("kk"); await words.languageSet("en"); await slowly;
        return [heard, words.language(), words.t("This phone is not enrolled.")]"""
    assert phone.js(said) == [["en"], "en", "This phone is not enrolled."]


def test_numbers_take_the_forms_of_their_language(browser: Browser, site: Site):
    context = browser.new_context(locale="ru")
    phone = Phone(context, site)
    count = """const {tn, wordsLoad} = await core("words"); await wordsLoad();
        return [1, 2, 5, 21].map((n) => tn("{n} report", "{n} reports", n))"""
    assert phone.js(count) == ["1 отчёт", "2 отчёта", "5 отчётов", "21 отчёт"]
    context.close()
