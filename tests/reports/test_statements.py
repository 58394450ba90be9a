"""What the door costs the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.door import photo, send, send_all
from tests.world import World, payload


class TestTheWorkOfTheDatabase:
    """Every statement is a way to the server; a batch makes as many as one report does."""

    def statements(self, call) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        found = [query["sql"] for query in captured.captured_queries]
        return len([sql for sql in found if not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))])

    @pytest.fixture(autouse=True)
    def _warm(self, world: World):
        send(world.first, payload())
        self.lock = 1 if connection.vendor == "postgresql" else 0
        self.pieces = 0 if connection.vendor == "postgresql" else 8  # a statement of SQLite takes 999 values

    def test_for_one_report_is_four_statements_and_one_for_its_violations(self, world: World):
        assert self.statements(lambda: send(world.first, payload())) <= 4 + self.lock
        assert self.statements(lambda: send(world.first, payload(answers={"V03": "yes"}))) <= 5 + self.lock

    def test_for_a_retry_is_a_few(self, world: World):
        body = payload(evidence=[photo()])
        send(world.first, body)
        assert self.statements(lambda: send(world.first, body)) <= 6 + self.lock

    def test_for_one_report_with_files_does_not_grow_with_their_number(self, world: World):
        one = self.statements(lambda: send(world.first, payload(evidence=[photo()])))
        many = self.statements(lambda: send(world.first, payload(evidence=[photo() for _ in range(20)])))
        assert one == many <= 8 + self.lock

    def test_for_a_batch_of_a_hundred_is_that_of_a_batch_of_ten(self, world: World):
        def bodies(count):
            return [payload(commission=f"KZ-1-1-{n % 3 + 1}", answers={"V03": "yes"}) for n in range(count)]

        ten = self.statements(lambda: send_all(world.first, bodies(10)))
        hundred = self.statements(lambda: send_all(world.first, bodies(100)))
        assert ten <= 5 + self.lock
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
