"""Election-day pages: board, stations, calls, dictation, replacement, rehearsals, messages."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from observer.models import Assignment, Call, Device, Grant, Observer, Organisation, Trail, User
from observer.services.accounts.access import Permission, has_permission
from reports.models import Message, Report
from tests.reports.services.schedule.test_expectations import SCHEDULE
from tests.support.intake import store_report
from tests.support.world import DAY, World, make_texts, payload

NOW = datetime(2022, 11, 20, 5, tzinfo=UTC)


@pytest.fixture
def election_day(world: World, monkeypatch) -> World:
    """A world with a schedule, at eleven o'clock in Astana on election day."""
    world.election.rules = {"schedule": SCHEDULE}
    world.election.save()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return world


def make_coordinator(
    world: World, name: str = "aigul", code: str = "KZ-1", role: str = "territorial", **grant
) -> Client:
    user = User.objects.create_user(name, is_staff=True, language="en")
    Grant.objects.create(user=user, role=role, commission=world.tree[code], **grant)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def desk_client(election_day: World) -> Client:
    """A client signed in as Aigul, the coordinator of territory KZ-1."""
    return make_coordinator(election_day)


def desk_url(name: str, *args) -> str:
    return reverse(f"desk:{name}", args=["test-2022", *args])


def read_text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestBoard:
    def test_shows_the_readers_territory(self, election_day, desk_client):
        store_report(election_day.first, payload("opening"))
        store_report(election_day.first, payload("incident"))
        page = read_text(desk_client.get(desk_url("board")))
        assert "Expected 2 Opened 1 Silent 1" in page
        assert "ACC-01" in page and "OB-2222" in page

    def test_another_territory_is_not_found(self, election_day, desk_client):
        assert desk_client.get(desk_url("board"), {"at": "KZ-2"}).status_code == 404
        assert desk_client.get(desk_url("board"), {"at": "nowhere"}).status_code == 404
        assert desk_client.get(desk_url("board"), {"at": "KZ"}).status_code == 404

    def test_links_to_each_territory_of_a_reader_with_several(self, election_day, desk_client):
        assert "Your territories" not in desk_client.get(desk_url("board")).content.decode()
        user = User.objects.get(username="aigul")
        for code in ("KZ-2-1", "KZ-1-1"):
            Grant.objects.create(user=user, role="territorial", commission=election_day.tree[code])
        page = desk_client.get(desk_url("board")).content.decode()
        assert "?at=KZ-2-1" in page and "Your territories" in page
        assert desk_client.get(desk_url("board"), {"at": "KZ-2-1"}).status_code == 200

    def test_part_for_the_script_has_the_same_figures(self, election_day, desk_client):
        whole, part = (
            desk_client.get(desk_url("board")).content.decode(),
            desk_client.get(desk_url("board"), {"part": "1"}).content.decode(),
        )
        assert "<html" not in part and "Expected" in part
        assert "board.js" in whole

    def test_shows_no_names_or_phone_numbers(self, election_day, desk_client):
        store_report(election_day.first, payload("incident"))
        for name in ("board", "stations"):
            assert "Name of" not in desk_client.get(desk_url(name)).content.decode()
            assert "+7701" not in desk_client.get(desk_url(name)).content.decode()

    def test_takes_a_bounded_number_of_queries(self, election_day, desk_client):
        desk_client.get(desk_url("board"))
        counts = []
        for n in (1, 6):
            for number in range(n):
                store_report(election_day.enrol_phone(f"OB-6{n}{number}2", "KZ-1-2-1"), payload("incident", "KZ-1-2-1"))
            for name in ("board", "stations"):
                with CaptureQueriesContext(connection) as captured:
                    desk_client.get(desk_url(name))
                counts.append(len(captured))
        assert counts[:2] == counts[2:]
        assert max(counts) < 30


