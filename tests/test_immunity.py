"""Tests that problems of other systems cannot happen here.

Most classes name the trackers where users report the problem. Exports have no test here yet, because they belong
to the desk.
"""

import hashlib
import io
from datetime import timedelta
from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext

from observer.models import Assignment, Observer, User
from observer.services.accounts.access import TerritoryScope
from observer.services.devices.enrolment import enrol_device
from observer.services.devices.replacement import replace_observer
from reports.models import Evidence, Report
from reports.services.evidence.uploads import append_to_upload
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing.live_summary import build_live_summary
from reports.services.review.decisions import mark_report_read, reject_report
from reports.services.schedule.board import get_board
from tests.support.intake import send_report, store_report
from tests.support.world import DAY, World, make_observer, payload


def make_photo(size: int = 100) -> tuple[dict[str, object], bytes]:
    data = uuid4().bytes * (size // 16)
    return {
        "id": str(uuid4()),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "type": "image/jpeg",
    }, data


def upload_photo(world: World, evidence: dict[str, object], data: bytes) -> None:
    row = Evidence.objects.get(uuid=str(evidence["id"]))
    append_to_upload(evidence=row, offset=0, stream=io.BytesIO(data), length=len(data), now=DAY)


class TestAGatewayRepeatsAMessageHundredsOfTimes:
    """ushahidi/platform#1520, kobotoolbox/kobocat#470"""

    def test_it_is_stored_once_and_each_gets_the_same_receipt(self, world):
        body = payload()
        receipts = {send_report(world.first, body, DAY + timedelta(seconds=n)).receipt for n in range(200)}
        assert len(receipts) == 1
        assert Report.objects.count() == 1


class TestManyAttachments:
    """kobotoolbox/kobocat#565, #432; getodk/getodk#577; getodk/central#970"""

    def test_twenty_files_announced_twice_are_awaited_once(self, world):
        body = payload(evidence=[make_photo()[0] for _ in range(20)])
        send_report(world.first, body)
        again = send_report(world.first, body)
        assert again.kind == "duplicate"
        assert Evidence.objects.count() == 20

    def test_the_receipt_says_of_each_file_whether_it_is_here(self, world):
        (here, data), (missing, _) = make_photo(), make_photo()
        body = payload(evidence=[here, missing])
        send_report(world.first, body)
        upload_photo(world, here, data)
        receipt = send_report(world.first, body).receipt
        assert receipt is not None
        assert {str(one.uuid): one.state for one in receipt.evidence} == {
            here["id"]: "stored",
            missing["id"]: "awaited",
        }

    def test_a_report_counts_while_its_files_are_still_on_their_way(self, world):
        store_report(world.first, payload(evidence=[make_photo()[0]]))
        assert Report.objects.counted().count() == 1

    def test_a_file_that_comes_in_pieces_is_whole(self, world):
        announced, data = make_photo(1600)
        send_report(world.first, payload(evidence=[announced]))
        for start in range(0, len(data), 100):
            row = Evidence.objects.get(uuid=str(announced["id"]))
            append_to_upload(
                evidence=row, offset=start, stream=io.BytesIO(data[start : start + 100]), length=100, now=DAY
            )
        assert Evidence.objects.get().state == "stored"


class TestAPhotoIsReplaced:
    """Seen in other code: a replaced photo deletes the earlier one."""

    def test_the_correction_has_its_own_and_the_first_stays(self, world):
        (first, one), (second, two) = make_photo(), make_photo()
        earlier = payload(evidence=[first])
        send_report(world.first, earlier)
        upload_photo(world, first, one)
        send_report(world.first, payload(evidence=[second], supersedes=earlier["id"]))
        upload_photo(world, second, two)
        assert Evidence.objects.filter(state="stored").count() == 2


class TestTheWrongStationWasChosen:
    """commitglobal/votemonitor#635"""

    def test_a_correction_moves_the_observation_and_nothing_counts_twice(self, world):
        wrong = payload(commission="KZ-1-1-1")
        send_report(world.first, wrong)
        send_report(world.first, payload(commission="KZ-1-1-2", supersedes=wrong["id"]))
        recompute_due_summaries(now=lambda: DAY)
        country = build_live_summary(commission=world.tree["KZ"], language="en")
        assert country["coverage"]["reports"] == 1
        assert (
            build_live_summary(commission=world.tree["KZ-1-1-1"], language="en")["coverage"]["precincts_observed"] == 0
        )
        assert (
            build_live_summary(commission=world.tree["KZ-1-1-2"], language="en")["coverage"]["precincts_observed"] == 1
        )


class TestNobodyKnowsWhetherAReportWasRead:
    """commitglobal/votemonitor#630, #637"""

    def test_the_receipt_tells(self, world):
        body = payload()
        report = store_report(world.first, body)
        mark_report_read(report=report, now=DAY)
        receipt = send_report(world.first, body).receipt
        assert receipt is not None
        assert receipt.state == "read"


class TestACoordinatorEntersForAnObserver:
    """commitglobal/votemonitor#807"""

    def test_it_goes_through_the_same_door_and_says_who_typed(self, world):
        user = User.objects.create(username="desk")
        report = store_report(world.first, payload(), source="desk", author=user)
        assert (report.source, report.author) == ("desk", user)
        assert Report.objects.counted().count() == 1

    def test_another_takes_over_in_the_middle_of_the_day(self, world):
        place = Assignment.objects.get(commission__code="KZ-1-1-1")
        coming = make_observer("OB-7777", world.organisation)
        done = replace_observer(assignment=place, leaving=world.first.observer, coming=coming, user=None, now=DAY)
        assert enrol_device(code=done.code, device_name="x", device_id=None, now=DAY).device.observer == coming


class TestTheRoomDrownsInReports:
    """ushahidi#1989"""

    def test_the_board_shows_what_waits_by_severity_and_the_newest_few(self, world):
        for number in range(40):
            code = "ACC-01" if number % 2 else "OPN-01"
            send_report(world.first, payload("incident", answers={"I01": code, "I02": str(number)}))
        board = get_board(election=world.election, scope=TerritoryScope(world.tree["KZ"]), now=DAY)
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
        probe.update_contact_lookups()
        assert Observer.objects.get(phone_lookup=probe.phone_lookup) == saved
        assert Observer.objects.get(pk=saved.pk).phone == "+7 701 123 45 67"


class TestTableGrows:
    """getodk/central#1177: pages of 20 s at 100,000 rows"""

    def test_a_summary_costs_the_same_queries_whatever_is_stored(self, world):
        def queries() -> int:
            recompute_due_summaries(now=lambda: DAY)
            with CaptureQueriesContext(connection) as captured:
                build_live_summary(commission=world.tree["KZ"], language="en")
            return len(captured)

        send_report(world.first, payload())
        few = queries()
        for _ in range(50):
            send_report(world.first, payload())
        assert queries() == few


class TestSomebodyIsSentToSpoilTheData:
    def test_rejecting_takes_a_report_out_of_the_figures_and_keeps_it(self, world):
        report = store_report(world.first, payload())
        reject_report(report=report, user=None, now=DAY, reason="invented")
        assert Report.objects.counted().count() == 0
        assert Report.objects.get().answers == report.answers
