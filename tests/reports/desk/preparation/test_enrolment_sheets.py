"""Enrolment sheets: their content, who may print them for whom, and the trail."""

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
from observer.services.devices.enrolment import InvalidCode, create_enrolment_code, enrol_device
from reports.desk.paper.enrolment_sheet_pdf import EnrolmentSheet, build_enrolment_sheets_pdf
from reports.desk.paper.pdf_canvas import PdfDocument, iterate_dark_runs, measure_width, wrap_text
from reports.desk.preparation import enrolment_sheets
from tests.reports.desk.day.test_day_pages import (
    NOW,
    desk_client,
    desk_url,
    election_day,
    make_coordinator,
    read_text,
)
from tests.reports.services.schedule.test_expectations import SCHEDULE
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, make_observer, make_texts

__all__ = ["desk_client", "election_day"]
CODE_PATTERN = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
LONG_KAZAKH_NAME = "Әлімғазыұлы Құрманғали Бәйдібекұлы Жұмағұлов-Өтепбергеновтің һәм Іңкәр"


def read_pages(answer) -> list[str]:
    assert answer.status_code == 200, read_text(answer)
    assert answer["Content-Type"] == "application/pdf"
    return [" ".join(one.extract_text().split()) for one in PdfReader(io.BytesIO(answer.content)).pages]


def find_code(sheet: str) -> str:
    found = CODE_PATTERN.findall(sheet)
    assert len(found) == 1, sheet
    return found[0]


def make_unenrolled_observer(world: World, code: str, station: str = "KZ-1-1-1", **fields) -> Observer:
    observer = make_observer(code, world.organisation, **fields)
    Assignment.objects.create(election=world.election, commission=world.tree[station]).observers.add(observer)
    return observer


class TestSheet:
    def test_has_a_working_code_places_hours_and_emergency_number(self, election_day, desk_client):
        observer = make_unenrolled_observer(election_day, "OB-5555", language="en")
        election_day.election.emergency_contact = "+7 701 000 11 22"
        election_day.election.save()
        answer = desk_client.post(desk_url("sheets"), {"who": observer.pk})
        [sheet] = read_pages(answer)
        for expected in (
            "OB-5555",
            "KZ-1-1-1",
            "+7 701 000 11 22",
            "20.11.2022",
            "opening en: by 20.11. 07:15",
            "KZ-1 en › KZ-1-1 en",
        ):
            assert expected in sheet, expected
        assert "Name of" not in sheet
        assert (
            enrol_device(code=find_code(sheet), device_name="A14", device_id=None, now=NOW).device.observer == observer
        )

    def test_is_stored_by_no_cache(self, election_day, desk_client):
        answer = desk_client.post(desk_url("sheets"), {"who": make_unenrolled_observer(election_day, "OB-5555").pk})
        assert "no-store" in answer["Cache-Control"] and "private" in answer["Cache-Control"]
        assert answer["Content-Disposition"] == 'attachment; filename="sheet-OB-5555.pdf"'

    @pytest.mark.parametrize(
        ("language", "expected"),
        [("kk", "Әдеп кодексін"), ("ru", "Прочитайте"), ("en", "Read the code"), ("xx", "Әдеп кодексін")],
    )
    def test_is_in_the_observers_language_else_the_elections_first(self, election_day, desk_client, language, expected):
        [sheet] = read_pages(
            desk_client.post(
                desk_url("sheets"), {"who": make_unenrolled_observer(election_day, "OB-5555", language=language).pk}
            )
        )
        assert expected in sheet

    def test_fits_on_one_page_with_very_long_texts(self, election_day, desk_client):
        observer = make_unenrolled_observer(election_day, "OB-5555", name=LONG_KAZAKH_NAME * 5)
        endless = dict.fromkeys(("kk", "ru", "en"), f"{LONG_KAZAKH_NAME} " * 30 + "Ұ" * 3000)
        for place in election_day.tree.values():
            place.names = place.address = endless
            place.save()
            Assignment.objects.create(election=election_day.election, commission=place).observers.add(observer)
        election_day.election.names = election_day.election.emergency_names = endless
        election_day.election.emergency_contact = "9" * 40
        election_day.election.save()
        [sheet] = read_pages(
            desk_client.post(desk_url("sheets"), {"who": observer.pk, "names": "on", "reason": "a training"})
        )
        assert "Өтепбергеновтің" in sheet and "…" in sheet

    def test_of_an_observer_without_assignment_says_so(self, election_day):
        observer = make_observer("OB-5555", election_day.organisation, language="en")
        observer.elections.add(election_day.election)
        [sheet] = read_pages(
            make_coordinator(election_day, "national", "KZ", "national").post(desk_url("sheets"), {"who": observer.pk})
        )
        assert "Your coordinator will tell you." in sheet

    def test_invalidates_earlier_codes(self, election_day, desk_client):
        observer = make_unenrolled_observer(election_day, "OB-5555")
        read_out = create_enrolment_code(observer=observer, election=election_day.election, now=DAY)
        [first], [second] = (read_pages(desk_client.post(desk_url("sheets"), {"who": observer.pk})) for _ in range(2))
        for dead in (read_out, find_code(first)):
            with pytest.raises(InvalidCode):
                enrol_device(code=dead, device_name="", device_id=None, now=NOW + timedelta(seconds=1))
        assert enrol_device(code=find_code(second), device_name="", device_id=None, now=NOW)

    def test_does_not_revoke_enrolled_phones(self, election_day, desk_client):
        [sheet] = read_pages(desk_client.post(desk_url("sheets") + "?observer=OB-2222", {"do": "all"}))
        assert find_code(sheet)
        assert not Device.objects.exclude(revoked_at=None).exists()


