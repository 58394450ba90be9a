"""The pages of the day: from the board to a silent station, its observer's number, and what follows."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from observer.models import Assignment, Call, Device, Grant, Observer, Organisation, Trail, User
from observer.services.accounts.access import Verb, may
from reports.models import Message, Report
from tests.reports.services.schedule.test_expectations import SCHEDULE
from tests.support.door import stored
from tests.support.world import DAY, World, payload, words

AFTER = datetime(2022, 11, 20, 5, tzinfo=UTC)


@pytest.fixture
def day(world: World, monkeypatch) -> World:
    """Eleven o'clock in Astana on election day, wherever the tests run."""
    world.election.rules = {"schedule": SCHEDULE}
    world.election.save()
    monkeypatch.setattr("django.utils.timezone.now", lambda: AFTER)
    return world


def coordinator(world: World, name: str = "aigul", code: str = "KZ-1", role: str = "territorial", **grant) -> Client:
    user = User.objects.create_user(name, is_staff=True, language="en")
    Grant.objects.create(user=user, role=role, commission=world.tree[code], **grant)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def aigul(day: World) -> Client:
    return coordinator(day)


def page(name: str, *args) -> str:
    return reverse(f"desk:{name}", args=["test-2022", *args])


def text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestTheBoard:
    def test_shows_ones_own_territory(self, day, aigul):
        stored(day.first, payload("opening"))
        stored(day.first, payload("incident"))
        shown = text(aigul.get(page("board")))
        assert "Expected 2 Opened 1 Silent 1" in shown
        assert "ACC-01" in shown and "OB-2222" in shown

    def test_of_another_territory_is_unknown(self, day, aigul):
        assert aigul.get(page("board"), {"at": "KZ-2"}).status_code == 404
        assert aigul.get(page("board"), {"at": "nowhere"}).status_code == 404
        assert aigul.get(page("board"), {"at": "KZ"}).status_code == 404

    def test_leads_to_each_of_several_territories_of_ones_own(self, day, aigul):
        assert "Your territories" not in aigul.get(page("board")).content.decode()
        user = User.objects.get(username="aigul")
        for code in ("KZ-2-1", "KZ-1-1"):
            Grant.objects.create(user=user, role="territorial", commission=day.tree[code])
        shown = aigul.get(page("board")).content.decode()
        assert "?at=KZ-2-1" in shown and "Your territories" in shown
        assert aigul.get(page("board"), {"at": "KZ-2-1"}).status_code == 200

    def test_is_the_same_in_the_part_that_the_script_asks_for(self, day, aigul):
        whole, part = (
            aigul.get(page("board")).content.decode(),
            aigul.get(page("board"), {"part": "1"}).content.decode(),
        )
        assert "<html" not in part and "Expected" in part
        assert "board.js" in whole

    def test_never_names_anybody(self, day, aigul):
        stored(day.first, payload("incident"))
        for name in ("board", "stations"):
            assert "Name of" not in aigul.get(page(name)).content.decode()
            assert "+7701" not in aigul.get(page(name)).content.decode()

    def test_takes_a_bounded_number_of_queries(self, day, aigul):
        aigul.get(page("board"))
        counts = []
        for n in (1, 6):
            for number in range(n):
                stored(day.enrolled(f"OB-6{n}{number}2", "KZ-1-2-1"), payload("incident", "KZ-1-2-1"))
            for name in ("board", "stations"):
                with CaptureQueriesContext(connection) as captured:
                    aigul.get(page(name))
                counts.append(len(captured))
        assert counts[:2] == counts[2:]
        assert max(counts) < 30


