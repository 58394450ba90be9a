"""Sending of the phone's outbox to a real server, with network failures."""

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.phone import LostResponses, Phone, Site, stored_ids

pytestmark = [pytest.mark.browser, pytest.mark.slow]


API = "**/api/v1"


class TestSending:
    def test_a_lost_response_stores_the_report_once(self, phone: Phone, site: Site):
        phone.enrol()
        LostResponses(phone, f"{API}/reports/batch", times=3)
        mine = phone.write_report(photos=2)
        for _ in range(4):
            phone.sync()
        assert phone.get_report(mine)["state"] == "received"
        assert stored_ids(site, mine) == [mine]
        assert set(phone.hash_files().values()) <= set(site.sealed_files())

    def test_lost_responses_to_pieces_lose_no_file(self, phone: Phone, site: Site):
        phone.enrol()
        LostResponses(phone, f"{API}/evidence/*", times=6)
        mine = phone.write_report(photos=3)
        for _ in range(8):
            phone.sync()
        assert phone.outbox_counts()["files"] == 0
        assert set(phone.hash_files().values()) <= set(site.sealed_files())
        assert stored_ids(site, mine) == [mine]

    @pytest.mark.parametrize(
        "body", ["<html>Sign in to the Wi-Fi</html>", '{"ok": true}', '{"results": []}', '{"results": [{"id": 1}]}']
    )
    def test_a_response_without_a_receipt_leaves_the_report_waiting(self, phone: Phone, body: str):
        phone.enrol()
        kind = "text/html" if body.startswith("<") else "application/json"
        phone.context.route(
            f"{API}/reports/batch", lambda route: route.fulfill(status=200, body=body, content_type=kind)
        )
        mine = phone.write_report()
        phone.sync()
        assert phone.get_report(mine)["state"] == "waiting"
        phone.context.unroute(f"{API}/reports/batch")
        phone.run_js(
            "const {runTransaction} = await core('database'); await runTransaction(['reports'], async (tx) => {"
            "for (const one of await tx.store.getAll()) await tx.store.put({...one, next_at: 0}) })"
        )
        phone.sync()
        assert phone.get_report(mine)["state"] == "received"

    def test_a_receipt_of_another_report_is_ignored(self, phone: Phone):
        phone.enrol()
        mine = phone.write_report()
        phone.sync()
        receipt = phone.get_report(mine)["receipt"]

        def swap(route: Route) -> None:
            (sent,) = route.request.post_data_json["reports"]
            route.fulfill(json={"results": [{"id": sent["id"], "outcome": "stored", "receipt": receipt}]})

        phone.context.route(f"{API}/reports/batch", swap)
        other = phone.write_report()
        phone.sync()
        assert phone.get_report(other)["state"] == "waiting"

    def test_the_frozen_body_is_sent_the_same_each_time(self, phone: Phone):
        phone.enrol()
        bodies: list[str] = []
        phone.context.route(
            f"{API}/reports/batch", lambda route: (bodies.append(route.request.post_data), route.abort())
        )
        mine = phone.write_report(comment='Қазақша «тырнақша» \\ "quoted"')
        frozen = phone.get_report(mine)["body"]
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
        mine = phone.write_report(photos=6)
        urgent = phone.call("removal", "reportRemoval", {"position": {"lat": 43.2, "lon": 76.9, "accuracy": 8}})
        phone.sync()
        phone.sync()
        assert sorted(stored_ids(site, mine, urgent)) == sorted([mine, urgent])
        second = [place for place, said in enumerate(order) if said == "POST reports/batch"][1]
        assert any(said.startswith("PATCH") for said in order[second:])

    def test_a_refused_report_stays_with_its_reason_and_can_be_corrected(self, phone: Phone, site: Site):
        phone.enrol()
        wrong, right = phone.write_report(commission="KZ-9-9-9", photos=1), phone.write_report()
        phone.sync()
        assert phone.get_report(wrong)["state"] == "refused"
        assert phone.get_report(wrong)["problem"]["code"] == "unknown_commission"
        assert phone.get_report(right)["state"] == "received"
        assert phone.call("outbox", "correctReport", wrong) == wrong
        phone.call("drafts", "setDraftFields", wrong, {"commission": "KZ-1-1-2"})
        assert phone.get_report(wrong)["state"] == "refused"
        phone.call("outbox", "saveReport", wrong)
        phone.sync()
        assert phone.get_report(wrong)["state"] == "received"
        assert phone.outbox_counts()["files"] == 0
        assert stored_ids(site, wrong) == [wrong]
        assert set(phone.hash_files().values()) <= set(site.sealed_files())

    def test_a_conflict_stays_and_blocks_no_other_report(self, phone: Phone, new_phone, site: Site):
        phone.enrol()
        mine = phone.write_report()
        phone.sync()
        phone.run_js(
            "const {runTransaction} = await core('database'); await runTransaction(['reports'], async (tx) => {"
            "const one = await tx.store.get(given);"
            "await tx.store.put({...one, state: 'waiting', receipt: null, body: one.body.replace('\"good\"', '\"bad\"')}) })",
            mine,
        )
        other = phone.write_report()
        phone.sync()
        assert phone.get_report(mine)["state"] == "conflict"
        assert phone.get_report(mine)["problem"]["code"] == "changed_content"
        assert phone.get_report(other)["state"] == "received"
        assert phone.outbox_counts()["conflict"] == 1
        assert stored_ids(site, mine) == [mine]

    def test_a_revoked_phone_keeps_everything_and_stops(self, phone: Phone, site: Site):
        observer = phone.enrol()
        site.deployment.run_script(
            "from observer.models import Device\nfrom django.utils import timezone\n"
            f"Device.objects.filter(observer__code={observer!r}).update(revoked_at=timezone.now())"
        )
        mine = phone.write_report(photos=1)
        assert phone.sync()["problem"] == "device_revoked"
        assert phone.call("identities", "getIdentity")["revoked"]["code"] == "device_revoked"
        asked: list[str] = []
        phone.context.on("request", lambda request: asked.append(request.url))
        assert phone.sync()["problem"] == "device_revoked"
        assert [url for url in asked if "/api/" in url] == []
        assert phone.get_report(mine)["state"] == "waiting"
        assert phone.outbox_counts() | {"waiting": 1, "files": 1} == phone.outbox_counts()

    def test_a_revoked_phone_that_is_enrolled_again_sends_what_waited(self, phone: Phone, site: Site):
        observer, code, other = next(site.codes)
        assert phone.call("enrolment", "enrolPhone", code) == {"ok": True}
        phone.call("reference", "refreshReference")
        site.deployment.run_script(
            "from observer.models import Device\nfrom django.utils import timezone\n"
            f"Device.objects.filter(observer__code={observer!r}).update(revoked_at=timezone.now())"
        )
        mine = phone.write_report(photos=1)
        assert phone.sync()["problem"] == "device_revoked"
        assert phone.call("enrolment", "enrolPhone", other) == {"ok": True}
        phone.sync()
        assert phone.get_report(mine)["state"] == "received"
        assert phone.outbox_counts()["files"] == 0

    def test_two_windows_send_each_thing_once(self, phone: Phone, site: Site):
        phone.enrol()
        page = phone.open_page()
        sent: list[str] = []
        phone.context.on("request", lambda request: sent.append(request.method) if "batch" in request.url else None)
        phone.context.set_offline(True)
        ids = [phone.write_report() for _ in range(3)]
        phone.context.set_offline(False)
        sent.clear()
        for one in (phone.page, page):
            one.evaluate(
                "() => { window.done = import('/phone/files/core/send/sync.js').then((m) => m.sync('online')) }"
            )
        assert [one.evaluate("window.done.then((d) => d.left)") for one in (phone.page, page)] == [0, 0]
        assert len(sent) == 1
        assert sorted(stored_ids(site, *ids)) == sorted(ids)

    def test_notes_and_photos_are_sent_after_their_report(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        mine = phone.call("removal", "reportRemoval", {})
        phone.call("outbox", "addNote", mine, "Төраға айтты")
        phone.run_js(
            "const {addAttachment} = await core('attachments');"
            "await addAttachment({report: given, blob: new Blob(['not a picture'], {type: 'image/jpeg'}), source: 'gallery'})",
            mine,
        )
        assert phone.outbox_counts() | {"waiting": 1, "files": 1, "requests": 1} == phone.outbox_counts()
        phone.context.set_offline(False)
        phone.sync("online")
        assert phone.outbox_counts() | {"waiting": 0, "files": 0, "requests": 0} == phone.outbox_counts()
        state = site.load_state()
        assert [file["state"] for file in state["files"] if file["report"] == mine] == ["stored"]
        (row,) = [row for row in state["reports"] if row["id"] == mine]
        assert row["answers"] == {"I01": "ACC-01"}

    def test_a_removal_uses_the_violation_that_the_election_names(self, phone: Phone, site: Site):
        phone.enrol()
        phone.run_js(
            "const {runTransaction} = await core('database'); await runTransaction(['reference'], async (tx) => {"
            "const me = await tx.store.get('/me'); me.value.election.removal = 'UNA-01'; await tx.store.put(me) })"
        )
        mine = phone.call("removal", "reportRemoval", {"position": {"lat": 43.25, "lon": 76.95, "accuracy": 12}})
        phone.sync()
        (row,) = [row for row in site.load_state()["reports"] if row["id"] == mine]
        assert row["answers"] == {"I01": "UNA-01"}

    def test_a_wrong_clock_is_flagged_and_the_report_accepted(self, browser: Browser, site: Site):
        context = browser.new_context()
        context.add_init_script(
            "const real = Date.now; const Old = Date; const wrong = -3 * 3600e3;"
            "window.Date = class extends Old { constructor(...a) { a.length ? super(...a) : super(real() + wrong) }"
            "static now() { return real() + wrong } }"
        )
        phone = Phone(context, site)
        phone.enrol()
        mine = phone.write_report()
        phone.sync()
        assert abs(phone.call("database", "getMeta", "clock_offset") - 3 * 3_600_000) < 60_000
        report = phone.get_report(mine)
        assert report["state"] == "received"
        assert "clock_off" in report["receipt"]["flags"]
        context.close()

    def test_one_failing_report_does_not_block_the_rest_of_a_batch(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        ids = [phone.write_report() for _ in range(5)]
        phone.context.set_offline(False)

        def spoiled(route: Route) -> None:
            if ids[2] in (route.request.post_data or ""):
                problem = {"code": "server_error", "status": 500, "title": "", "detail": "", "errors": []}
                route.fulfill(status=500, json=problem, content_type="application/problem+json")
            else:
                route.continue_()

        phone.context.route(f"{API}/reports/batch", spoiled)
        phone.sync("online")
        states = [phone.get_report(one)["state"] for one in ids]
        assert states == ["received", "received", "waiting", "received", "received"]
        assert phone.get_report(ids[2])["next_at"] > 0

    def test_retry_after_is_obeyed(self, phone: Phone):
        phone.enrol()
        asked: list[str] = []

        def busy(route: Route) -> None:
            asked.append(route.request.url)
            problem = {"code": "unavailable", "status": 503, "title": "", "detail": "", "errors": []}
            route.fulfill(
                status=503, json=problem, content_type="application/problem+json", headers={"Retry-After": "600"}
            )

        phone.context.route(f"{API}/reports/batch", busy)
        mine = phone.write_report()
        phone.sync("user")
        phone.sync("online")
        assert len(asked) == 1
        assert phone.get_report(mine)["state"] == "waiting"

    def test_a_lost_receipt_is_given_again_after_the_election_closed(self, phone: Phone, site: Site):
        phone.enrol()
        LostResponses(phone, f"{API}/reports/batch")
        mine = phone.write_report()
        phone.sync()
        close = "from observer.models import Election\nElection.objects.update(state={!r})"
        site.deployment.run_script(close.format("closed"))
        phone.sync()
        site.deployment.run_script(close.format("open"))
        assert phone.get_report(mine)["state"] == "received"
        assert stored_ids(site, mine) == [mine]

    def test_the_preview_is_sent_first(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        draft = phone.call("drafts", "openDraft", {"checklist": "voting", "commission": "KZ-1-1-1"})
        phone.run_js(
            """const canvas = new OffscreenCanvas(3000, 2000); const pen = canvas.getContext("2d");
            for (let n = 0; n < 4000; n += 1) { pen.fillStyle = `hsl(${n * 7} 80% 50%)`;
              pen.fillRect((n * 7919) % 3000, (n * 104729) % 2000, 90, 60); }
            const {addAttachment} = await core("attachments");
            await addAttachment({draft: given, question: "X11", blob: await canvas.convertToBlob({type: "image/jpeg", quality: 0.95}), source: "camera"})""",
            draft,
        )
        phone.call("outbox", "saveReport", draft)
        copy, original = sorted(
            phone.call("database", "listRecords", "files"), key=lambda one: one["preview_of"] is None
        )
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
        assert {copy["sha256"], original["sha256"]} <= set(site.sealed_files())

    def test_a_report_lost_by_a_restored_server_is_sent_again(self, phone: Phone, site: Site):
        phone.enrol()
        mine = phone.write_report()
        phone.sync()
        problem = {"status": 404, "json": {"code": "not_found"}, "content_type": "application/problem+json"}
        for what in ("evidence", "notes"):
            phone.context.route(f"{API}/reports/*/{what}", lambda route: route.fulfill(**problem))
        sent: list[str] = []
        phone.context.on("request", lambda request: sent.append(request.url) if "batch" in request.url else None)
        phone.run_js(
            "const {addAttachment} = await core('attachments'); await addAttachment({report: given, blob: new Blob(['x'])})",
            mine,
        )
        phone.call("outbox", "addNote", mine, "after the report")
        phone.sync()
        assert phone.get_report(mine)["attempts"] > 0
        for what in ("evidence", "notes"):
            phone.context.unroute(f"{API}/reports/*/{what}")
        phone.run_js(
            "const {runTransaction} = await core('database'); const names = ['reports', 'files', 'errands'];"
            "await runTransaction(names, async (tx) => { for (const s of names) for (const one of await tx.objectStore(s).getAll())"
            "await tx.objectStore(s).put({...one, next_at: 0}) })"
        )
        phone.sync()
        assert sent
        assert phone.get_report(mine)["state"] == "received"
        assert phone.outbox_counts() | {"waiting": 0, "files": 0, "requests": 0} == phone.outbox_counts()
