"""The phone's core against a real server: enrolment, drafts, a full day offline."""

import pytest

from tests.browser.phone import LostResponses, Phone, Site, stored_ids

pytestmark = [pytest.mark.browser, pytest.mark.slow]


API = "**/api/v1"


class TestEnrolling:
    def test_the_same_code_works_after_a_lost_response(self, phone: Phone, site: Site):
        _observer, code, _other = next(site.codes)
        LostResponses(phone, f"{API}/enrol")
        assert phone.call("enrolment", "enrolPhone", code)["problem"]
        assert phone.call("enrolment", "getPendingCode") == code.replace("-", "")
        assert phone.call("enrolment", "enrolPhone", code) == {"ok": True}
        assert phone.call("enrolment", "getPendingCode") is None
        assert phone.call("reference", "refreshReference")["problem"] is None

    def test_enrolment_continues_after_a_crash_before_the_response(self, phone: Phone, site: Site):
        observer, code, _other = next(site.codes)
        LostResponses(phone, f"{API}/enrol")
        phone.call("enrolment", "enrolPhone", code)
        page = phone.open_page()
        kept = phone.call("enrolment", "getPendingCode", page=page)
        assert phone.call("enrolment", "enrolPhone", kept, page=page) == {"ok": True}
        assert phone.call("identities", "getIdentity", page=page)["observer"] == observer

    def test_two_windows_with_one_code_are_one_phone(self, phone: Phone, site: Site):
        _observer, code, _other = next(site.codes)
        page = phone.open_page()
        js = "(code) => { window.done = import('/phone/files/core/identity/enrolment.js').then((m) => m.enrolPhone(code)) }"
        for one in (phone.page, page):
            one.evaluate(js, code)
        assert [one.evaluate("window.done") for one in (phone.page, page)] == [{"ok": True}, {"ok": True}]
        assert phone.call("reference", "refreshReference")["problem"] is None

    def test_a_wrong_code_is_reported_and_not_kept(self, phone: Phone):
        assert (
            phone.run_js("return (await (await core('enrolment')).enrolPhone('0000-0000')).problem.code")
            == "invalid_code"
        )
        assert (
            phone.run_js("return (await (await core('enrolment')).enrolPhone('no code')).problem.code")
            == "invalid_code"
        )
        assert phone.call("enrolment", "getPendingCode") is None

    def test_without_a_network_the_code_is_kept(self, phone: Phone, site: Site):
        _observer, code, _other = next(site.codes)
        phone.call("translations", "currentLanguage")
        phone.run_js("await core('enrolment')")
        phone.context.set_offline(True)
        assert (
            phone.run_js("return (await (await core('enrolment')).enrolPhone(given)).problem.code", code) == "no_answer"
        )
        phone.context.set_offline(False)
        assert phone.call("enrolment", "enrolPhone", phone.call("enrolment", "getPendingCode")) == {"ok": True}

    def test_a_passed_on_phone_sends_each_report_as_its_writer(self, phone: Phone, site: Site):
        first = phone.enrol()
        phone.context.set_offline(True)
        mine = phone.write_report()
        phone.context.set_offline(False)
        phone.context.route(f"{API}/reports/batch", lambda route: route.abort())
        second = phone.enrol()
        theirs = phone.write_report()
        phone.context.unroute(f"{API}/reports/batch")
        phone.sync()
        who = {row["id"]: row["observer"] for row in site.load_state()["reports"]}
        assert (who[mine], who[theirs]) == (first, second)

    def test_another_browser_takes_over_by_transfer(self, phone: Phone, new_phone, site: Site):
        observer = phone.enrol()
        mine = phone.write_report(photos=1)
        phone.sync()
        code = phone.call("enrolment", "requestTransferCode")["code"]
        new = new_phone()
        assert new.call("enrolment", "enrolPhone", code) == {"ok": True}
        new.call("reference", "refreshReference")
        new.sync()
        assert new.call("identities", "getIdentity")["observer"] == observer
        known = new.get_report(mine)
        assert known["elsewhere"] and known["state"] == "received"
        more = new.write_report()
        new.sync()
        assert sorted(stored_ids(site, mine, more)) == sorted([mine, more])