class TestTheStations:
    def test_are_found_by_what_they_owe(self, day, aigul):
        stored(day.first, payload("opening"))
        assert "KZ-1-1-2" in text(aigul.get(page("stations"), {"show": "silent"}))
        assert "KZ-1-1-1" not in text(aigul.get(page("stations"), {"show": "silent"}))
        assert "KZ-1-1-1" not in text(aigul.get(page("stations"), {"show": "late", "checklist": "opening"}))
        assert "KZ-1-1-1" in text(aigul.get(page("stations")))

    def test_are_found_by_what_came_incomplete_or_contradicts_itself(self, day, aigul):
        assert "No station here" in text(aigul.get(page("stations"), {"show": "unsettled"}))
        stored(day.first, payload("opening", answers={"O90": "good"}))
        shown = text(aigul.get(page("stations"), {"show": "unsettled"}))
        assert "opening en: incomplete" in shown and "KZ-1-1-2" not in shown
        third = day.enrolled("OB-4444", "KZ-1-1-2")
        stored(day.second, payload("opening", "KZ-1-1-2"))
        stored(third, payload("opening", "KZ-1-1-2", answers={"O01": "no", "O90": "good"}))
        assert "opening en: contradictory" in text(aigul.get(page("stations"), {"show": "unsettled"}))

    def test_are_not_read_one_by_one_where_they_are_too_many(self, day, aigul, monkeypatch):
        monkeypatch.setattr("reports.desk.day.stations.READ_MOST", 1)
        assert "choose a district" in text(aigul.get(page("stations"), {"show": "unsettled"}))

    def test_of_another_organisation_are_not_shown_to_a_desk_of_one(self, day):
        other = Organisation.objects.create(code="other", names=words("other"))
        client = coordinator(day, "partner", "KZ", organisation=other)
        assert "KZ-1-1-1" not in text(client.get(page("stations")))
        station = text(client.get(page("station", day.tree["KZ-1-1-1"].pk)))
        assert "OB-2222" not in station

    def test_a_code_leads_to_its_page(self, day, aigul):
        answer = aigul.get(page("station_find"), {"code": "kz-1-1-1"})
        assert answer["Location"] == page("station", day.tree["KZ-1-1-1"].pk)


class TestFromASilentStationToAVoice:
    def test_one_press_shows_the_number_and_is_on_record(self, day, aigul):
        place = day.tree["KZ-1-1-1"]
        shown = aigul.get(page("stations"), {"show": "silent"}).content.decode()
        address = page("call", place.pk, day.first.observer.pk)
        assert f'action="{address}"' in shown
        assert "+77010000000" not in shown
        station = text(aigul.post(address, follow=True))
        assert "+77010000000" in station and "Name of OB-2222" in station
        assert Trail.objects.get(action="observer.call").user.username == "aigul"

    def test_a_colleague_sees_who_calls_and_not_the_number(self, day, aigul):
        place = day.tree["KZ-1-1-1"]
        aigul.post(page("call", place.pk, day.first.observer.pk))
        shown = text(coordinator(day, "marat").get(page("station", place.pk)))
        assert "aigul" in shown and "the number was shown" in shown
        assert "+7701" not in shown

    def test_what_came_of_it_is_written_down_and_asked_again_later(self, day, aigul, monkeypatch):
        place = day.tree["KZ-1-1-1"]
        aigul.post(page("call", place.pk, day.first.observer.pk))
        call = Call.objects.get()
        said = {"outcome": "not_reached", "said": "no answer", "again": "10"}
        assert "no answer" in text(aigul.post(page("called", call.pk), said, follow=True))
        call.refresh_from_db()
        assert (call.outcome, call.call_again_at) == ("not_reached", AFTER + timedelta(minutes=10))
        assert "Nobody waits" in text(aigul.get(page("calls")))
        monkeypatch.setattr("django.utils.timezone.now", lambda: AFTER + timedelta(minutes=11))
        assert "OB-2222" in text(aigul.get(page("calls")))

    def test_without_a_word_of_what_came_of_it_is_asked_again(self, day, aigul):
        aigul.post(page("call", day.tree["KZ-1-1-1"].pk, day.first.observer.pk))
        assert aigul.post(page("called", Call.objects.get().pk), {}).status_code == 422

    def test_nobody_writes_down_anothers_call(self, day, aigul):
        aigul.post(page("call", day.tree["KZ-1-1-1"].pk, day.first.observer.pk))
        answer = coordinator(day, "marat").post(page("called", Call.objects.get().pk), {"outcome": "reached"})
        assert answer.status_code == 404

    def test_somebody_of_another_territory_is_unknown(self, day):
        client = coordinator(day, "marat", "KZ-2")
        assert client.post(page("call", day.tree["KZ-2-1-1"].pk, day.first.observer.pk)).status_code == 404
        assert client.post(page("call", day.tree["KZ-1-1-1"].pk, day.first.observer.pk)).status_code == 404
        assert not Call.objects.exists()


