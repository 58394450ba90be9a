"""Enrolment sheets: a page each, in the observer's language, whose code enrols a phone; who may print them, and the trail."""

import io
import re
from datetime import timedelta

import pytest
import segno
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pypdf import PdfReader

from observer.models import Assignment, Device, EnrolmentCode, Grant, Observer, Organisation, Trail, User
from observer.services.devices.enrolment import InvalidCode, enrol, enrolment_create
from reports.desk.paper.enrolment_sheet_pdf import Sheet, sheets_pdf
from reports.desk.paper.pdf_canvas import Paper, breadth, runs_of, wrapped
from reports.desk.preparation import enrolment_sheets
from tests.reports.desk.day.test_day_pages import AFTER, aigul, coordinator, day, page, text
from tests.reports.services.schedule.test_expectations import SCHEDULE
from tests.support.threads import at_once
from tests.support.world import DAY, World, make_observer, words

__all__ = ["aigul", "day"]
CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
KAZAKH = "Әлімғазыұлы Құрманғали Бәйдібекұлы Жұмағұлов-Өтепбергеновтің һәм Іңкәр"


def pages(answer) -> list[str]:
    assert answer.status_code == 200, text(answer)
    assert answer["Content-Type"] == "application/pdf"
    return [" ".join(one.extract_text().split()) for one in PdfReader(io.BytesIO(answer.content)).pages]


def code_on(sheet: str) -> str:
    found = CODE.findall(sheet)
    assert len(found) == 1, sheet
    return found[0]


def unenrolled(world: World, code: str, station: str = "KZ-1-1-1", **fields) -> Observer:
    observer = make_observer(code, world.organisation, **fields)
    Assignment.objects.create(election=world.election, commission=world.tree[station]).observers.add(observer)
    return observer


class TestASheet:
    def test_enrols_a_phone_by_its_code_and_says_where_and_whom_to_call(self, day, aigul):
        observer = unenrolled(day, "OB-5555", language="en")
        day.election.emergency_contact = "+7 701 000 11 22"
        day.election.save()
        answer = aigul.post(page("sheets"), {"who": observer.pk})
        [sheet] = pages(answer)
        for said in (
            "OB-5555",
            "KZ-1-1-1",
            "+7 701 000 11 22",
            "20.11.2022",
            "opening en: by 20.11. 07:15",
            "KZ-1 en › KZ-1-1 en",
        ):
            assert said in sheet, said
        assert "Name of" not in sheet
        assert enrol(code=code_on(sheet), device_name="A14", device_id=None, now=AFTER).device.observer == observer

    def test_is_kept_nowhere_on_its_way(self, day, aigul):
        answer = aigul.post(page("sheets"), {"who": unenrolled(day, "OB-5555").pk})
        assert "no-store" in answer["Cache-Control"] and "private" in answer["Cache-Control"]
        assert answer["Content-Disposition"] == 'attachment; filename="sheet-OB-5555.pdf"'

    @pytest.mark.parametrize(
        ("language", "said"),
        [("kk", "Әдеп кодексін"), ("ru", "Прочитайте"), ("en", "Read the code"), ("xx", "Әдеп кодексін")],
    )
    def test_speaks_the_observers_language_else_the_elections_first(self, day, aigul, language, said):
        [sheet] = pages(aigul.post(page("sheets"), {"who": unenrolled(day, "OB-5555", language=language).pk}))
        assert said in sheet

    def test_stays_one_page_however_much_there_is_to_say(self, day, aigul):
        observer = unenrolled(day, "OB-5555", name=KAZAKH * 5)
        endless = dict.fromkeys(("kk", "ru", "en"), f"{KAZAKH} " * 30 + "Ұ" * 3000)
        for place in day.tree.values():
            place.names = place.address = endless
            place.save()
            Assignment.objects.create(election=day.election, commission=place).observers.add(observer)
        day.election.names = day.election.emergency_names = endless
        day.election.emergency_contact = "9" * 40
        day.election.save()
        [sheet] = pages(aigul.post(page("sheets"), {"who": observer.pk, "names": "on", "reason": "a training"}))
        assert "Өтепбергеновтің" in sheet and "…" in sheet

    def test_of_somebody_sent_nowhere_yet_says_so(self, day):
        observer = make_observer("OB-5555", day.organisation, language="en")
        observer.elections.add(day.election)
        [sheet] = pages(coordinator(day, "national", "KZ", "national").post(page("sheets"), {"who": observer.pk}))
        assert "Your coordinator will tell you." in sheet

    def test_makes_the_codes_handed_out_before_worthless(self, day, aigul):
        observer = unenrolled(day, "OB-5555")
        read_out = enrolment_create(observer=observer, election=day.election, now=DAY)
        [first], [second] = (pages(aigul.post(page("sheets"), {"who": observer.pk})) for _ in range(2))
        for dead in (read_out, code_on(first)):
            with pytest.raises(InvalidCode):
                enrol(code=dead, device_name="", device_id=None, now=AFTER + timedelta(seconds=1))
        assert enrol(code=code_on(second), device_name="", device_id=None, now=AFTER)

    def test_leaves_enrolled_phones_as_they_are(self, day, aigul):
        [sheet] = pages(aigul.post(page("sheets") + "?observer=OB-2222", {"do": "all"}))
        assert code_on(sheet)
        assert not Device.objects.exclude(revoked_at=None).exists()


