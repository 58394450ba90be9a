"""Browser detection and language, before enrolment."""

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


@pytest.mark.parametrize(("agent", "in_app", "ios"), BROWSERS)
def test_in_app_browsers_are_detected(browser: Browser, site: Site, agent, in_app, ios):
    context = browser.new_context(user_agent=agent)
    environment = Phone(context, site).call("environment", "getEnvironment")
    assert (environment["inApp"], environment["ios"], environment["standalone"]) == (in_app, ios, False)
    assert environment["quota"] > 0
    context.close()


def test_the_language_is_the_browsers_until_one_is_chosen_and_then_stays(browser: Browser, site: Site):
    context = browser.new_context(locale="ru-KZ")
    phone = Phone(context, site)
    script = """const translations = await core("translations"); await translations.loadTranslations();
        return [translations.currentLanguage(), translations.isLanguageChosen(), translations.t("This phone is not enrolled."), translations.t("No {word} of ours", {word: "text"})]"""
    assert phone.run_js(script) == ["ru", False, "Этот телефон не подключён.", "No text of ours"]
    phone.call("translations", "setLanguage", "kk")
    phone.page.reload()
    assert phone.run_js(script)[:3] == ["kk", True, "Бұл телефон қосылмаған."]
    context.close()


def test_the_last_chosen_language_wins_whichever_loads_first(phone: Phone):
    script = """const translations = await core("translations"); const codes = []; translations.onLanguageChange((code) => codes.push(code));
        const slowly = translations.setLanguage("kk"); await translations.setLanguage("en"); await slowly;
        return [codes, translations.currentLanguage(), translations.t("This phone is not enrolled.")]"""
    assert phone.run_js(script) == [["en"], "en", "This phone is not enrolled."]


def test_plural_forms_follow_the_language(browser: Browser, site: Site):
    context = browser.new_context(locale="ru")
    phone = Phone(context, site)
    script = """const {tn, loadTranslations} = await core("translations"); await loadTranslations();
        return [1, 2, 5, 21].map((n) => tn("{n} report", "{n} reports", n))"""
    assert phone.run_js(script) == ["1 отчёт", "2 отчёта", "5 отчётов", "21 отчёт"]
    context.close()
