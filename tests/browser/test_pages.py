"""The public pages in a real browser.

Every type of page, three languages, phone and desktop size, dark mode and print.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from observer.models import Commission, Election
from reports.models import Checklist, Reply, Report, ViolationType
from reports.services.checklists.compiled import clear_cache
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.review.decisions import decide_violation
from tests.browser.page_checks import find_accessibility_problems, find_overflow
from tests.support.intake import store_report
from tests.support.releases import make_release
from tests.support.world import World, make_election, make_texts, make_tree, payload

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
SIZES = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 900}}
PAGES = {
    "elections": "/{}/",
    "root": "/{}/test-2022/",
    "district": "/{}/test-2022/KZ-1-1/",
    "station": "/{}/test-2022/KZ-1-1-1/",
    "station-held": "/{}/test-2022/KZ-2-1-1/",
    "nothing-yet": "/{}/test-2022/KZ-2-2/",
    "not-published": "/{}/secret/",
    "nothing-released": "/{}/waiting/",
    "not-found": "/{}/no/such/page/",
    "release": "/{}/test-2022/releases/1/",
    "releases": "/{}/test-2022/releases/",
    "release-2": "/{}/test-2022/releases/2/",
    "finding": "/{}/test-2022/releases/2/KZ/voting/V03/",
    "finding-live": "/{}/test-2022/KZ/voting/V90/",
    "method": "/{}/test-2022/method/",
    "data": "/{}/test-2022/data/",
    "statement": "/{}/test-2022/statement/",
    "search": "/{}/test-2022/search/",
    "search-found": "/{}/test-2022/search/?q=KZ",
    "search-nothing": "/{}/test-2022/search/?q=nowhere",
}
LONG = {
    "en": "Was the choice marked on each ballot announced aloud, so that everyone in the room could hear it?",
    "ru": "Объявлялся ли вслух выбор, отмеченный на каждом избирательном бюллетене, так, чтобы слышали все присутствующие?",
    "kk": "Әр сайлау бюллетенінде белгіленген таңдау бөлмедегілердің бәріне естілетіндей дауыстап жарияланды ма?",
}
PLACE = {
    "en": "Territorial commission of Sankt-Peterburgskoye district with a rather long name",
    "ru": "Солтүстік Қазақстан, Петропавловская территориальная избирательная комиссия",
    "kk": "Солтүстік Қазақстан облысының аумақтық сайлау комиссиясы, Қызылжар ауданы",
}
OUTLINES = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "id": code, "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for code, ring in (
            ("KZ-1", [[50, 50], [60, 50], [60, 42], [50, 42], [50, 50]]),
            ("KZ-2", [[60, 50], [72, 49], [70, 42], [60, 42], [60, 50]]),
        )
    ],
}
STAGES = {
    "opening": ("Opening", "Открытие", "Ашылу"),
    "voting": ("Voting", "Голосование", "Дауыс беру"),
    "incident": ("Incident", "Происшествие", "Оқиға"),
    "tabulation": ("Tabulation", "Подведение итогов", "Қорытындылау"),
}


@pytest.fixture
def site(transactional_db, live_server, monkeypatch) -> Iterator[str]:
    """A small country with long names and a few reports of every kind."""
    # Published questions are sealed, so long wordings are given while they are made.
    monkeypatch.setattr(
        "tests.support.world.make_texts", lambda text: LONG if text in ("V03", "V17", "V30") else make_texts(text)
    )
    world = World()
    for code, (en, ru, kk) in STAGES.items():
        Checklist.objects.filter(code=code).update(titles={"en": en, "ru": ru, "kk": kk})
    names = {
        "en": "Early presidential election",
        "ru": "Внеочередные выборы Президента",
        "kk": "Кезектен тыс президент сайлауы",
    }
    # The outlines of two real regions, whose codes the test's country bears in its commissions' stead.
    monkeypatch.setattr("reports.services.publishing.snapshot_figures.load_map", lambda _election: OUTLINES)
    monkeypatch.setattr("reports.services.publishing.sources.load_map", lambda _election: OUTLINES)
    Election.objects.update(names=names, precincts_public_from=timezone.now() - timedelta(days=1))
    Commission.objects.filter(code__in=("KZ", "KZ-1", "KZ-1-1")).update(names=PLACE, address=PLACE, voters=12071000)
    ViolationType.objects.update(names=LONG)
    for station in ("KZ-1-1-1", "KZ-1-1-2", "KZ-2-1-1"):
        answers = {"V01": "female", "V03": "yes", "V15": "yes", "V16": "no", "V17": "yes", "V19": "no", "V90": "bad"}
        answers |= {"V30": ["a", "c"], "X05": 1234567, "X06": "12.5"}
        store_report(world.first, payload("voting", station, answers=answers))
        store_report(world.second, payload("opening", station))
    store_report(world.second, payload("voting", "KZ-1-1-2", answers={"V03": "no", "V15": "no", "V90": "very_good"}))
    store_report(world.first, payload("incident", "KZ-1-1-1"))
    third = world.enrol_phone("OB-4444", "KZ-1-1-3")
    store_report(third, payload("voting", "KZ-1-1-3"))
    store_report(world.first, payload("voting", "KZ-1-1-3"))
    report = Report.objects.filter(commission__code="KZ-1-1-1", violations__code="UNA-01").first()
    decide_violation(violation=report.violations.get(code="UNA-01"), state="confirmed", user=None, now=timezone.now())
    Reply.objects.create(commission=world.tree["KZ-1-1-1"], date="2022-11-22", texts=LONG)
    Reply.objects.create(commission=world.tree["KZ"], date="2022-11-22", texts=LONG)
    recompute_due_summaries()
    make_release(world.election, texts=LONG, remarks={"voting": LONG})
    store_report(world.first, payload("voting", "KZ-1-2-1", answers={"V03": "yes", "V15": "no", "V90": "bad"}))
    recompute_due_summaries()
    make_release(world.election, finding="voting:V03")
    make_tree(make_election("secret", publication="closed"))
    make_tree(make_election("waiting", publication="released", names=names))
    yield live_server.url
    clear_cache()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_page_fits_and_is_accessible(browser: Browser, site, watch, screenshot_dir, language, size):
    context = browser.new_context(viewport=SIZES[size], java_script_enabled=True)
    page = context.new_page()
    watched = watch(page)
    problems = {}
    for name, path in PAGES.items():
        page.goto(site + path.format(language))
        page.screenshot(path=screenshot_dir / f"{name}-{language}-{size}.png", full_page=True)
        problems[name] = find_overflow(page) + find_accessibility_problems(page)
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == language
    context.close()
    assert problems == {name: [] for name in PAGES}
    assert watched.console_errors == []
    assert watched.foreign_requests == []


def test_dark_mode_is_as_readable(browser: Browser, site, screenshot_dir):
    context = browser.new_context(viewport=SIZES["desk"], color_scheme="dark")
    page = context.new_page()
    for name in ("root", "station", "not-published", "release-2", "finding", "statement", "search-found", "data"):
        page.goto(site + PAGES[name].format("ru"))
        page.screenshot(path=screenshot_dir / f"{name}-ru-dark.png", full_page=True)
        assert find_accessibility_problems(page) == []
    context.close()


def test_a_page_prints(browser: Browser, site, screenshot_dir):
    context = browser.new_context(viewport=SIZES["desk"])
    page = context.new_page()
    page.goto(site + PAGES["root"].format("kk"))
    page.emulate_media(media="print")
    page.screenshot(path=screenshot_dir / "root-kk-print.png", full_page=True)
    assert page.pdf(path=screenshot_dir / "root-kk.pdf", format="A4").startswith(b"%PDF")
    assert not page.locator(".languages").is_visible()
    context.close()


def test_pages_work_without_a_script(browser: Browser, site):
    context = browser.new_context(viewport=SIZES["phone"], java_script_enabled=False)
    page = context.new_page()
    page.goto(site)
    assert page.url == site + "/en/"
    page.get_by_role("link", name="Early presidential election").first.click()
    page.get_by_role("row").get_by_role("link", name=PLACE["en"]).first.click()
    assert page.url.endswith("/en/test-2022/KZ-1/")
    page.get_by_role("link", name="Қазақша").click()
    assert page.url.endswith("/kk/test-2022/KZ-1/")
    context.close()


def test_the_map_works_by_keyboard_and_screen_reader(browser: Browser, site):
    page = browser.new_page()
    page.goto(site + "/en/test-2022/releases/2/KZ/voting/V03/")
    region = page.locator(".map a").first
    assert region.get_attribute("aria-label") == f"{PLACE['en']}: 2 of 4"
    region.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/releases/2/KZ-1/")
    assert page.locator("h1").inner_text() == PLACE["en"]
    page.close()


def test_a_station_is_found_without_a_script(browser: Browser, site):
    context = browser.new_context(viewport=SIZES["phone"], java_script_enabled=False)
    page = context.new_page()
    page.goto(site + "/en/test-2022/search/")
    page.get_by_role("searchbox").fill("KZ-1-1-1")
    page.get_by_role("button", name="Find").click()
    page.locator(".found a").first.click()
    assert page.url.endswith("/en/test-2022/KZ-1-1-1/")
    assert page.get_by_text("Observers reported from this station.").is_visible()
    context.close()


def test_the_keyboard_reaches_the_content_first(browser: Browser, site):
    page = browser.new_page()
    page.goto(site + "/en/test-2022/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()