class TestWhoIsMeant:
    def test_are_those_of_ones_own_territory_who_have_no_phone(self, day, aigul):
        unenrolled(day, "OB-5555")
        unenrolled(day, "OB-6666", "KZ-2-1-1")
        shown = text(aigul.get(page("sheets")))
        assert "OB-5555" in shown and "OB-6666" not in shown and "OB-2222" not in shown
        assert "OB-2222" in text(aigul.get(page("sheets"), {"show": "all"}))
        assert "OB-5555" not in text(aigul.get(page("sheets"), {"at": "KZ-1-2"}))
        assert len(pages(aigul.post(page("sheets"), {"do": "all"}))) == 1
        assert len(pages(aigul.post(page("sheets") + "?show=all", {"do": "all"}))) == 3

    def test_are_not_those_who_were_sent_away(self, day, aigul):
        observer = unenrolled(day, "OB-5555")
        Assignment.objects.filter(observers=observer).update(ends_at=DAY)
        assert "OB-5555" not in text(aigul.get(page("sheets")))

    def test_of_another_territory_organisation_or_election_cannot_be_ticked(self, day, aigul):
        far = unenrolled(day, "OB-6666", "KZ-2-1-1")
        partner = Organisation.objects.create(code="other", names=words("other"))
        near = unenrolled(day, "OB-5555")
        limited = coordinator(day, "limited", organisation=partner)
        for client, key in ((aigul, far.pk), (limited, near.pk), (aigul, 987654321), (aigul, "x"), (aigul, "9" * 40)):
            answer = client.post(page("sheets"), {"who": key})
            assert text(answer) and answer["Content-Type"].startswith("text/html")
        assert "OB-6666" not in text(aigul.get(page("sheets"), {"observer": "OB-6666"}))
        assert aigul.get(page("sheets"), {"at": "KZ-2"}).status_code == 404
        assert not EnrolmentCode.objects.exists()

    def test_are_no_more_than_one_file_holds(self, day, aigul, monkeypatch):
        monkeypatch.setattr(enrolment_sheets, "SHEETS_MOST", 1)
        answer = aigul.post(page("sheets") + "?show=all", {"do": "all"})
        assert "At most 1 sheets" in text(answer)

    def test_cost_the_same_few_queries_however_many_they_are(self, day, aigul):
        def asked() -> int:
            with CaptureQueriesContext(connection) as few:
                aigul.get(page("sheets"))
            return len(few)

        unenrolled(day, "OB-5550")
        asked()  # the first remembers the election
        before = asked()
        for number in range(1, 9):
            unenrolled(day, f"OB-555{number}", "KZ-1-1-3")
        assert asked() == before