class TestStationList:
    def test_are_filtered_by_missing_reports(self, election_day, desk_client):
        store_report(election_day.first, payload("opening"))
        assert "KZ-1-1-2" in read_text(desk_client.get(desk_url("stations"), {"show": "silent"}))
        assert "KZ-1-1-1" not in read_text(desk_client.get(desk_url("stations"), {"show": "silent"}))
        assert "KZ-1-1-1" not in read_text(
            desk_client.get(desk_url("stations"), {"show": "late", "checklist": "opening"})
        )
        assert "KZ-1-1-1" in read_text(desk_client.get(desk_url("stations")))

    def test_are_filtered_by_incomplete_or_contradictory_reports(self, election_day, desk_client):
        assert "No station here" in read_text(desk_client.get(desk_url("stations"), {"show": "unsettled"}))
        store_report(election_day.first, payload("opening", answers={"O90": "good"}))
        page = read_text(desk_client.get(desk_url("stations"), {"show": "unsettled"}))
        assert "opening en: incomplete" in page and "KZ-1-1-2" not in page
        third = election_day.enrol_phone("OB-4444", "KZ-1-1-2")
        store_report(election_day.second, payload("opening", "KZ-1-1-2"))
        store_report(third, payload("opening", "KZ-1-1-2", answers={"O01": "no", "O90": "good"}))
        assert "opening en: contradictory" in read_text(desk_client.get(desk_url("stations"), {"show": "unsettled"}))

    def test_reports_are_not_read_for_too_many_stations(self, election_day, desk_client, monkeypatch):
        monkeypatch.setattr("reports.desk.day.stations.MAX_STATIONS_READ", 1)
        assert "choose a district" in read_text(desk_client.get(desk_url("stations"), {"show": "unsettled"}))

    def test_reader_of_one_organisation_sees_no_other_observers(self, election_day):
        other = Organisation.objects.create(code="other", names=make_texts("other"))
        client = make_coordinator(election_day, "partner", "KZ", organisation=other)
        assert "KZ-1-1-1" not in read_text(client.get(desk_url("stations")))
        station = read_text(client.get(desk_url("station", election_day.tree["KZ-1-1-1"].pk)))
        assert "OB-2222" not in station

    def test_a_code_leads_to_its_page(self, election_day, desk_client):
        answer = desk_client.get(desk_url("station_find"), {"code": "kz-1-1-1"})
        assert answer["Location"] == desk_url("station", election_day.tree["KZ-1-1-1"].pk)


class TestCalls:
    def test_starting_a_call_shows_the_number_and_writes_a_trail_entry(self, election_day, desk_client):
        place = election_day.tree["KZ-1-1-1"]
        page = desk_client.get(desk_url("stations"), {"show": "silent"}).content.decode()
        address = desk_url("call", place.pk, election_day.first.observer.pk)
        assert f'action="{address}"' in page
        assert "+77010000000" not in page
        station = read_text(desk_client.post(address, follow=True))
        assert "+77010000000" in station and "Name of OB-2222" in station
        assert Trail.objects.get(action="observer.call").user.username == "aigul"

    def test_a_colleague_sees_who_calls_but_not_the_number(self, election_day, desk_client):
        place = election_day.tree["KZ-1-1-1"]
        desk_client.post(desk_url("call", place.pk, election_day.first.observer.pk))
        page = read_text(make_coordinator(election_day, "marat").get(desk_url("station", place.pk)))
        assert "aigul" in page and "the number was shown" in page
        assert "+7701" not in page

    def test_outcome_is_recorded_and_the_observer_is_due_again_later(self, election_day, desk_client, monkeypatch):
        place = election_day.tree["KZ-1-1-1"]
        desk_client.post(desk_url("call", place.pk, election_day.first.observer.pk))
        call = Call.objects.get()
        data = {"outcome": "not_reached", "said": "no answer", "again": "10"}
        assert "no answer" in read_text(desk_client.post(desk_url("called", call.pk), data, follow=True))
        call.refresh_from_db()
        assert (call.outcome, call.call_again_at) == ("not_reached", NOW + timedelta(minutes=10))
        assert "Nobody waits" in read_text(desk_client.get(desk_url("calls")))
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(minutes=11))
        assert "OB-2222" in read_text(desk_client.get(desk_url("calls")))

    def test_recording_without_an_outcome_is_refused(self, election_day, desk_client):
        desk_client.post(desk_url("call", election_day.tree["KZ-1-1-1"].pk, election_day.first.observer.pk))
        assert desk_client.post(desk_url("called", Call.objects.get().pk), {}).status_code == 422

    def test_only_the_caller_records_a_call(self, election_day, desk_client):
        desk_client.post(desk_url("call", election_day.tree["KZ-1-1-1"].pk, election_day.first.observer.pk))
        answer = make_coordinator(election_day, "marat").post(
            desk_url("called", Call.objects.get().pk), {"outcome": "reached"}
        )
        assert answer.status_code == 404

    def test_observer_of_another_territory_is_not_found(self, election_day):
        client = make_coordinator(election_day, "marat", "KZ-2")
        assert (
            client.post(desk_url("call", election_day.tree["KZ-2-1-1"].pk, election_day.first.observer.pk)).status_code
            == 404
        )
        assert (
            client.post(desk_url("call", election_day.tree["KZ-1-1-1"].pk, election_day.first.observer.pk)).status_code
            == 404
        )
        assert not Call.objects.exists()