class TestObserverSelection:
    def test_lists_observers_of_the_territory_without_a_phone(self, election_day, desk_client):
        make_unenrolled_observer(election_day, "OB-5555")
        make_unenrolled_observer(election_day, "OB-6666", "KZ-2-1-1")
        page = read_text(desk_client.get(desk_url("sheets")))
        assert "OB-5555" in page and "OB-6666" not in page and "OB-2222" not in page
        assert "OB-2222" in read_text(desk_client.get(desk_url("sheets"), {"show": "all"}))
        assert "OB-5555" not in read_text(desk_client.get(desk_url("sheets"), {"at": "KZ-1-2"}))
        assert len(read_pages(desk_client.post(desk_url("sheets"), {"do": "all"}))) == 1
        assert len(read_pages(desk_client.post(desk_url("sheets") + "?show=all", {"do": "all"}))) == 3

    def test_leaves_out_observers_whose_assignment_ended(self, election_day, desk_client):
        observer = make_unenrolled_observer(election_day, "OB-5555")
        Assignment.objects.filter(observers=observer).update(ends_at=DAY)
        assert "OB-5555" not in read_text(desk_client.get(desk_url("sheets")))

    def test_others_cannot_be_ticked(self, election_day, desk_client):
        far = make_unenrolled_observer(election_day, "OB-6666", "KZ-2-1-1")
        partner = Organisation.objects.create(code="other", names=make_texts("other"))
        near = make_unenrolled_observer(election_day, "OB-5555")
        limited = make_coordinator(election_day, "limited", organisation=partner)
        for client, key in (
            (desk_client, far.pk),
            (limited, near.pk),
            (desk_client, 987654321),
            (desk_client, "x"),
            (desk_client, "9" * 40),
        ):
            answer = client.post(desk_url("sheets"), {"who": key})
            assert read_text(answer) and answer["Content-Type"].startswith("text/html")
        assert "OB-6666" not in read_text(desk_client.get(desk_url("sheets"), {"observer": "OB-6666"}))
        assert desk_client.get(desk_url("sheets"), {"at": "KZ-2"}).status_code == 404
        assert not EnrolmentCode.objects.exists()

    def test_refuses_more_than_one_file_holds(self, election_day, desk_client, monkeypatch):
        monkeypatch.setattr(enrolment_sheets, "MAX_SHEETS_PER_FILE", 1)
        answer = desk_client.post(desk_url("sheets") + "?show=all", {"do": "all"})
        assert "At most 1 sheets" in read_text(answer)

    def test_takes_the_same_number_of_queries_for_more_observers(self, election_day, desk_client):
        def count_queries() -> int:
            with CaptureQueriesContext(connection) as few:
                desk_client.get(desk_url("sheets"))
            return len(few)

        make_unenrolled_observer(election_day, "OB-5550")
        count_queries()  # the first remembers the election
        before = count_queries()
        for number in range(1, 9):
            make_unenrolled_observer(election_day, f"OB-555{number}", "KZ-1-1-3")
        assert count_queries() == before