class TestDictation:
    def filled(self, **fields) -> dict[str, str]:
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

    def address(self, day: World, checklist: str = "voting") -> str:
        place = page("dictate", day.tree["KZ-1-1-1"].pk, day.first.observer.pk)
        return f"{place}?checklist={checklist}"

    def test_offers_the_checklists_that_fit_the_place(self, day, aigul):
        shown = text(aigul.get(page("dictate", day.tree["KZ-1-1-1"].pk, day.first.observer.pk)))
        assert "voting en" in shown and "tabulation" not in shown

    def test_asks_every_question_with_its_condition(self, day, aigul):
        shown = aigul.get(self.address(day)).content.decode()
        for code in ("V01", "V03", "V16", "V30", "V90", "X05", "X06", "X07", "X08", "X09", "X10"):
            assert f'name="q-{code}"' in shown, code
        assert 'data-if="q-V15" data-is="yes"' in shown
        assert "Only if" in shown

    def test_stores_it_by_the_one_door(self, day, aigul):
        answer = aigul.post(self.address(day), self.filled())
        assert answer["Location"] == page("station", day.tree["KZ-1-1-1"].pk)
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

    def test_pressed_twice_is_stored_once(self, day, aigul):
        filled = self.filled()
        for _ in range(2):
            assert aigul.post(self.address(day), filled).status_code == 302
        assert Report.objects.count() == 1

    def test_keeps_what_was_typed_when_an_answer_cannot_be_read(self, day, aigul):
        answer = aigul.post(self.address(day), self.filled(**{"q-X05": "many", "q-X10": "here"}))
        assert answer.status_code == 422
        shown = answer.content.decode()
        assert 'value="many"' in shown and "all calm" in shown and shown.count('class="errorlist"') == 2
        assert not Report.objects.exists()

    def test_tells_that_another_came_meanwhile_and_stores_on_insisting(self, day, aigul):
        stored(day.first, payload())
        filled = self.filled()
        assert aigul.post(self.address(day), filled).status_code == 409
        assert Report.objects.count() == 1
        assert aigul.post(self.address(day), filled | {"anyway": "1"}).status_code == 302
        assert Report.objects.count() == 2

    @pytest.mark.parametrize("wrong", [{"uuid": "x"}, {"observed_at": "yesterday"}, {"newest": "-1"}, {"contest": "9"}])
    def test_refuses_a_head_that_cannot_be(self, day, aigul, wrong):
        assert aigul.post(self.address(day), self.filled(**wrong)).status_code == 422

    def test_of_a_checklist_that_is_not_there_is_unknown(self, day, aigul):
        assert aigul.get(self.address(day, "nothing")).status_code == 404

    def test_is_for_observers_of_ones_own_territory(self, day):
        client = coordinator(day, "marat", "KZ-2")
        assert client.post(self.address(day), self.filled()).status_code == 404
        assert not Report.objects.exists()


class TestReplacing:
    def test_an_observer_by_one_who_is_known(self, day, aigul):
        day.enrolled("OB-7777", "KZ-1-2-1")
        row = Assignment.objects.get(commission__code="KZ-1-1-1")
        shown = text(aigul.post(page("replace", row.pk, day.first.observer.pk), {"known": "ob-7777"}))
        assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", shown)
        assert Device.objects.get(pk=day.first.device.pk).revoked_at == AFTER

    def test_an_observer_by_somebody_new(self, day, aigul):
        row = Assignment.objects.get(commission__code="KZ-1-1-1")
        new = {"name": "Сәуле", "phone": "+7 701 555 11 22", "language": "kk"}
        text(aigul.post(page("replace", row.pk, day.first.observer.pk), new))
        observer = Observer.objects.exclude(code__in=["OB-2222", "OB-3333"]).get()
        assert (observer.name, observer.organisation) == ("Сәуле", day.organisation)
        assert observer.phone_lookup

    def test_by_nobody_is_asked_again(self, day, aigul):
        row = Assignment.objects.get(commission__code="KZ-1-1-1")
        for wrong in ({}, {"known": "OB-0000"}, {"name": "x"}, {"name": "x", "phone": "call me"}):
            assert aigul.post(page("replace", row.pk, day.first.observer.pk), wrong).status_code == 422
        assert Assignment.objects.filter(ends_at__isnull=False).count() == 0

    def test_a_phone_and_once_only(self, day, aigul):
        address = page("phone_replace", day.tree["KZ-1-1-1"].pk, day.first.observer.pk)
        seen = re.findall(r'name="seen" value="(\d+)"', aigul.get(address).content.decode())
        assert seen == [str(day.first.device.pk)]
        answer = aigul.post(address, {"seen": seen})
        assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", text(answer))
        assert "no-store" in answer["Cache-Control"]
        assert coordinator(day, "marat").post(address, {"seen": seen}).status_code == 409