class TestDictation:
    def build_form_data(self, **fields) -> dict[str, str]:
        return {
            "uuid": str(uuid4()),
            "newest": "0",
            "observed_at": "2022-11-20T10:40",
            "q-V03": "no",
            "q-V15": "yes",
            "q-V16": "no",
            "q-X05": "1 200",
            "q-X06": "12,5",
            "q-X10": "43.25, 76.95",
            "q-V30": ["a", "c"],
            "comment": "all calm",
            "q-X08": "07:05",
            "q-X09": "2022-11-20",
            "q-X07": "text",
        } | fields

    def get_address(self, election_day: World, checklist: str = "voting") -> str:
        place = desk_url("dictate", election_day.tree["KZ-1-1-1"].pk, election_day.first.observer.pk)
        return f"{place}?checklist={checklist}"

    def test_offers_the_checklists_that_fit_the_place(self, election_day, desk_client):
        page = read_text(
            desk_client.get(desk_url("dictate", election_day.tree["KZ-1-1-1"].pk, election_day.first.observer.pk))
        )
        assert "voting en" in page and "tabulation" not in page

    def test_asks_every_question_with_its_condition(self, election_day, desk_client):
        page = desk_client.get(self.get_address(election_day)).content.decode()
        for code in ("V01", "V03", "V16", "V30", "V90", "X05", "X06", "X07", "X08", "X09", "X10"):
            assert f'name="q-{code}"' in page, code
        assert 'data-if="q-V15" data-is="yes"' in page
        assert "Only if" in page

    def test_stores_a_report_with_channel_desk(self, election_day, desk_client):
        answer = desk_client.post(self.get_address(election_day), self.build_form_data())
        assert answer["Location"] == desk_url("station", election_day.tree["KZ-1-1-1"].pk)
        report = Report.objects.get()
        assert (report.channel, report.source, report.author.username) == ("desk", "desk", "aigul")
        assert report.observed_at == datetime(2022, 11, 20, 4, 40, tzinfo=UTC)
        assert report.answers == {
            "V03": "no",
            "V15": "yes",
            "V16": "no",
            "X05": 1200,
            "X06": "12.5",
            "V30": ["a", "c"],
            "X07": "text",
            "X08": "07:05",
            "X09": "2022-11-20",
            "X10": {"lat": 43.25, "lon": 76.95},
        }

    def test_posted_twice_is_stored_once(self, election_day, desk_client):
        filled = self.build_form_data()
        for _ in range(2):
            assert desk_client.post(self.get_address(election_day), filled).status_code == 302
        assert Report.objects.count() == 1

    def test_keeps_what_was_typed_when_an_answer_cannot_be_read(self, election_day, desk_client):
        answer = desk_client.post(
            self.get_address(election_day), self.build_form_data(**{"q-X05": "many", "q-X10": "here"})
        )
        assert answer.status_code == 422
        page = answer.content.decode()
        assert 'value="many"' in page and "all calm" in page and page.count('class="errorlist"') == 2
        assert not Report.objects.exists()

    def test_warns_of_a_newer_report_and_stores_when_confirmed(self, election_day, desk_client):
        store_report(election_day.first, payload())
        filled = self.build_form_data()
        assert desk_client.post(self.get_address(election_day), filled).status_code == 409
        assert Report.objects.count() == 1
        assert desk_client.post(self.get_address(election_day), filled | {"anyway": "1"}).status_code == 302
        assert Report.objects.count() == 2

    @pytest.mark.parametrize("wrong", [{"uuid": "x"}, {"observed_at": "yesterday"}, {"newest": "-1"}, {"contest": "9"}])
    def test_refuses_invalid_head_fields(self, election_day, desk_client, wrong):
        assert desk_client.post(self.get_address(election_day), self.build_form_data(**wrong)).status_code == 422

    def test_unknown_checklist_is_not_found(self, election_day, desk_client):
        assert desk_client.get(self.get_address(election_day, "nothing")).status_code == 404

    def test_is_only_for_observers_of_the_readers_territory(self, election_day):
        client = make_coordinator(election_day, "marat", "KZ-2")
        assert client.post(self.get_address(election_day), self.build_form_data()).status_code == 404
        assert not Report.objects.exists()