class TestNames:
    def test_are_printed_only_with_a_reason_which_is_in_the_trail(self, election_day, desk_client):
        observer = make_unenrolled_observer(election_day, "OB-5555", name=LONG_KAZAKH_NAME)
        refused = desk_client.post(desk_url("sheets"), {"who": observer.pk, "names": "on", "reason": " x "})
        assert "Say why the sheets must bear names." in read_text(refused) and LONG_KAZAKH_NAME not in read_text(
            refused
        )
        assert not EnrolmentCode.objects.exists() and not Trail.objects.filter(action__startswith="enrolment").exists()
        [sheet] = read_pages(
            desk_client.post(desk_url("sheets"), {"who": observer.pk, "names": "on", "reason": "a training"})
        )
        assert LONG_KAZAKH_NAME in sheet
        line = Trail.objects.get(action="observer.list")
        assert line.detail == {"fields": ["name"], "number": 1, "reason": "a training"}
        assert line.user == User.objects.get(username="aigul")

    def test_are_not_decrypted_unless_printed(self, election_day, desk_client, monkeypatch):
        observer = make_unenrolled_observer(election_day, "OB-5555", name=LONG_KAZAKH_NAME)
        read = []
        monkeypatch.setattr("observer.crypto.decrypt", lambda token: read.append(token) or "x")
        read_pages(desk_client.post(desk_url("sheets"), {"who": observer.pk}))
        assert read == []

    def test_every_printed_sheet_is_in_the_trail(self, election_day, desk_client):
        people = [make_unenrolled_observer(election_day, f"OB-555{number}") for number in range(3)]
        desk_client.post(desk_url("sheets"), {"who": [one.pk for one in people]})
        lines = Trail.objects.filter(action="enrolment.print", election=election_day.election)
        assert {line.subject for line in lines} == {f"observer:{one.pk}" for one in people}
        assert all(line.user.username == "aigul" and not line.detail["names"] for line in lines)
        assert not CODE_PATTERN.search("".join(str(line.detail) for line in lines))


@pytest.mark.django_db(transaction=True)
def test_only_one_of_two_sheets_printed_at_once_enrols(concurrent_world: World):
    world = concurrent_world
    observer = make_unenrolled_observer(world, "OB-5555")
    clients = [make_coordinator(world, name) for name in ("aigul", "bolat")]
    printed = run_concurrently([lambda one=one: one.post(desk_url("sheets"), {"who": observer.pk}) for one in clients])
    living = 0
    for answer in printed:
        [sheet] = read_pages(answer)
        try:
            enrol_device(code=find_code(sheet), device_name="", device_id=None, now=timezone.now())
            living += 1
        except InvalidCode:
            continue
    assert living == 1


class TestLinksToSheets:
    def test_are_on_the_observers_pages(self, election_day, desk_client):
        observer = make_unenrolled_observer(election_day, "OB-5555")
        for address in (f"/admin/observer/observer/{observer.pk}/change/", desk_url("person", observer.pk)):
            assert "/desk/test-2022/sheets/?observer=OB-5555" in desk_client.get(address).content.decode()
        lawyer = make_coordinator(election_day, "lawyer", role="lawyer")
        assert "/sheets/" not in lawyer.get(desk_url("person", observer.pk)).content.decode()
        assert Grant.objects.count() == 2


@pytest.mark.once
@pytest.mark.slow
class TestManySheets:
    def test_are_one_file_with_a_page_each(self, world: World):
        world.election.rules = {"schedule": SCHEDULE}
        many = (
            EnrolmentSheet(
                observer_code=f"OB-{number:04}", name="", language="kk", enrolment_code="M4TQ-7HXV", places=()
            )
            for number in range(600)
        )
        content = build_enrolment_sheets_pdf(many, election=world.election, now=DAY, until=DAY)
        read = PdfReader(io.BytesIO(content))
        assert len(read.pages) == 600
        assert "OB-0599" in read.pages[599].extract_text()
        assert len(content) < 6_000_000


@pytest.mark.once
class TestPdfDrawing:
    def test_dark_runs_draw_the_whole_qr_code(self):
        matrix = segno.make("https://mission.example/phone/#enrol=M4TQ-7HXV", error="m", micro=False).matrix
        drawn = [[0] * len(row) for row in matrix]
        for y, x, length in iterate_dark_runs(matrix):
            drawn[y][x : x + length] = [1] * length
        assert drawn == [[int(one) for one in row] for row in matrix]

    @pytest.mark.parametrize("text", [LONG_KAZAKH_NAME * 3, "Ұ" * 500, "", " \n\t ", "a\x00b\u202ec\ud800", "1 " * 300])
    def test_wrapped_lines_are_never_wider_than_the_width(self, text):
        lines = wrap_text(text, 10, 120)
        assert all(measure_width(line, 10) <= 120 for line in lines)
        assert not re.search("[\x00\u202e\ud800]", "".join(lines))

    def test_fonts_have_every_needed_letter(self):
        document = PdfDocument("x")
        document.write_text("ӘҒҚҢӨҰҮҺІәғқңөұүһі №«»„“”–—…·›≠☐✓ Ўўїґ Ğğışçñß Եեწკ")
        read = PdfReader(io.BytesIO(document.finish())).pages[0].extract_text()
        assert "ӘҒҚҢӨҰҮҺІәғқңөұүһі" in read and "Ğğışçñß" in read
