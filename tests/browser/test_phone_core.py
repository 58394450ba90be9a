"""The phone's heart against the real server: enrolling, writing, sending, whatever breaks in between."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from tests.browser.conftest import CHROMIUM
from tests.browser.phone import Phone, Site, running

pytestmark = [pytest.mark.browser, pytest.mark.slow]
API = "**/api/v1"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Phone]:
    context = browser.new_context()
    yield Phone(context, site)
    context.close()


@pytest.fixture
def another(browser: Browser, site: Site) -> Iterator[Callable[[], Phone]]:
    contexts: list[BrowserContext] = []

    def make() -> Phone:
        contexts.append(browser.new_context())
        return Phone(contexts[-1], site)

    yield make
    for context in contexts:
        context.close()


class Lost:
    """The server takes the request; its answer is lost, `times` times."""

    def __init__(self, phone: Phone, pattern: str, times: int = 1) -> None:
        self.left = times
        phone.context.route(pattern, self)

    def __call__(self, route: Route) -> None:
        if self.left:
            self.left -= 1
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()


def received(site: Site, *ids: str) -> list[str]:
    """Which of these the server holds, once for each time that it does."""
    return [row["id"] for row in site.state()["reports"] if row["id"] in ids]


class TestEnrolling:
    def test_the_same_code_again_after_the_answer_was_lost(self, phone: Phone, site: Site):
        _observer, code, _other = next(site.codes)
        Lost(phone, f"{API}/enrol")
        assert phone.call("enrolment", "enrol", code)["problem"]
        assert phone.call("enrolment", "enrolling") == code.replace("-", "")
        assert phone.call("enrolment", "enrol", code) == {"ok": True}
        assert phone.call("enrolment", "enrolling") is None
        assert phone.call("reference", "refresh")["problem"] is None

    def test_a_page_that_died_before_the_answer_goes_on_with_the_code(self, phone: Phone, site: Site):
        observer, code, _other = next(site.codes)
        Lost(phone, f"{API}/enrol")
        phone.call("enrolment", "enrol", code)
        page = phone.open()
        kept = phone.call("enrolment", "enrolling", page=page)
        assert phone.call("enrolment", "enrol", kept, page=page) == {"ok": True}
        assert phone.call("identity", "identity", page=page)["observer"] == observer

    def test_two_windows_with_one_code_are_one_phone(self, phone: Phone, site: Site):
        _observer, code, _other = next(site.codes)
        page = phone.open()
        js = "(code) => { window.done = import('/phone/files/core/enrolment.js').then((m) => m.enrol(code)) }"
        for one in (phone.page, page):
            one.evaluate(js, code)
        assert [one.evaluate("window.done") for one in (phone.page, page)] == [{"ok": True}, {"ok": True}]
        assert phone.call("reference", "refresh")["problem"] is None

    def test_a_wrong_code_is_told_and_forgotten(self, phone: Phone):
        assert phone.js("return (await (await core('enrolment')).enrol('0000-0000')).problem.code") == "invalid_code"
        assert phone.js("return (await (await core('enrolment')).enrol('no code')).problem.code") == "invalid_code"
        assert phone.call("enrolment", "enrolling") is None

    def test_without_a_network_the_code_is_kept(self, phone: Phone, site: Site):
        _observer, code, _other = next(site.codes)
        phone.call("words", "language")
        phone.js("await core('enrolment')")
        phone.context.set_offline(True)
        assert phone.js("return (await (await core('enrolment')).enrol(given)).problem.code", code) == "no_answer"
        phone.context.set_offline(False)
        assert phone.call("enrolment", "enrol", phone.call("enrolment", "enrolling")) == {"ok": True}

    def test_a_phone_that_was_handed_on_sends_each_report_in_its_writers_name(self, phone: Phone, site: Site):
        first = phone.enrol()
        phone.context.set_offline(True)
        mine = phone.write()
        phone.context.set_offline(False)
        phone.context.route(f"{API}/reports/batch", lambda route: route.abort())
        second = phone.enrol()
        theirs = phone.write()
        phone.context.unroute(f"{API}/reports/batch")
        phone.sync()
        who = {row["id"]: row["observer"] for row in site.state()["reports"]}
        assert (who[mine], who[theirs]) == (first, second)

    def test_another_browser_takes_over_by_transfer(self, phone: Phone, another, site: Site):
        observer = phone.enrol()
        mine = phone.write(photos=1)
        phone.sync()
        code = phone.call("enrolment", "transferCode")["code"]
        new = another()
        assert new.call("enrolment", "enrol", code) == {"ok": True}
        new.call("reference", "refresh")
        new.sync()
        assert new.call("identity", "identity")["observer"] == observer
        known = new.report(mine)
        assert known["elsewhere"] and known["state"] == "received"
        more = new.write()
        new.sync()
        assert sorted(received(site, mine, more)) == sorted([mine, more])


class TestWriting:
    def test_every_answer_survives_a_reload(self, phone: Phone):
        phone.enrol()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.js(
            "const {answerSet} = await core('drafts'); for (let n = 0; n < 50; n += 1) void answerSet(given, 'X07', 'a'.repeat(n));"
            "await answerSet(given, 'X07', 'the last'); await answerSet(given, 'V03', 'yes')", draft,
        )  # fmt: skip
        phone.page.reload()
        assert phone.call("drafts", "draft", draft)["answers"] == {"X07": "the last", "V03": "yes"}
        again = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        assert again == draft

    def test_saving_twice_is_saving_once(self, phone: Phone, site: Site):
        phone.enrol()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        both = phone.js("const {save} = await core('outbox'); return Promise.all([save(given), save(given)])", draft)
        assert both == [draft, draft]
        phone.sync()
        assert received(site, draft) == [draft]

    def test_another_window_learns_that_the_form_is_saved(self, phone: Phone):
        phone.enrol()
        page = phone.open()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        page.evaluate(
            "async () => { window.seen = new Set();"
            "(await import('/phone/files/core/store.js')).changed((stores) => stores.forEach((s) => window.seen.add(s))) }"
        )
        phone.call("outbox", "save", draft)
        assert phone.call("drafts", "answerSet", draft, "V03", "no", page=page)["failed"] == "draft_gone"
        phone.until("window.seen.has('reports') && window.seen.has('drafts')", page)

    def test_what_the_server_could_not_read_is_not_saved_and_not_lost(self, phone: Phone):
        phone.enrol()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.call("drafts", "answerSet", draft, "X05", "many")
        failed = phone.call("outbox", "save", draft)
        assert failed == {"failed": "invalid_answers", "errors": [{"question": "X05", "code": "not_a_number"}]}
        assert phone.call("drafts", "draft", draft)["answers"] == {"X05": "many"}

    def test_answers_to_questions_that_are_not_asked_stay_here(self, phone: Phone, site: Site):
        phone.enrol()
        mine = phone.write(answers={"V03": "no", "V15": "no", "V16": "yes", "X07": "half \ud83d a pair \0"})
        phone.sync()
        (row,) = [row for row in site.state()["reports"] if row["id"] == mine]
        assert row["answers"] == {"V03": "no", "V15": "no", "X07": "half  a pair"}

    def test_an_update_begins_with_what_was_said(self, phone: Phone, site: Site):
        phone.enrol()
        first = phone.write("opening")
        draft = phone.call(
            "drafts", "draftOpen", {"checklist": "opening", "commission": "KZ-1-1-1", "supersedes": first}
        )
        assert phone.call("drafts", "draft", draft)["answers"] == {"O01": "yes", "O90": "good"}
        phone.call("drafts", "answerSet", draft, "O90", "bad")
        phone.call("outbox", "save", draft)
        phone.sync()
        assert sorted(received(site, first, draft)) == sorted([first, draft])


class TestSending:
    def test_an_answer_that_was_lost_counts_once(self, phone: Phone, site: Site):
        phone.enrol()
        Lost(phone, f"{API}/reports/batch", times=3)
        mine = phone.write(photos=2)
        for _ in range(4):
            phone.sync()
        assert phone.report(mine)["state"] == "received"
        assert received(site, mine) == [mine]
        assert set(phone.hashes().values()) <= set(site.sealed())

    def test_every_answer_to_a_piece_may_be_lost(self, phone: Phone, site: Site):
        phone.enrol()
        Lost(phone, f"{API}/evidence/*", times=6)
        mine = phone.write(photos=3)
        for _ in range(8):
            phone.sync()
        assert phone.counts()["files"] == 0
        assert set(phone.hashes().values()) <= set(site.sealed())
        assert received(site, mine) == [mine]

    @pytest.mark.parametrize(
        "body", ["<html>Sign in to the Wi-Fi</html>", '{"ok": true}', '{"results": []}', '{"results": [{"id": 1}]}']
    )
    def test_what_is_no_receipt_receives_nothing(self, phone: Phone, body: str):
        phone.enrol()
        kind = "text/html" if body.startswith("<") else "application/json"
        phone.context.route(
            f"{API}/reports/batch", lambda route: route.fulfill(status=200, body=body, content_type=kind)
        )
        mine = phone.write()
        phone.sync()
        assert phone.report(mine)["state"] == "waiting"
        phone.context.unroute(f"{API}/reports/batch")
        phone.js("const {transact} = await core('store'); await transact(['reports'], async (tx) => {"
                 "for (const one of await tx.store.getAll()) await tx.store.put({...one, next_at: 0}) })")  # fmt: skip
        phone.sync()
        assert phone.report(mine)["state"] == "received"

    def test_the_receipt_of_another_report_is_no_receipt(self, phone: Phone):
        phone.enrol()
        mine = phone.write()
        phone.sync()
        receipt = phone.report(mine)["receipt"]

        def swap(route: Route) -> None:
            (sent,) = route.request.post_data_json["reports"]
            route.fulfill(json={"results": [{"id": sent["id"], "outcome": "stored", "receipt": receipt}]})

        phone.context.route(f"{API}/reports/batch", swap)
        other = phone.write()
        phone.sync()
        assert phone.report(other)["state"] == "waiting"

    def test_the_frozen_body_is_sent_the_same_each_time(self, phone: Phone):
        phone.enrol()
        bodies: list[str] = []
        phone.context.route(
            f"{API}/reports/batch", lambda route: (bodies.append(route.request.post_data), route.abort())
        )
        mine = phone.write(comment='Қазақша «тырнақша» \\ "quoted"')
        frozen = phone.report(mine)["body"]
        phone.sync()
        phone.sync()
        assert len(bodies) >= 2
        assert all(body.startswith('{"reports":[' + frozen[:-1] + ',"sent_at":"') for body in bodies)

    def test_an_incident_goes_before_the_next_piece(self, phone: Phone, site: Site):
        phone.enrol()
        order: list[str] = []
        phone.context.on(
            "request", lambda request: order.append(f"{request.method} {request.url.rpartition('/v1/')[2][:14]}")
        )
        mine = phone.write(photos=6)
        urgent = phone.call("removal", "removed", {"position": {"lat": 43.2, "lon": 76.9, "accuracy": 8}})
        phone.sync()
        phone.sync()
        assert sorted(received(site, mine, urgent)) == sorted([mine, urgent])
        second = [place for place, said in enumerate(order) if said == "POST reports/batch"][1]
        assert any(said.startswith("PATCH") for said in order[second:])

    def test_a_refused_report_stays_with_its_reason_and_can_be_corrected(self, phone: Phone, site: Site):
        phone.enrol()
        wrong, right = phone.write(commission="KZ-9-9-9", photos=1), phone.write()
        phone.sync()
        assert phone.report(wrong)["state"] == "refused"
        assert phone.report(wrong)["problem"]["code"] == "unknown_commission"
        assert phone.report(right)["state"] == "received"
        assert phone.call("outbox", "correct", wrong) == wrong
        phone.call("drafts", "draftSet", wrong, {"commission": "KZ-1-1-2"})
        assert phone.report(wrong)["state"] == "refused"
        phone.call("outbox", "save", wrong)
        phone.sync()
        assert phone.report(wrong)["state"] == "received"
        assert phone.counts()["files"] == 0
        assert received(site, wrong) == [wrong]
        assert set(phone.hashes().values()) <= set(site.sealed())

    def test_a_conflict_stays_and_stops_nothing(self, phone: Phone, another, site: Site):
        phone.enrol()
        mine = phone.write()
        phone.sync()
        phone.js("const {transact} = await core('store'); await transact(['reports'], async (tx) => {"
                 "const one = await tx.store.get(given);"
                 "await tx.store.put({...one, state: 'waiting', receipt: null, body: one.body.replace('\"good\"', '\"bad\"')}) })",
                 mine)  # fmt: skip
        other = phone.write()
        phone.sync()
        assert phone.report(mine)["state"] == "conflict"
        assert phone.report(mine)["problem"]["code"] == "changed_content"
        assert phone.report(other)["state"] == "received"
        assert phone.counts()["conflict"] == 1
        assert received(site, mine) == [mine]

    def test_a_revoked_phone_keeps_everything_and_stops(self, phone: Phone, site: Site):
        observer = phone.enrol()
        site.deployment.python(
            "from observer.models import Device\nfrom django.utils import timezone\n"
            f"Device.objects.filter(observer__code={observer!r}).update(revoked_at=timezone.now())"
        )
        mine = phone.write(photos=1)
        assert phone.sync()["problem"] == "device_revoked"
        assert phone.call("identity", "identity")["revoked"]["code"] == "device_revoked"
        asked: list[str] = []
        phone.context.on("request", lambda request: asked.append(request.url))
        assert phone.sync()["problem"] == "device_revoked"
        assert [url for url in asked if "/api/" in url] == []
        assert phone.report(mine)["state"] == "waiting"
        assert phone.counts() | {"waiting": 1, "files": 1} == phone.counts()

    def test_a_revoked_phone_that_is_enrolled_again_sends_what_waited(self, phone: Phone, site: Site):
        observer, code, other = next(site.codes)
        assert phone.call("enrolment", "enrol", code) == {"ok": True}
        phone.call("reference", "refresh")
        site.deployment.python(
            "from observer.models import Device\nfrom django.utils import timezone\n"
            f"Device.objects.filter(observer__code={observer!r}).update(revoked_at=timezone.now())"
        )
        mine = phone.write(photos=1)
        assert phone.sync()["problem"] == "device_revoked"
        assert phone.call("enrolment", "enrol", other) == {"ok": True}
        phone.sync()
        assert phone.report(mine)["state"] == "received"
        assert phone.counts()["files"] == 0

    def test_two_windows_send_each_thing_once(self, phone: Phone, site: Site):
        phone.enrol()
        page = phone.open()
        sent: list[str] = []
        phone.context.on("request", lambda request: sent.append(request.method) if "batch" in request.url else None)
        phone.context.set_offline(True)
        ids = [phone.write() for _ in range(3)]
        phone.context.set_offline(False)
        sent.clear()
        for one in (phone.page, page):
            one.evaluate("() => { window.done = import('/phone/files/core/sync.js').then((m) => m.sync('online')) }")
        assert [one.evaluate("window.done.then((d) => d.left)") for one in (phone.page, page)] == [0, 0]
        assert len(sent) == 1
        assert sorted(received(site, *ids)) == sorted(ids)

    def test_words_and_photos_follow_a_report(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        mine = phone.call("removal", "removed", {})
        phone.call("outbox", "note", mine, "Төраға айтты")
        phone.js("const {fileAdd} = await core('files');"
                 "await fileAdd({report: given, blob: new Blob(['not a picture'], {type: 'image/jpeg'}), source: 'gallery'})",
                 mine)  # fmt: skip
        assert phone.counts() | {"waiting": 1, "files": 1, "errands": 1} == phone.counts()
        phone.context.set_offline(False)
        phone.sync("online")
        assert phone.counts() | {"waiting": 0, "files": 0, "errands": 0} == phone.counts()
        state = site.state()
        assert [file["state"] for file in state["files"] if file["report"] == mine] == ["stored"]
        (row,) = [row for row in state["reports"] if row["id"] == mine]
        assert row["answers"] == {"I01": "ACC-01"}

    def test_a_removal_reports_what_the_election_names(self, phone: Phone, site: Site):
        phone.enrol()
        phone.js("const {transact} = await core('store'); await transact(['reference'], async (tx) => {"
                 "const me = await tx.store.get('/me'); me.value.election.removal = 'UNA-01'; await tx.store.put(me) })")  # fmt: skip
        mine = phone.call("removal", "removed", {"position": {"lat": 43.25, "lon": 76.95, "accuracy": 12}})
        phone.sync()
        (row,) = [row for row in site.state()["reports"] if row["id"] == mine]
        assert row["answers"] == {"I01": "UNA-01"}

    def test_a_clock_three_hours_wrong_is_told_and_taken(self, browser: Browser, site: Site):
        context = browser.new_context()
        context.add_init_script("const real = Date.now; const Old = Date; const wrong = -3 * 3600e3;"
                                "window.Date = class extends Old { constructor(...a) { a.length ? super(...a) : super(real() + wrong) }"
                                "static now() { return real() + wrong } }")  # fmt: skip
        phone = Phone(context, site)
        phone.enrol()
        mine = phone.write()
        phone.sync()
        assert abs(phone.call("store", "metaGet", "clock_offset") - 3 * 3_600_000) < 60_000
        report = phone.report(mine)
        assert report["state"] == "received"
        assert "clock_off" in report["receipt"]["flags"]
        context.close()

    def test_one_report_that_spoils_a_batch_keeps_no_other_back(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        ids = [phone.write() for _ in range(5)]
        phone.context.set_offline(False)

        def spoiled(route: Route) -> None:
            if ids[2] in (route.request.post_data or ""):
                problem = {"code": "server_error", "status": 500, "title": "", "detail": "", "errors": []}
                route.fulfill(status=500, json=problem, content_type="application/problem+json")
            else:
                route.continue_()

        phone.context.route(f"{API}/reports/batch", spoiled)
        phone.sync("online")
        states = [phone.report(one)["state"] for one in ids]
        assert states == ["received", "received", "waiting", "received", "received"]
        assert phone.report(ids[2])["next_at"] > 0

    def test_the_server_is_left_alone_as_long_as_it_asks(self, phone: Phone):
        phone.enrol()
        asked: list[str] = []

        def busy(route: Route) -> None:
            asked.append(route.request.url)
            problem = {"code": "unavailable", "status": 503, "title": "", "detail": "", "errors": []}
            route.fulfill(
                status=503, json=problem, content_type="application/problem+json", headers={"Retry-After": "600"}
            )

        phone.context.route(f"{API}/reports/batch", busy)
        mine = phone.write()
        phone.sync("user")
        phone.sync("online")
        assert len(asked) == 1
        assert phone.report(mine)["state"] == "waiting"

    def test_a_report_whose_answer_was_lost_gets_its_receipt_after_the_election_closed(self, phone: Phone, site: Site):
        phone.enrol()
        Lost(phone, f"{API}/reports/batch")
        mine = phone.write()
        phone.sync()
        close = "from observer.models import Election\nElection.objects.update(state={!r})"
        site.deployment.python(close.format("closed"))
        phone.sync()
        site.deployment.python(close.format("open"))
        assert phone.report(mine)["state"] == "received"
        assert received(site, mine) == [mine]

    def test_a_small_copy_goes_first(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.js("""const canvas = new OffscreenCanvas(3000, 2000); const pen = canvas.getContext("2d");
            for (let n = 0; n < 4000; n += 1) { pen.fillStyle = `hsl(${n * 7} 80% 50%)`;
              pen.fillRect((n * 7919) % 3000, (n * 104729) % 2000, 90, 60); }
            const {fileAdd} = await core("files");
            await fileAdd({draft: given, question: "X11", blob: await canvas.convertToBlob({type: "image/jpeg", quality: 0.95}), source: "camera"})""",
                 draft)  # fmt: skip
        phone.call("outbox", "save", draft)
        copy, original = sorted(phone.call("store", "all", "files"), key=lambda one: one["preview_of"] is None)
        assert copy["preview_of"] == original["id"]
        assert copy["size"] < original["size"] / 2
        order: list[str] = []
        phone.context.on(
            "request", lambda request: order.append(request.url[-36:]) if request.method == "PATCH" else None
        )
        phone.context.set_offline(False)
        phone.sync("online")
        assert order[0] == copy["id"]
        assert set(order[1:]) == {original["id"]}
        assert {copy["sha256"], original["sha256"]} <= set(site.sealed())

    def test_a_server_that_was_restored_without_a_report_is_sent_it_again(self, phone: Phone, site: Site):
        phone.enrol()
        mine = phone.write()
        phone.sync()
        problem = {"status": 404, "json": {"code": "not_found"}, "content_type": "application/problem+json"}
        for what in ("evidence", "notes"):
            phone.context.route(f"{API}/reports/*/{what}", lambda route: route.fulfill(**problem))
        sent: list[str] = []
        phone.context.on("request", lambda request: sent.append(request.url) if "batch" in request.url else None)
        phone.js("const {fileAdd} = await core('files'); await fileAdd({report: given, blob: new Blob(['x'])})", mine)
        phone.call("outbox", "note", mine, "after the report")
        phone.sync()
        assert phone.report(mine)["attempts"] > 0
        for what in ("evidence", "notes"):
            phone.context.unroute(f"{API}/reports/*/{what}")
        phone.js("const {transact} = await core('store'); const names = ['reports', 'files', 'errands'];"
                 "await transact(names, async (tx) => { for (const s of names) for (const one of await tx.objectStore(s).getAll())"
                 "await tx.objectStore(s).put({...one, next_at: 0}) })")  # fmt: skip
        phone.sync()
        assert sent
        assert phone.report(mine)["state"] == "received"
        assert phone.counts() | {"waiting": 0, "files": 0, "errands": 0} == phone.counts()


class TestAWholeDayOffline:
    def test_100_reports_with_200_photos_arrive_once_and_whole(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        ids = [phone.write(photos=2) for _ in range(100)]
        assert phone.counts() | {"waiting": 100} == phone.counts()
        here = phone.hashes()
        assert len(here) >= 200
        before = len(site.state()["reports"])
        phone.context.set_offline(False)
        phone.sync("online")
        assert phone.counts() == {
            "waiting": 0, "refused": 0, "conflict": 0, "files": 0, "files_refused": 0, "errands": 0, "bytes": 0,
        }  # fmt: skip
        state = site.state()
        assert len(state["reports"]) == before + 100
        assert sorted(received(site, *ids)) == sorted(ids)
        stored = {file["id"]: file["sha256"] for file in state["files"] if file["state"] == "stored"}
        assert {name: stored[name] for name in here} == here
        assert set(here.values()) <= set(site.sealed())


class TestAServerThatDies:
    def test_in_the_middle_of_batches_and_pieces(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        ids = [phone.write(photos=1) for _ in range(30)]
        here = phone.hashes()
        phone.context.set_offline(False)
        for stop_at in ("reports/batch", "evidence/", "evidence/"):
            seen: list[str] = []
            phone.page.on(
                "request",
                lambda request, word=stop_at, seen=seen: seen.append(request.url) if word in request.url else None,
            )
            phone.page.evaluate(
                "() => { window.done = import('/phone/files/core/sync.js').then((m) => m.sync('online')) }"
            )
            phone.wait(lambda seen=seen: bool(seen))
            site.stop(signal.SIGKILL)
            phone.page.evaluate("window.done")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(site.start).result()
        phone.sync("online")
        assert phone.counts() | {"waiting": 0, "files": 0} == phone.counts()
        assert sorted(received(site, *ids)) == sorted(ids)
        assert set(here.values()) <= set(site.sealed())


class TestABrowserThatDies:
    def test_in_the_middle_of_photos(self, browser: Browser, site: Site, tmp_path: Path):
        """Killed at any moment: what was called kept is there, with its bytes, and nothing is there by half."""
        profile = tmp_path / "profile"
        context = launched(browser, profile)
        phone = Phone(context, site)
        phone.enrol()
        draft = phone.call("drafts", "draftOpen", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.call("drafts", "answerSet", draft, "X07", "written before the battery died")
        phone.page.evaluate("""(draft) => { window.kept = []; import('/phone/files/core/files.js').then(async ({fileAdd}) => {
            for (let n = 0; n < 10; n += 1) {
              const bytes = new Uint8Array(6_000_000); for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
              const file = await fileAdd({draft, blob: new Blob([bytes], {type: 'video/mp4'}), source: 'camera'});
              window.kept.push([file.id, file.sha256]);
            } }) }""", draft)  # fmt: skip
        phone.until("window.kept.length >= 3")
        promised = dict(phone.page.evaluate("window.kept"))
        killed(profile)

        context = launched(browser, profile)
        phone = Phone(context, site)
        assert phone.call("drafts", "draft", draft)["answers"] == {"X07": "written before the battery died"}
        assert phone.call("outbox", "save", draft) == draft
        here = phone.hashes()
        assert promised.items() <= here.items()
        phone.sync("start")
        assert phone.report(draft)["state"] == "received"
        assert phone.counts()["files"] == 0
        assert set(here.values()) <= set(site.sealed())
        context.close()

    def test_in_the_middle_of_sending(self, browser: Browser, site: Site, tmp_path: Path):
        profile = tmp_path / "profile"
        context = launched(browser, profile)
        phone = Phone(context, site)
        phone.enrol()
        context.set_offline(True)
        ids = [phone.write(photos=3) for _ in range(8)]
        here = phone.hashes()
        context.set_offline(False)
        for _ in range(2):
            seen: list[str] = []
            phone.page.on(
                "request",
                lambda request, seen=seen: seen.append(request.method) if "/evidence/" in request.url else None,
            )
            phone.page.evaluate("() => { import('/phone/files/core/sync.js').then((m) => m.sync('online')) }")
            phone.wait(lambda seen=seen: len(seen) >= 3)
            killed(profile)
            context = launched(browser, profile)
            phone = Phone(context, site)
        phone.sync("start")
        assert phone.counts() | {"waiting": 0, "files": 0} == phone.counts()
        assert sorted(received(site, *ids)) == sorted(ids)
        assert set(here.values()) <= set(site.sealed())
        context.close()


def launched(browser: Browser, profile: Path) -> BrowserContext:
    """A Chromium of its own on this profile."""
    return browser.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=["--no-sandbox"], headless=True
    )


def killed(profile: Path) -> None:
    """SIGKILL to the browser that uses this profile, as an empty battery would; gone, with all its processes, afterwards."""
    for number in range(2_000):
        mine = [process for process in Path("/proc").iterdir() if process.name.isdigit() and uses(process, profile)]
        if not mine:
            return
        if number == 0:
            for process in mine:
                with suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
        Event().wait(0.01)
    raise AssertionError("the browser lives on")


def uses(process: Path, profile: Path) -> bool:
    try:
        return f"--user-data-dir={profile}".encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