class TestReplacement:
    def test_replaces_an_observer_by_a_registered_one(self, election_day, desk_client):
        election_day.enrol_phone("OB-7777", "KZ-1-2-1")
        row = Assignment.objects.get(commission__code="KZ-1-1-1")
        page = read_text(
            desk_client.post(desk_url("replace", row.pk, election_day.first.observer.pk), {"known": "ob-7777"})
        )
        assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", page)
        assert Device.objects.get(pk=election_day.first.device.pk).revoked_at == NOW

    def test_replaces_an_observer_by_a_new_one(self, election_day, desk_client):
        row = Assignment.objects.get(commission__code="KZ-1-1-1")
        new = {"name": "Сәуле", "phone": "+7 701 555 11 22", "language": "kk"}
        read_text(desk_client.post(desk_url("replace", row.pk, election_day.first.observer.pk), new))
        observer = Observer.objects.exclude(code__in=["OB-2222", "OB-3333"]).get()
        assert (observer.name, observer.organisation) == ("Сәуле", election_day.organisation)
        assert observer.phone_lookup

    def test_without_a_valid_observer_is_refused(self, election_day, desk_client):
        row = Assignment.objects.get(commission__code="KZ-1-1-1")
        for wrong in ({}, {"known": "OB-0000"}, {"name": "x"}, {"name": "x", "phone": "call me"}):
            assert (
                desk_client.post(desk_url("replace", row.pk, election_day.first.observer.pk), wrong).status_code == 422
            )
        assert Assignment.objects.filter(ends_at__isnull=False).count() == 0

    def test_replaces_a_phone_only_once(self, election_day, desk_client):
        address = desk_url("phone_replace", election_day.tree["KZ-1-1-1"].pk, election_day.first.observer.pk)
        seen = re.findall(r'name="seen" value="(\d+)"', desk_client.get(address).content.decode())
        assert seen == [str(election_day.first.device.pk)]
        answer = desk_client.post(address, {"seen": seen})
        assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", read_text(answer))
        assert "no-store" in answer["Cache-Control"]
        assert make_coordinator(election_day, "marat").post(address, {"seen": seen}).status_code == 409


class TestRehearsals:
    def test_are_listed_and_converted_to_counted_reports(self, election_day, desk_client):
        report = store_report(election_day.first, payload(rehearsal=True))
        assert "KZ-1-1-1" in read_text(desk_client.get(desk_url("rehearsals"))) or "voting en" in read_text(
            desk_client.get(desk_url("rehearsals"))
        )
        assert "1 rehearsal report" in read_text(desk_client.get(desk_url("board")))
        assert "1 report counts now" in read_text(
            desk_client.post(desk_url("rehearsals"), {"report": [report.pk]}, follow=True)
        )
        assert Report.objects.counted().count() == 1

    def test_of_another_territory_are_not_converted(self, election_day):
        report = store_report(election_day.first, payload(rehearsal=True))
        make_coordinator(election_day, "marat", "KZ-2").post(
            desk_url("rehearsals"), {"report": [report.pk, "x", "9" * 30]}
        )
        assert Report.objects.counted().count() == 0


