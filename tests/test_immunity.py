"""What the users of other systems report as broken, one promise each (the trackers are named).

Exports have no test here yet: they belong to the desk.
"""

import hashlib
import io
from datetime import timedelta
from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext

from observer.models import Assignment, Observer, User
from observer.services.accounts.access import Scope
from observer.services.devices.enrolment import enrol
from observer.services.devices.replacement import observer_replace
from reports.models import Evidence, Report
from reports.services.evidence.uploads import upload_append
from reports.services.figures.refresh import summaries_refresh
from reports.services.publishing.live import summary_document
from reports.services.review.decisions import report_read, report_reject
from reports.services.schedule.board import board_of
from tests.support.door import send, stored
from tests.support.world import DAY, World, make_observer, payload


def photo(size: int = 100) -> tuple[dict[str, object], bytes]:
    data = uuid4().bytes * (size // 16)
    return {
        "id": str(uuid4()),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "type": "image/jpeg",
    }, data


def upload(world: World, evidence: dict[str, object], data: bytes) -> None:
    row = Evidence.objects.get(uuid=str(evidence["id"]))
    upload_append(evidence=row, offset=0, stream=io.BytesIO(data), length=len(data), now=DAY)


class TestAGatewayRepeatsAMessageHundredsOfTimes:
    """ushahidi/platform#1520, kobotoolbox/kobocat#470"""

    def test_it_is_stored_once_and_each_gets_the_same_receipt(self, world):
        body = payload()
        receipts = {send(world.first, body, DAY + timedelta(seconds=n)).receipt for n in range(200)}
        assert len(receipts) == 1
        assert Report.objects.count() == 1


class TestManyAttachments:
    """kobotoolbox/kobocat#565, #432; getodk/getodk#577; getodk/central#970"""

    def test_twenty_files_announced_twice_are_awaited_once(self, world):
        body = payload(evidence=[photo()[0] for _ in range(20)])
        send(world.first, body)
        again = send(world.first, body)
        assert again.kind == "duplicate"
        assert Evidence.objects.count() == 20

    def test_the_receipt_says_of_each_file_whether_it_is_here(self, world):
        (here, data), (missing, _) = photo(), photo()
        body = payload(evidence=[here, missing])
        send(world.first, body)
        upload(world, here, data)
        receipt = send(world.first, body).receipt
        assert receipt is not None
        assert {str(one.uuid): one.state for one in receipt.evidence} == {
            here["id"]: "stored",
            missing["id"]: "awaited",
        }

    def test_a_report_counts_while_its_files_are_still_on_their_way(self, world):
        stored(world.first, payload(evidence=[photo()[0]]))
        assert Report.objects.counted().count() == 1

    def test_a_file_that_comes_in_pieces_is_whole(self, world):
        announced, data = photo(1600)
        send(world.first, payload(evidence=[announced]))
        for start in range(0, len(data), 100):
            row = Evidence.objects.get(uuid=str(announced["id"]))
            upload_append(evidence=row, offset=start, stream=io.BytesIO(data[start : start + 100]), length=100, now=DAY)
        assert Evidence.objects.get().state == "stored"


class TestAPhotoIsReplaced:
    """Seen in code: a replaced photo deletes the earlier one."""

    def test_the_correction_has_its_own_and_the_first_stays(self, world):
        (first, one), (second, two) = photo(), photo()
        earlier = payload(evidence=[first])
        send(world.first, earlier)
        upload(world, first, one)
        send(world.first, payload(evidence=[second], supersedes=earlier["id"]))
        upload(world, second, two)
        assert Evidence.objects.filter(state="stored").count() == 2


class TestTheWrongStationWasChosen:
    """commitglobal/votemonitor#635"""

    def test_a_correction_moves_the_observation_and_nothing_counts_twice(self, world):
        wrong = payload(commission="KZ-1-1-1")
        send(world.first, wrong)
        send(world.first, payload(commission="KZ-1-1-2", supersedes=wrong["id"]))
        summaries_refresh(now=lambda: DAY)
        country = summary_document(commission=world.tree["KZ"], language="en")
        assert country["coverage"]["reports"] == 1
        assert summary_document(commission=world.tree["KZ-1-1-1"], language="en")["coverage"]["precincts_observed"] == 0
        assert summary_document(commission=world.tree["KZ-1-1-2"], language="en")["coverage"]["precincts_observed"] == 1


class TestNobodyKnowsWhetherAReportWasRead:
    """commitglobal/votemonitor#630, #637"""

    def test_the_receipt_tells(self, world):
        body = payload()
        report = stored(world.first, body)
        report_read(report=report, now=DAY)
        receipt = send(world.first, body).receipt
        assert receipt is not None
        assert receipt.state == "read"


class TestACoordinatorEntersForAnObserver:
    """commitglobal/votemonitor#807"""

    def test_it_goes_through_the_same_door_and_says_who_typed(self, world):
        user = User.objects.create(username="desk")
        report = stored(world.first, payload(), source="desk", author=user)
        assert (report.source, report.author) == ("desk", user)
        assert Report.objects.counted().count() == 1

    def test_another_takes_over_in_the_middle_of_the_day(self, world):
        place = Assignment.objects.get(commission__code="KZ-1-1-1")
        coming = make_observer("OB-7777", world.organisation)
        done = observer_replace(assignment=place, leaving=world.first.observer, coming=coming, user=None, now=DAY)
        assert enrol(code=done.code, device_name="x", device_id=None, now=DAY).device.observer == coming


class TestTheRoomDrownsInReports:
    """ushahidi#1989"""

    def test_the_board_shows_what_waits_by_severity_and_the_newest_few(self, world):
        for number in range(40):
            code = "ACC-01" if number % 2 else "OPN-01"
            send(world.first, payload("incident", answers={"I01": code, "I02": str(number)}))
        board = board_of(election=world.election, scope=Scope(world.tree["KZ"]), now=DAY)
        assert board.incidents == {"critical": 20, "major": 0, "minor": 20}
        assert len(board.newest) == 10
        assert board.newest[0].report == Report.objects.order_by("-pk")[0].pk


class TestPeopleAreCodes:
    """Stolen databases; passwords compared in clear"""

    def test_neither_name_phone_nor_token_is_in_the_database(self, world):
        make_observer("OB-4444", world.organisation, name="Сәуле Омарова", phone="+7 701 123 45 67")
        found = []
        with connection.cursor() as cursor:
            for table in ("observer_observer", "observer_device"):
                cursor.execute(f"SELECT * FROM {table}")
                found += cursor.fetchall()
        text = repr(found)
        assert "Сәуле" not in text and "1234567" not in text.replace(" ", "")
        assert world.first.token not in text

    def test_they_can_be_found_by_phone_all_the_same(self, world):
        saved = make_observer("OB-4444", world.organisation, phone="+7 701 123 45 67")
        probe = Observer(phone="+77011234567")
        probe.index_contacts()
        assert Observer.objects.get(phone_lookup=probe.phone_lookup) == saved
        assert Observer.objects.get(pk=saved.pk).phone == "+7 701 123 45 67"


class TestTableGrows:
    """getodk/central#1177: pages of 20 s at 100,000 rows"""

    def test_a_summary_costs_the_same_queries_whatever_is_stored(self, world):
        def queries() -> int:
            summaries_refresh(now=lambda: DAY)
            with CaptureQueriesContext(connection) as captured:
                summary_document(commission=world.tree["KZ"], language="en")
            return len(captured)

        send(world.first, payload())
        few = queries()
        for _ in range(50):
            send(world.first, payload())
        assert queries() == few


class TestSomebodyIsSentToSpoilTheData:
    def test_rejecting_takes_a_report_out_of_the_figures_and_keeps_it(self, world):
        report = stored(world.first, payload())
        report_reject(report=report, user=None, now=DAY, reason="invented")
        assert Report.objects.counted().count() == 0
        assert Report.objects.get().answers == report.answers
