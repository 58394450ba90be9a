"""What the door costs the database."""

from uuid import UUID

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from reports.models import Report, Violation
from reports.services.review import review_queue
from reports.services.storage.intake_sql import rows_insert
from tests.support.door import photo, send, send_all
from tests.support.world import World, payload


class TestTheWorkOfTheDatabase:
    """Every statement is a way to the server; a batch makes as many as one report does."""

    def statements(self, call) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        found = [query["sql"] for query in captured.captured_queries]
        return len([sql for sql in found if not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))])

    @pytest.fixture(autouse=True)
    def _warm(self, world: World, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(
            review_queue, "is_drawn", lambda _uuid: False
        )  # what chance draws is queued in a statement more
        send(world.first, payload())
        # PostgreSQL locks, looks and inserts; SQLite needs no lock, but a statement a table. A violation is looked
        # up: a critical one is queued for the desk.
        self.one, self.violations = (3, 1) if connection.vendor == "postgresql" else (3, 3)
        self.pieces = 0 if connection.vendor == "postgresql" else 8  # a statement of SQLite takes 999 values

    def test_for_one_report_is_three_statements(self, world: World):
        assert self.statements(lambda: send(world.first, payload())) == self.one
        with_violation = self.statements(lambda: send(world.first, payload(answers={"V03": "yes"})))
        assert with_violation == self.one + self.violations

    def test_for_a_retry_is_a_few(self, world: World):
        body = payload(evidence=[photo()])
        send(world.first, body)
        assert self.statements(lambda: send(world.first, body)) <= 3 + self.one

    def test_for_one_report_with_files_does_not_grow_with_their_number(self, world: World):
        one = self.statements(lambda: send(world.first, payload(evidence=[photo()])))
        many = self.statements(lambda: send(world.first, payload(evidence=[photo() for _ in range(20)])))
        assert one == many == 1 + self.one

    def test_for_a_batch_of_a_hundred_is_that_of_a_batch_of_ten(self, world: World):
        def bodies(count):
            return [payload(commission=f"KZ-1-1-{n % 3 + 1}", answers={"V03": "yes"}) for n in range(count)]

        ten = self.statements(lambda: send_all(world.first, bodies(10)))
        hundred = self.statements(lambda: send_all(world.first, bodies(100)))
        assert ten == self.one + self.violations
        assert hundred <= ten + self.pieces

    def test_for_a_batch_with_files_does_not_grow_with_it(self, world: World):
        def bodies(count):
            return [payload(evidence=[photo()]) for _ in range(count)]

        ten = self.statements(lambda: send_all(world.first, bodies(10)))
        hundred = self.statements(lambda: send_all(world.first, bodies(100)))
        assert hundred <= ten + self.pieces

    def test_for_a_batch_of_retries_does_not_grow_with_it(self, world: World):
        def resend(count):
            bodies = [payload(evidence=[photo()]) for _ in range(count)]
            send_all(world.first, bodies)
            return self.statements(lambda: send_all(world.first, bodies))

        assert resend(50) <= resend(5) + self.pieces


class TestWhatIsInsertedTogether:
    def test_belongs_together(self, world: World):
        """A batch's violations and receipts are those of their own reports, whatever order the database works in."""
        bodies = [payload(answers={"V03": "yes" if n % 3 else "no"}, evidence=[photo()][n % 2 :]) for n in range(30)]
        outcomes = send_all(world.first, bodies)
        for number, outcome in enumerate(outcomes):
            stored = Report.objects.get(sequence=outcome.receipt.sequence)
            assert stored.uuid == outcome.receipt.uuid == UUID(bodies[number]["id"])
            assert stored.violations.count() == (1 if number % 3 else 0)
            assert stored.evidence.count() == 1 - number % 2

    def test_a_text_that_is_too_long_is_not_cut(self, world: World):
        if connection.vendor != "postgresql":
            return  # SQLite does not mind
        report = Report.objects.get(uuid=send(world.first, payload()).receipt.uuid)
        long = [Violation(report=report, code="x" * 41 + str(number)) for number in range(2)]
        for rows in (long[:1], long):
            with pytest.raises(DataError), transaction.atomic():
                rows_insert(rows)