class TestMessages:
    def build_form_data(self, **fields) -> dict[str, str]:
        return {"uuid": str(uuid4()), "at": "KZ-1-1", "role": "", "silent": "", "text-ru": "Слово"} | fields

    def test_are_previewed_with_the_number_of_recipients(self, election_day, desk_client):
        data = self.build_form_data()
        assert "To 2 observers" in read_text(desk_client.post(desk_url("message_new"), data))
        assert not Message.objects.exists()
        page = read_text(desk_client.post(desk_url("message_new"), data | {"send": "1"}, follow=True))
        assert "Read by 0 of 2" in page and "OB-2222" in page
        assert Message.objects.get().author.username == "aigul"

    def test_posted_twice_are_sent_once(self, election_day, desk_client):
        data = self.build_form_data(send="1")
        for _ in range(2):
            desk_client.post(desk_url("message_new"), data)
        assert Message.objects.count() == 1

    def test_to_observers_with_missing_reports_reach_only_them(self, election_day, desk_client):
        store_report(election_day.first, payload("opening"))
        desk_client.post(desk_url("message_new"), self.build_form_data(silent="opening", send="1"))
        assert [one.code for one in Message.objects.get().recipients.all()] == ["OB-3333"]

    def test_to_one_observer(self, election_day, desk_client):
        address = f"{desk_url('message_new')}?observer={election_day.first.observer.pk}"
        assert "OB-2222" in read_text(desk_client.get(address))
        desk_client.post(address, self.build_form_data(send="1"))
        assert Message.objects.get().observer == election_day.first.observer

    def test_to_another_territory_are_refused(self, election_day, desk_client):
        assert desk_client.post(desk_url("message_new"), self.build_form_data(at="KZ", send="1")).status_code == 404
        assert desk_client.post(desk_url("message_new"), self.build_form_data(at="KZ-2", send="1")).status_code == 404
        outside = election_day.enrol_phone("OB-8888", "KZ-2-1-1").observer
        assert desk_client.get(f"{desk_url('message_new')}?observer={outside.pk}").status_code == 404
        assert not Message.objects.exists()

    def test_without_text_are_refused(self, election_day, desk_client):
        assert (
            desk_client.post(desk_url("message_new"), self.build_form_data(**{"text-ru": " ", "send": "1"})).status_code
            == 422
        )

    def test_of_one_organisations_coordinator_reach_only_its_observers(self, election_day):
        other = Organisation.objects.create(code="other", names=make_texts("other"))
        client = make_coordinator(election_day, "partner", "KZ", organisation=other)
        assert "To 0 observers" in read_text(client.post(desk_url("message_new"), self.build_form_data(at="KZ")))


def test_reader_without_permission_sees_no_actions(election_day):
    client = make_coordinator(election_day, "reader", role="reader")
    page = client.get(desk_url("station", election_day.tree["KZ-1-1-1"].pk)).content.decode()
    assert "/replace/" not in page and "/call/" not in page and "/dictate/" not in page
    assert not has_permission(User.objects.get(username="reader"), Permission.REGISTER)


def test_a_replaced_assignment_shows_when_it_ended(election_day, desk_client):
    Assignment.objects.filter(commission__code="KZ-1-1-1").update(ends_at=DAY)
    page = read_text(desk_client.get(desk_url("station", election_day.tree["KZ-1-1-1"].pk)))
    assert "until 20.11. 10:00" in page and "no longer here" in page
    assert "Call OB-2222" not in page


def test_observers_whose_assignment_ended_with_the_day_can_be_called(election_day, monkeypatch):
    Assignment.objects.update(ends_at=election_day.election.closes_at)
    monkeypatch.setattr("django.utils.timezone.now", lambda: election_day.election.closes_at + timedelta(days=1))
    client = make_coordinator(election_day)
    assert "Call OB-2222" in read_text(client.get(desk_url("station", election_day.tree["KZ-1-1-1"].pk)))
    assert "Call OB-2222" in read_text(client.get(desk_url("stations"), {"show": "silent"}))


def test_a_station_with_many_reports_takes_no_more_queries(election_day, desk_client):
    address = desk_url("station", election_day.tree["KZ-1-1-1"].pk)
    store_report(election_day.first, payload("opening"))
    desk_client.get(address)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            desk_client.get(address)
        counts.append(len(captured))
        for _number in range(8):
            store_report(election_day.first, payload())
    assert counts[0] == counts[1] < 30