class TestRehearsalOnTheDay:
    def test_is_listed_and_counted_in_earnest(self, day, aigul):
        report = stored(day.first, payload(rehearsal=True))
        assert "KZ-1-1-1" in text(aigul.get(page("rehearsals"))) or "voting en" in text(aigul.get(page("rehearsals")))
        assert "1 rehearsal report" in text(aigul.get(page("board")))
        assert "1 report counts now" in text(aigul.post(page("rehearsals"), {"report": [report.pk]}, follow=True))
        assert Report.objects.counted().count() == 1

    def test_of_another_territory_is_left_alone(self, day):
        report = stored(day.first, payload(rehearsal=True))
        coordinator(day, "marat", "KZ-2").post(page("rehearsals"), {"report": [report.pk, "x", "9" * 30]})
        assert Report.objects.counted().count() == 0


class TestMessages:
    def write(self, **fields) -> dict[str, str]:
        return {"uuid": str(uuid4()), "at": "KZ-1-1", "role": "", "silent": "", "text-ru": "Слово"} | fields

    def test_are_looked_at_with_the_number_before_they_are_sent(self, day, aigul):
        said = self.write()
        assert "To 2 observers" in text(aigul.post(page("message_new"), said))
        assert not Message.objects.exists()
        shown = text(aigul.post(page("message_new"), said | {"send": "1"}, follow=True))
        assert "Read by 0 of 2" in shown and "OB-2222" in shown
        assert Message.objects.get().author.username == "aigul"

    def test_sent_twice_are_said_once(self, day, aigul):
        said = self.write(send="1")
        for _ in range(2):
            aigul.post(page("message_new"), said)
        assert Message.objects.count() == 1

    def test_to_those_who_have_not_reported_are_for_them_only(self, day, aigul):
        stored(day.first, payload("opening"))
        aigul.post(page("message_new"), self.write(silent="opening", send="1"))
        assert [one.code for one in Message.objects.get().recipients.all()] == ["OB-3333"]

    def test_to_one(self, day, aigul):
        address = f"{page('message_new')}?observer={day.first.observer.pk}"
        assert "OB-2222" in text(aigul.get(address))
        aigul.post(address, self.write(send="1"))
        assert Message.objects.get().observer == day.first.observer

    def test_to_another_territory_are_not_for_this_desk(self, day, aigul):
        assert aigul.post(page("message_new"), self.write(now="KZ", send="1")).status_code == 404
        assert aigul.post(page("message_new"), self.write(now="KZ-2", send="1")).status_code == 404
        outside = day.enrolled("OB-8888", "KZ-2-1-1").observer
        assert aigul.get(f"{page('message_new')}?observer={outside.pk}").status_code == 404
        assert not Message.objects.exists()

    def test_without_words_are_not_sent(self, day, aigul):
        assert aigul.post(page("message_new"), self.write(**{"text-ru": " ", "send": "1"})).status_code == 422

    def test_of_a_desk_of_one_organisation_reach_its_people_only(self, day):
        other = Organisation.objects.create(code="other", names=words("other"))
        client = coordinator(day, "partner", "KZ", organisation=other)
        assert "To 0 observers" in text(client.post(page("message_new"), self.write(now="KZ")))


def test_whoever_may_not_register_is_not_offered_it(day):
    client = coordinator(day, "reader", role="reader")
    shown = client.get(page("station", day.tree["KZ-1-1-1"].pk)).content.decode()
    assert "/replace/" not in shown and "/call/" not in shown and "/dictate/" not in shown
    assert not may(User.objects.get(username="reader"), Verb.REGISTER)


def test_a_replaced_assignment_shows_until_when(day, aigul):
    Assignment.objects.filter(commission__code="KZ-1-1-1").update(ends_at=DAY)
    shown = text(aigul.get(page("station", day.tree["KZ-1-1-1"].pk)))
    assert "until 20.11. 10:00" in shown and "no longer here" in shown
    assert "Call OB-2222" not in shown


def test_who_was_there_until_the_day_ended_is_still_called_afterwards(day, monkeypatch):
    Assignment.objects.update(ends_at=day.election.closes_at)
    monkeypatch.setattr("django.utils.timezone.now", lambda: day.election.closes_at + timedelta(days=1))
    client = coordinator(day)
    assert "Call OB-2222" in text(client.get(page("station", day.tree["KZ-1-1-1"].pk)))
    assert "Call OB-2222" in text(client.get(page("stations"), {"show": "silent"}))


def test_a_station_with_many_reports_takes_no_more_queries(day, aigul):
    address = page("station", day.tree["KZ-1-1-1"].pk)
    stored(day.first, payload("opening"))
    aigul.get(address)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            aigul.get(address)
        counts.append(len(captured))
        for _number in range(8):
            stored(day.first, payload())
    assert counts[0] == counts[1] < 30