class TestNames:
    def test_are_on_paper_for_a_reason_alone_which_stays_in_the_trail(self, day, aigul):
        observer = unenrolled(day, "OB-5555", name=KAZAKH)
        refused = aigul.post(page("sheets"), {"who": observer.pk, "names": "on", "reason": " x "})
        assert "Say why the sheets must bear names." in text(refused) and KAZAKH not in text(refused)
        assert not EnrolmentCode.objects.exists() and not Trail.objects.filter(action__startswith="enrolment").exists()
        [sheet] = pages(aigul.post(page("sheets"), {"who": observer.pk, "names": "on", "reason": "a training"}))
        assert KAZAKH in sheet
        line = Trail.objects.get(action="observer.list")
        assert line.detail == {"fields": ["name"], "number": 1, "reason": "a training"}
        assert line.user == User.objects.get(username="aigul")

    def test_are_not_even_read_where_they_are_not_asked_for(self, day, aigul, monkeypatch):
        observer = unenrolled(day, "OB-5555", name=KAZAKH)
        read = []
        monkeypatch.setattr("observer.crypto.decrypt", lambda token: read.append(token) or "x")
        pages(aigul.post(page("sheets"), {"who": observer.pk}))
        assert read == []

    def test_or_none_the_trail_says_for_whom_it_was_printed(self, day, aigul):
        people = [unenrolled(day, f"OB-555{number}") for number in range(3)]
        aigul.post(page("sheets"), {"who": [one.pk for one in people]})
        lines = Trail.objects.filter(action="enrolment.print", election=day.election)
        assert {line.subject for line in lines} == {f"observer:{one.pk}" for one in people}
        assert all(line.user.username == "aigul" and not line.detail["names"] for line in lines)
        assert not CODE.search("".join(str(line.detail) for line in lines))


@pytest.mark.django_db(transaction=True)
def test_of_two_sheets_printed_at_once_one_enrols(concurrent_world: World):
    world = concurrent_world
    observer = unenrolled(world, "OB-5555")
    clients = [coordinator(world, name) for name in ("aigul", "bolat")]
    printed = at_once([lambda one=one: one.post(page("sheets"), {"who": observer.pk}) for one in clients])
    living = 0
    for answer in printed:
        [sheet] = pages(answer)
        try:
            enrol(code=code_on(sheet), device_name="", device_id=None, now=timezone.now())
            living += 1
        except InvalidCode:
            continue
    assert living == 1


class TestTheWayThere:
    def test_leads_from_the_observers_own_pages(self, day, aigul):
        observer = unenrolled(day, "OB-5555")
        for address in (f"/admin/observer/observer/{observer.pk}/change/", page("person", observer.pk)):
            assert "/desk/test-2022/sheets/?observer=OB-5555" in aigul.get(address).content.decode()
        lawyer = coordinator(day, "lawyer", role="lawyer")
        assert "/sheets/" not in lawyer.get(page("person", observer.pk)).content.decode()
        assert Grant.objects.count() == 2


@pytest.mark.once
@pytest.mark.slow
class TestManySheets:
    def test_are_one_file_of_as_many_pages(self, world: World):
        world.election.rules = {"schedule": SCHEDULE}
        many = (
            Sheet(observer=f"OB-{number:04}", name="", language="kk", enrolment="M4TQ-7HXV", posts=())
            for number in range(600)
        )
        content = sheets_pdf(many, election=world.election, now=DAY, until=DAY)
        read = PdfReader(io.BytesIO(content))
        assert len(read.pages) == 600
        assert "OB-0599" in read.pages[599].extract_text()
        assert len(content) < 6_000_000


@pytest.mark.once
class TestDrawing:
    def test_a_qr_code_is_the_one_that_was_asked_for(self):
        matrix = segno.make("https://mission.example/phone/#enrol=M4TQ-7HXV", error="m", micro=False).matrix
        drawn = [[0] * len(row) for row in matrix]
        for y, x, length in runs_of(matrix):
            drawn[y][x : x + length] = [1] * length
        assert drawn == [[int(one) for one in row] for row in matrix]

    @pytest.mark.parametrize("said", [KAZAKH * 3, "Ұ" * 500, "", " \n\t ", "a\x00b\u202ec\ud800", "1 " * 300])
    def test_words_are_wrapped_and_never_wider_than_their_place(self, said):
        lines = wrapped(said, 10, 120)
        assert all(breadth(line, 10) <= 120 for line in lines)
        assert not re.search("[\x00\u202e\ud800]", "".join(lines))

    def test_every_letter_that_is_used_is_in_the_fonts(self):
        paper = Paper("x")
        paper.write("ӘҒҚҢӨҰҮҺІәғқңөұүһі №«»„“”–—…·›≠☐✓ Ўўїґ Ğğışçñß Եեწკ")
        read = PdfReader(io.BytesIO(paper.done())).pages[0].extract_text()
        assert "ӘҒҚҢӨҰҮҺІәғқңөұүһі" in read and "Ğğışçñß" in read
