"""The lists that a phone loads for the day, each for its observer only."""

import gzip
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from observer.models import Assignment, Consent, Election, Organisation
from observer.services.registry import places
from reports.models import ChecklistVersion, Message, ViolationType
from reports.services.elections.pack_files import read_pack
from reports.services.elections.packs import find_pack_folder
from tests.api.conftest import PhoneClient
from tests.support.world import DAY, World, make_election, make_phone, make_texts, make_version

POLLED = (
    "me",
    "me/consent",
    "assignments",
    "schedule",
    "checklists",
    "checklists/voting/1",
    "violation-types",
    "commissions",
    "commissions/bundle",
    "messages",
    "guide",
    "reports",
)


class TestPolling:
    @pytest.mark.parametrize("path", POLLED)
    def test_what_is_known_is_not_sent_again(self, first: PhoneClient, path: str) -> None:
        answer = first.get(path)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        assert set(answer["Vary"].split(", ")) >= {"Accept", "Accept-Language", "Authorization"}
        again = first.get(path, **{"if-none-match": f'"other", W/{answer["ETag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == answer["ETag"]

    def test_another_language_has_another_etag(self, first: PhoneClient) -> None:
        kk, en = (first.get("assignments", **{"accept-language": one}) for one in ("kk", "en"))
        assert kk["ETag"] != en["ETag"]
        assert kk.json()[0]["commission"]["name"] == "KZ-1-1-1 kk"
        assert first.get("assignments").json()[0]["commission"]["name"] == "KZ-1-1-1 ru"

    def test_a_strange_accept_still_gets_json(self, first: PhoneClient) -> None:
        assert first.get("me", accept="text/html")["Content-Type"] == "application/json"


class TestMe:
    def test_it_names_the_observer_and_the_emergency_contact(self, first: PhoneClient, world: World) -> None:
        Election.objects.update(
            emergency_contact="112",
            emergency_names=make_texts("desk"),
            state="rehearsal",
            mirrors=["https://mirror.example"],
            relay_key="age1key",
            rules={"removal": "ACC-01"},
        )
        me = first.get("me").json()
        assert me["observer"]["code"] == "OB-2222"
        assert me["election"]["slug"] == "test-2022"
        assert (me["election"]["name"], me["election"]["names"]) == ("test-2022 ru", make_texts("test-2022"))
        assert me["organisation"] == {"code": "org", "name": "org ru", "names": make_texts("org"), "kind": "citizen"}
        assert me["emergency_contact"] == {"name": "desk ru", "names": make_texts("desk"), "phone": "112"}
        assert me["election"]["removal"] == "ACC-01"
        assert (me["election"]["rehearsal"], me["endpoints"]) == (True, ["https://mirror.example"])
        assert (me["relay"]["key"], len(me["relay"]["id"])) == ("age1key", 16)
        assert "Name of" not in str(me), "a lost phone tells no name"

    def test_what_is_not_set_is_null(self, first: PhoneClient) -> None:
        me = first.get("me").json()
        assert (me["emergency_contact"], me["relay"], me["endpoints"]) == (None, None, [])
        assert me["election"]["removal"] is None

    def test_the_code_of_conduct_can_be_read_in_every_language(self, first: PhoneClient) -> None:
        paper = {"code": "code-of-conduct", "version": 3, "title": make_texts("title"), "points": {"ru": ["a", "b"]}}
        Election.objects.update(conduct_version=3, rules={"guide": {"documents": [paper]}})
        assert first.get("me/consent").json() == {
            "document": "code-of-conduct",
            "version": 3,
            "accepted_version": None,
            "accepted_at": None,
            "languages": ["kk", "ru", "en"],
            "title": make_texts("title"),
            "points": {"ru": ["a", "b"]},
        }

    def test_consent_is_noted_with_its_version(self, first: PhoneClient, world: World) -> None:
        body = {"document": "code-of-conduct", "version": 1, "at": "2022-11-19T18:00:00+06:00"}
        assert first.post("me/consent", body).status_code == 200
        assert Consent.objects.get(observer=world.first.observer, election=world.election).version == 1
        assert first.get("me").json()["consent"]["accepted_version"] == 1

    @pytest.mark.parametrize(
        "wrong", [{"version": 2}, {"version": "1"}, {"version": True}, {"document": "other"}, {"at": "x"}, {"at": 1}]
    )
    def test_a_wrong_consent_is_422(self, first: PhoneClient, wrong: dict) -> None:
        body = {"document": "code-of-conduct", "version": 1, "at": "2022-11-19T18:00:00+06:00"} | wrong
        answer = first.post("me/consent", body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] in wrong


class TestAssignmentsAndSchedule:
    def test_only_the_observers_own_assignments_are_listed(self, first: PhoneClient) -> None:
        (row,) = first.get("assignments").json()
        assert row["commission"]["code"] == "KZ-1-1-1"
        assert row["commission"]["location"] == {"lat": 43.25, "lon": 76.95}
        assert row["commission"]["timezone"] == "Asia/Almaty"
        assert (row["role"], row["from"], row["until"]) == ("stationary", None, None)

    def test_those_of_another_election_are_not_here(self, world: World) -> None:
        phone = make_phone(world.first.observer, make_election("other-2022"))
        assert PhoneClient(phone).get("assignments").json() == []

    def test_without_planned_hours_the_schedule_is_empty(self, first: PhoneClient) -> None:
        assert first.get("schedule").json() == []

    def test_what_is_filled_once_is_due_when_its_window_ends(self, first: PhoneClient, world: World) -> None:
        window = ["2022-11-19T23:00:00+00:00", "2022-11-20T02:30:00+00:00"]
        Election.objects.update(windows={"opening": window, "voting": window, "tabulation": window})
        assert first.get("schedule").json() == [
            {
                "checklist": "opening",
                "slot": None,
                "commission": "KZ-1-1-1",
                "due": "2022-11-20T02:30:00Z",
                "grace_minutes": 0,
            }
        ]

    def make_planned_hour(self, **fields: Any) -> dict[str, Any]:
        plain = {"slot": "", "day": 0, "time": "12:05:00", "grace_minutes": 10, "zone": "", "roles": []}
        return plain | fields

    def test_planned_hours_are_in_the_stations_time_zone(self, first: PhoneClient, world: World) -> None:
        world.tree["KZ-1-1-1"].timezone = "Asia/Aqtau"  # UTC+5 that day
        world.tree["KZ-1-1-1"].save()
        rows = [
            self.make_planned_hour(checklist="voting", slot="12:05"),
            self.make_planned_hour(checklist="voting", slot="14:05", time="14:05:00", zone="Asia/Almaty"),
            self.make_planned_hour(checklist="opening", day=-1, time="23:30:00"),
            self.make_planned_hour(checklist="tabulation"),
            self.make_planned_hour(checklist="voting", slot="mobile", roles=["mobile"]),
        ]
        Election.objects.update(rules={"schedule": rows})
        found = first.get("schedule").json()
        assert [(row["checklist"], row["slot"], row["due"]) for row in found] == [
            ("opening", None, "2022-11-19T18:30:00Z"),
            ("voting", "12:05", "2022-11-20T07:05:00Z"),
            ("voting", "14:05", "2022-11-20T08:05:00Z"),
        ]
        assert {(row["commission"], row["grace_minutes"]) for row in found} == {("KZ-1-1-1", 10)}

    def test_hours_outside_the_assignment_are_left_out(self, first: PhoneClient) -> None:
        hours = [
            self.make_planned_hour(checklist="voting", slot=f"{hour}", time=f"{hour}:00:00") for hour in (10, 14, 18)
        ]
        Election.objects.update(rules={"schedule": hours})
        Assignment.objects.update(starts_at=DAY + timedelta(hours=1), ends_at=DAY + timedelta(hours=5))
        assert [row["slot"] for row in first.get("schedule").json()] == ["14"]

    def test_two_assignments_to_one_place_make_one_expectation(self, first: PhoneClient, world: World) -> None:
        Election.objects.update(rules={"schedule": [self.make_planned_hour(checklist="voting")]})
        row = Assignment.objects.create(election=world.election, commission=world.tree["KZ-1-1-1"], role="mobile")
        row.observers.add(world.first.observer)
        assert len(first.get("schedule").json()) == 1


class TestChecklists:
    def test_each_is_listed_in_its_current_version(self, first: PhoneClient, world: World) -> None:
        checklist = world.versions["opening"].checklist
        make_version(checklist, 2, [{"code": "O01", "type": "yes_no"}])
        ChecklistVersion.objects.create(checklist=checklist, number=3)
        rows = first.get("checklists").json()
        assert [(row["code"], row["version"]) for row in rows] == [
            ("opening", 2),
            ("voting", 1),
            ("tabulation", 1),
            ("incident", 1),
        ]
        assert rows[0]["url"] == "http://testserver/api/v1/checklists/opening/2"
        assert rows[0]["title"] == "opening ru"
        assert first.get("checklists/opening/1").status_code == 200, "a report begun on it can still be read"
        assert first.get("checklists/opening/3").status_code == 404, "not published"

    def test_questions_with_choices_conditions_and_limits(self, first: PhoneClient) -> None:
        body = first.get("checklists/voting/1").json()
        questions = {question["code"]: question for question in body["questions"]}
        assert questions["V16"]["relevant_if"] == {"question": "V15", "answers": ["yes"]}
        assert questions["V03"]["relevant_if"] is None
        assert questions["V03"]["required"] is True
        assert (questions["X05"]["min"], questions["X05"]["max"]) == (0, 3000)
        assert questions["V01"]["choices"][0] == {"code": "female", "label": make_texts("female")}
        assert questions["V03"]["label"] == make_texts("V03")

    @pytest.mark.parametrize("path", ["voting/99", "lunch/1", "voting/999999999", "voting/x", "voting/-1"])
    def test_what_is_not_there_is_404(self, first: PhoneClient, path: str) -> None:
        answer = first.get(f"checklists/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestViolationTypes:
    def test_only_those_offered_to_this_kind_of_observer(self, first: PhoneClient, world: World) -> None:
        ViolationType.objects.filter(code="OPN-01").update(audience=["international"])
        ViolationType.objects.filter(code="FRD-05").update(audience=["citizen", "party"])
        codes = {row["code"] for row in first.get("violation-types").json()}
        assert "OPN-01" not in codes
        assert {"FRD-05", "ACC-01"} <= codes
        Organisation.objects.update(kind="international")
        codes = {row["code"] for row in first.get("violation-types").json()}
        assert "OPN-01" in codes
        assert "FRD-05" not in codes


class TestMessages:
    def test_those_to_the_observer_the_territory_and_all_are_listed(self, first: PhoneClient, world: World) -> None:
        def say(text: str, **to: object) -> Message:
            return Message.objects.create(election=world.election, texts={"ru": text}, sent_at=DAY, **to)

        mine = say("to me", observer=world.first.observer)
        say("to all")
        say("to my region", commission=world.tree["KZ-1"])
        say("to my station", commission=world.tree["KZ-1-1-1"])
        hidden = [
            say("to another", observer=world.second.observer),
            say("to another region", commission=world.tree["KZ-2"]),
            say("next door", commission=world.tree["KZ-1-1-2"]),
        ]
        texts = {row["text"] for row in first.get("messages").json()}
        assert texts == {"to me", "to all", "to my region", "to my station"}
        one, two = (first.post(f"messages/{mine.pk}/read") for _ in range(2))
        assert (one.status_code, one.json()) == (200, two.json())
        assert {row["id"]: row["read_at"] for row in first.get("messages").json()}[mine.pk] == one.json()["read_at"]
        for message in hidden:
            assert first.post(f"messages/{message.pk}/read").status_code == 404

    def test_what_is_not_there_is_404(self, first: PhoneClient) -> None:
        for key in ("0", "999999999", "99999999999999999999", "x"):
            assert first.post(f"messages/{key}/read").status_code == 404


class TestGuide:
    def make_item(self, code: str, **fields: Any) -> dict[str, Any]:
        plain = {
            "title": make_texts(code),
            "text": make_texts(code),
            "article": "",
            "audience": [],
            "since": "",
            "until": "",
        }
        return {"code": code} | plain | fields

    def test_an_election_without_one_has_empty_lists(self, first: PhoneClient) -> None:
        assert first.get("guide").json() == {
            "languages": ["kk", "ru", "en"],
            "law": {},
            "sections": [],
            "templates": [],
            "deadlines": [],
        }

    def test_a_right_has_dates_and_an_audience(self, first: PhoneClient) -> None:
        items = [
            self.make_item("all"),
            self.make_item("citizen", audience=["citizen"]),
            self.make_item("party", audience=["party"]),
            self.make_item("later", since="2023-01-01"),
            self.make_item("earlier", until="2022-11-19"),
            self.make_item("on_the_day", since="2022-11-20", until="2022-11-20", article="8"),
        ]
        sections = [
            {"code": "rights", "title": make_texts("rights"), "items": items},
            {"code": "empty", "title": make_texts("empty"), "items": [self.make_item("party", audience=["party"])]},
        ]
        Election.objects.update(rules={"guide": {"sections": sections}})
        (section,) = first.get("guide").json()["sections"]
        assert [item["code"] for item in section["items"]] == ["all", "citizen", "on_the_day"]
        assert section["items"][2] == {
            "code": "on_the_day",
            "title": make_texts("on_the_day"),
            "text": make_texts("on_the_day"),
            "article": "8",
        }

    def test_the_packs_own_says_every_text_in_every_language(self, first: PhoneClient) -> None:
        pack = read_pack(find_pack_folder("kz"))
        Election.objects.update(rules={"guide": pack.guide, "deadlines": pack.deadlines})
        guide = first.get("guide").json()
        codes = {item["code"] for section in guide["sections"] for item in section["items"]}
        assert "removal" in codes
        assert not codes & {"tabulation", "accreditation"}, "no right of citizen observers, and none in 2022"
        assert set(guide["templates"][0]["text"]) == {"kk", "ru", "en"}
        assert guide["deadlines"][0]["name"]["en"]


class TestFindingACommission:
    def test_the_topmost_then_what_is_below(self, first: PhoneClient) -> None:
        assert [row["code"] for row in first.get("commissions").json()] == ["KZ"]
        assert [row["code"] for row in first.get("commissions?parent=KZ").json()] == ["KZ-1", "KZ-2"]
        assert first.get("commissions?parent=KZ-1-1-1").json() == []
        assert first.get("commissions?parent=XX").status_code == 404

    def test_the_nearest_first_with_metres(self, first: PhoneClient, world: World) -> None:
        for number, code in enumerate(["KZ-1-1-2", "KZ-1-1-1", "KZ-2-2-3"]):
            world.tree[code].lat, world.tree[code].lon = 50.0 + number / 100, 70.0
            world.tree[code].save()
        rows = first.get("commissions?near=50.001,70").json()
        assert [row["code"] for row in rows] == ["KZ-1-1-2", "KZ-1-1-1", "KZ-2-2-3"]
        assert rows[0]["distance"] == pytest.approx(111, abs=1)
        assert len(first.get("commissions?near=43.25,76.95").json()) <= 20
        assert first.get("commissions?near=-90,180").json() == []

    @pytest.mark.parametrize("asked", ["kz-1-1-1", "KZ-1-1-1 ru", "сайлау учаскесі", "УЧАСКЕСІ", "абай"])
    def test_by_words_in_any_language_and_case(self, first: PhoneClient, world: World, asked: str) -> None:
        place = world.tree["KZ-1-1-1"]
        place.names = {"kk": "Сайлау учаскесі № 1", "ru": "KZ-1-1-1 ru"}
        place.address = {"kk": "Абай даңғылы, 10"}
        place.save()
        assert first.get(f"commissions?search={asked}").json()[0]["code"] == "KZ-1-1-1"

    @pytest.mark.parametrize(
        "query",
        [
            "near=x",
            "near=91,0",
            "near=1",
            "near=nan,nan",
            "near=1e3,2",
            "near=1,2&search=x",
            "search=%00",
            "parent=%00",
            f"search={'x' * 101}",
            "near=1,2&near=3,4",
            "search=%ED%A0%80%00",
        ],
    )
    def test_what_cannot_be_read_is_400(self, first: PhoneClient, query: str) -> None:
        answer = first.get(f"commissions?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")

    @pytest.mark.parametrize("words", ["%25", "_", "'", "%22", "\\", "%EF%BF%BD"])
    def test_special_characters_match_nothing(self, first: PhoneClient, words: str) -> None:
        assert first.get(f"commissions?search={words}").json() == []

    def test_another_elections_are_not_found(self, world: World) -> None:
        phone = PhoneClient(make_phone(world.first.observer, make_election("other-2022")))
        for query in ("", "?search=KZ", "?near=43.25,76.95"):
            assert phone.get(f"commissions{query}").json() == []
        assert phone.get("commissions?parent=KZ").status_code == 404


class TestTheBundle:
    def list_codes(self, phone: PhoneClient) -> list[str]:
        body = phone.get("commissions/bundle").json()
        return [row[body["fields"].index("code")] for row in body["rows"]]

    def test_a_stations_neighbours_and_what_lies_above(self, first: PhoneClient) -> None:
        assert self.list_codes(first) == ["KZ", "KZ-1", "KZ-1-1", "KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"]

    def test_a_region_with_all_below(self, first: PhoneClient, world: World) -> None:
        Assignment.objects.all().delete()
        row = Assignment.objects.create(election=world.election, commission=world.tree["KZ-2"], role="long_term")
        row.observers.add(world.first.observer)
        assert len(self.list_codes(first)) == 1 + 1 + 2 + 6

    def test_without_an_assignment_the_whole_election(self, first: PhoneClient) -> None:
        Assignment.objects.all().delete()
        assert len(self.list_codes(first)) == 19

    def test_of_a_large_territory_only_the_precincts_beside_the_own_are_listed(
        self, first: PhoneClient, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = Assignment.objects.create(election=world.election, commission=world.tree["KZ"], role="long_term")
        row.observers.add(world.first.observer)
        assert first.get("commissions/bundle").json()["complete"] is True
        monkeypatch.setattr(places, "MAX_TERRITORY_ROWS", 18)
        assert first.get("commissions/bundle").json()["complete"] is False
        assert self.list_codes(first) == [
            "KZ",
            "KZ-1",
            "KZ-1-1",
            "KZ-1-1-1",
            "KZ-1-1-2",
            "KZ-1-1-3",
            "KZ-1-2",
            "KZ-2",
            "KZ-2-1",
            "KZ-2-2",
        ]

    def test_it_comes_compressed_where_the_phone_takes_that(self, first: PhoneClient) -> None:
        Assignment.objects.all().delete()
        plain = first.get("commissions/bundle")
        packed = first.get("commissions/bundle", **{"accept-encoding": "gzip"})
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        again = first.get("commissions/bundle", **{"accept-encoding": "gzip", "if-none-match": packed["ETag"]})
        assert again.status_code == 304

    def test_parents_come_first(self, first: PhoneClient) -> None:
        rows = first.get("commissions/bundle").json()["rows"]
        known = {None}
        for code, parent, *_rest in rows:
            assert parent in known
            known.add(code)


def test_a_consent_from_the_future_is_dated_now(first: PhoneClient) -> None:
    ahead = (timezone.now() + timedelta(days=400)).isoformat()
    body = {"document": "code-of-conduct", "version": 1, "at": ahead}
    assert first.post("me/consent", body).json()["at"] < ahead
