"""The phone's heart against the real server: enrolling, writing, a whole day without a network."""

import pytest

from tests.browser.phone import Lost, Phone, Site, received

pytestmark = [pytest.mark.browser, pytest.mark.slow]


API = "**/api/v1"


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
        js = "(code) => { window.done = import('/phone/files/core/identity/enrolment.js').then((m) => m.enrol(code)) }"
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
            "await answerSet(given, 'X07', 'the last'); await answerSet(given, 'V03', 'yes')",
            draft,
        )
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
            "(await import('/phone/files/core/store/store.js')).changed((stores) => stores.forEach((s) => window.seen.add(s))) }"
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
            "waiting": 0,
            "refused": 0,
            "conflict": 0,
            "files": 0,
            "files_refused": 0,
            "errands": 0,
            "bytes": 0,
        }
        state = site.state()
        assert len(state["reports"]) == before + 100
        assert sorted(received(site, *ids)) == sorted(ids)
        stored = {file["id"]: file["sha256"] for file in state["files"] if file["state"] == "stored"}
        assert {name: stored[name] for name in here} == here
        assert set(here.values()) <= set(site.sealed())
