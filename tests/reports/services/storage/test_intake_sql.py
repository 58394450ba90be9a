"""The number of SQL statements of intake, and rows that are inserted together."""

from uuid import UUID

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from reports.models import Report, Violation
from reports.services.review import review_queue
from reports.services.storage.intake_sql import insert_rows
from tests.support.intake import build_photo, send_report, send_reports
from tests.support.world import World, payload


class TestStatementCount:
    """Every statement is a round trip to the server; a batch runs as many as one report does."""

    def count_statements(self, call) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        found = [query["sql"] for query in captured.captured_queries]
        return len([sql for sql in found if not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))])

    @pytest.fixture(autouse=True)
    def _warm_up(self, world: World, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(
            review_queue, "is_sampled", lambda _uuid: False
        )  # what chance draws is queued in a statement more
        send_report(world.first, payload())
        # PostgreSQL: lock, lookup, insert. SQLite needs no lock, but one statement for each table. A violation's
        # type is looked up, because a critical violation is queued for the desk.
        self.per_report, self.for_violations = (3, 1) if connection.vendor == "postgresql" else (3, 3)
        self.extra = 0 if connection.vendor == "postgresql" else 8  # a statement of SQLite accepts 999 values

    def test_for_one_report_is_three_statements(self, world: World):
        assert self.count_statements(lambda: send_report(world.first, payload())) == self.per_report
        with_violation = self.count_statements(lambda: send_report(world.first, payload(answers={"V03": "yes"})))
        assert with_violation == self.per_report + self.for_violations

    def test_for_a_retry_is_a_few(self, world: World):
        body = payload(evidence=[build_photo()])
        send_report(world.first, body)
        assert self.count_statements(lambda: send_report(world.first, body)) <= 3 + self.per_report

    def test_for_one_report_with_files_does_not_grow_with_their_number(self, world: World):
        one = self.count_statements(lambda: send_report(world.first, payload(evidence=[build_photo()])))
        many = self.count_statements(
            lambda: send_report(world.first, payload(evidence=[build_photo() for _ in range(20)]))
        )
        assert one == many == 1 + self.per_report

    def test_for_a_batch_of_a_hundred_is_that_of_a_batch_of_ten(self, world: World):
        def bodies(count):
            return [payload(commission=f"KZ-1-1-{n % 3 + 1}", answers={"V03": "yes"}) for n in range(count)]

        ten = self.count_statements(lambda: send_reports(world.first, bodies(10)))
        hundred = self.count_statements(lambda: send_reports(world.first, bodies(100)))
        assert ten == self.per_report + self.for_violations
        assert hundred <= ten + self.extra

    def test_for_a_batch_with_files_does_not_grow_with_it(self, world: World):
        def bodies(count):
            return [payload(evidence=[build_photo()]) for _ in range(count)]

        ten = self.count_statements(lambda: send_reports(world.first, bodies(10)))
        hundred = self.count_statements(lambda: send_reports(world.first, bodies(100)))
        assert hundred <= ten + self.extra

    def test_for_a_batch_of_retries_does_not_grow_with_it(self, world: World):
        def resend(count):
            bodies = [payload(evidence=[build_photo()]) for _ in range(count)]
            send_reports(world.first, bodies)
            return self.count_statements(lambda: send_reports(world.first, bodies))

        assert resend(50) <= resend(5) + self.extra


class TestRowsInsertedTogether:
    def test_belongs_together(self, world: World):
        """A batch's violations and receipts belong to the right reports, in whatever order the database inserts."""
        bodies = [
            payload(answers={"V03": "yes" if n % 3 else "no"}, evidence=[build_photo()][n % 2 :]) for n in range(30)
        ]
        outcomes = send_reports(world.first, bodies)
        for number, outcome in enumerate(outcomes):
            stored = Report.objects.get(sequence=outcome.receipt.sequence)
            assert stored.uuid == outcome.receipt.uuid == UUID(bodies[number]["id"])
            assert stored.violations.count() == (1 if number % 3 else 0)
            assert stored.evidence.count() == 1 - number % 2

    def test_a_text_that_is_too_long_is_not_cut(self, world: World):
        if connection.vendor != "postgresql":
            return  # SQLite does not check the length
        report = Report.objects.get(uuid=send_report(world.first, payload()).receipt.uuid)
        too_long_violations = [Violation(report=report, code="x" * 41 + str(number)) for number in range(2)]
        for rows in (too_long_violations[:1], too_long_violations):
            with pytest.raises(DataError), transaction.atomic():
                insert_rows(rows)