class TestWriting:
    def test_every_answer_survives_a_reload(self, phone: Phone):
        phone.enrol()
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.run_js(
            "const {setAnswer} = await core('drafts'); for (let n = 0; n < 50; n += 1) void setAnswer(given, 'X07', 'a'.repeat(n));"
            "await setAnswer(given, 'X07', 'the last'); await setAnswer(given, 'V03', 'yes')",
            draft,
        )
        phone.page.reload()
        assert phone.call("drafts", "getDraft", draft)["answers"] == {"X07": "the last", "V03": "yes"}
        again = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        assert again == draft

    def test_saving_twice_stores_one_report(self, phone: Phone, site: Site):
        phone.enrol()
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        both = phone.run_js(
            "const {saveReport} = await core('outbox'); return Promise.all([saveReport(given), saveReport(given)])",
            draft,
        )
        assert both == [draft, draft]
        phone.sync()
        assert stored_ids(site, draft) == [draft]

    def test_another_window_learns_that_the_form_is_saved(self, phone: Phone):
        phone.enrol()
        page = phone.open_page()
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        page.evaluate(
            "async () => { window.seen = new Set();"
            "(await import('/phone/files/core/store/database.js')).onDatabaseChange((stores) => stores.forEach((s) => window.seen.add(s))) }"
        )
        phone.call("outbox", "saveReport", draft)
        assert phone.call("drafts", "setAnswer", draft, "V03", "no", page=page)["failed"] == "draft_gone"
        phone.wait_for_js("window.seen.has('reports') && window.seen.has('drafts')", page)

    def test_invalid_answers_are_not_saved_and_not_lost(self, phone: Phone):
        phone.enrol()
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.call("drafts", "setAnswer", draft, "X05", "many")
        failed = phone.call("outbox", "saveReport", draft)
        assert failed == {"failed": "invalid_answers", "errors": [{"question": "X05", "code": "not_a_number"}]}
        assert phone.call("drafts", "getDraft", draft)["answers"] == {"X05": "many"}

    def test_answers_to_hidden_questions_are_not_sent(self, phone: Phone, site: Site):
        phone.enrol()
        mine = phone.write_report(answers={"V03": "no", "V15": "no", "V16": "yes", "X07": "half \ud83d a pair \0"})
        phone.sync()
        (row,) = [row for row in site.load_state()["reports"] if row["id"] == mine]
        assert row["answers"] == {"V03": "no", "V15": "no", "X07": "half  a pair"}

    def test_an_update_starts_with_the_earlier_answers(self, phone: Phone, site: Site):
        phone.enrol()
        first = phone.write_report("opening")
        draft = phone.call(
            "drafts", "openDraft", {"checklist": "opening", "commission": "KZ-1-1-1", "supersedes": first}
        )
        assert phone.call("drafts", "getDraft", draft)["answers"] == {"O01": "yes", "O90": "good"}
        phone.call("drafts", "setAnswer", draft, "O90", "bad")
        phone.call("outbox", "saveReport", draft)
        phone.sync()
        assert sorted(stored_ids(site, first, draft)) == sorted([first, draft])


class TestFullDayOffline:
    def test_100_reports_with_200_photos_arrive_once_and_whole(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        ids = [phone.write_report(photos=2) for _ in range(100)]
        assert phone.outbox_counts() | {"waiting": 100} == phone.outbox_counts()
        here = phone.hash_files()
        assert len(here) >= 200
        before = len(site.load_state()["reports"])
        phone.context.set_offline(False)
        phone.sync("online")
        assert phone.outbox_counts() == {
            "waiting": 0,
            "refused": 0,
            "conflict": 0,
            "files": 0,
            "files_refused": 0,
            "requests": 0,
            "bytes": 0,
        }
        state = site.load_state()
        assert len(state["reports"]) == before + 100
        assert sorted(stored_ids(site, *ids)) == sorted(ids)
        stored = {file["id"]: file["sha256"] for file in state["files"] if file["state"] == "stored"}
        assert {name: stored[name] for name in here} == here
        assert set(here.values()) <= set(site.sealed_files())
