"""The phone's outbox against the real server, whatever the network does."""

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.phone import Lost, Phone, Site, received

pytestmark = [pytest.mark.browser, pytest.mark.slow]


API = "**/api/v1"


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
        phone.js(
            "const {transact} = await core('store'); await transact(['reports'], async (tx) => {"
            "for (const one of await tx.store.getAll()) await tx.store.put({...one, next_at: 0}) })"
        )
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
        phone.js(
            "const {transact} = await core('store'); await transact(['reports'], async (tx) => {"
            "const one = await tx.store.get(given);"
            "await tx.store.put({...one, state: 'waiting', receipt: null, body: one.body.replace('\"good\"', '\"bad\"')}) })",
            mine,
        )
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
            one.evaluate(
                "() => { window.done = import('/phone/files/core/send/sync.js').then((m) => m.sync('online')) }"
            )
        assert [one.evaluate("window.done.then((d) => d.left)") for one in (phone.page, page)] == [0, 0]
        assert len(sent) == 1
        assert sorted(received(site, *ids)) == sorted(ids)

    def test_words_and_photos_follow_a_report(self, phone: Phone, site: Site):
        phone.enrol()
        phone.context.set_offline(True)
        mine = phone.call("removal", "removed", {})
        phone.call("outbox", "note", mine, "Төраға айтты")
        phone.js(
            "const {fileAdd} = await core('files');"
            "await fileAdd({report: given, blob: new Blob(['not a picture'], {type: 'image/jpeg'}), source: 'gallery'})",
            mine,
        )
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
        phone.js(
            "const {transact} = await core('store'); await transact(['reference'], async (tx) => {"
            "const me = await tx.store.get('/me'); me.value.election.removal = 'UNA-01'; await tx.store.put(me) })"
        )
        mine = phone.call("removal", "removed", {"position": {"lat": 43.25, "lon": 76.95, "accuracy": 12}})
        phone.sync()
        (row,) = [row for row in site.state()["reports"] if row["id"] == mine]
        assert row["answers"] == {"I01": "UNA-01"}

    def test_a_clock_three_hours_wrong_is_told_and_taken(self, browser: Browser, site: Site):
        context = browser.new_context()
        context.add_init_script(
            "const real = Date.now; const Old = Date; const wrong = -3 * 3600e3;"
            "window.Date = class extends Old { constructor(...a) { a.length ? super(...a) : super(real() + wrong) }"
            "static now() { return real() + wrong } }"
        )
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
        phone.js(
            """const canvas = new OffscreenCanvas(3000, 2000); const pen = canvas.getContext("2d");
            for (let n = 0; n < 4000; n += 1) { pen.fillStyle = `hsl(${n * 7} 80% 50%)`;
              pen.fillRect((n * 7919) % 3000, (n * 104729) % 2000, 90, 60); }
            const {fileAdd} = await core("files");
            await fileAdd({draft: given, question: "X11", blob: await canvas.convertToBlob({type: "image/jpeg", quality: 0.95}), source: "camera"})""",
            draft,
        )
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
        phone.js(
            "const {transact} = await core('store'); const names = ['reports', 'files', 'errands'];"
            "await transact(names, async (tx) => { for (const s of names) for (const one of await tx.objectStore(s).getAll())"
            "await tx.objectStore(s).put({...one, next_at: 0}) })"
        )
        phone.sync()
        assert sent
        assert phone.report(mine)["state"] == "received"
        assert phone.counts() | {"waiting": 0, "files": 0, "errands": 0} == phone.counts()
