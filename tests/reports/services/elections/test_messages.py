"""Messages of the desk: who receives them, and who has read them."""

from functools import partial
from uuid import uuid4

import pytest

from observer.models import Assignment, Organisation, Trail
from reports.models import Message
from reports.services.elections.messages import (
    Audience,
    get_messages,
    get_recipients,
    get_recipients_with_reads,
    mark_message_read,
    send_message,
)
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, make_observer, make_phone, make_texts


def send(world: World, uuid=None, texts=None, **audience) -> Message:
    return send_message(
        uuid=uuid or uuid4(),
        election=world.election,
        audience=Audience(**audience),
        texts=texts or {"ru": "Слово"},
        user=None,
        now=DAY,
    )


def find_readers(world: World, message: Message) -> list[str]:
    """Finds who receives the message on the phone; the desk must list the same observers."""
    people = {one.code: one for one in (world.first.observer, world.second.observer, *_load_assigned_observers())}
    found = [
        code
        for code, one in sorted(people.items())
        if get_messages(observer=one, election=world.election).filter(pk=message.pk).exists()
    ]
    assert found == [one.code for one in get_recipients(message=message)]
    return found


def _load_assigned_observers():
    return [one for row in Assignment.objects.all() for one in row.observers.all()]


@pytest.fixture
def larger_world(world: World) -> World:
    """A third observer, of another organisation, who goes about in KZ-1-2."""
    other = Organisation.objects.create(code="other", names=make_texts("other"))
    observer = make_observer("OB-4444", other)
    row = Assignment.objects.create(election=world.election, commission=world.tree["KZ-1-2"], role="mobile")
    row.observers.add(observer)
    make_phone(observer, world.election)
    return world


class TestMessage:
    def test_to_one_is_found_by_that_one(self, larger_world):
        assert find_readers(larger_world, send(larger_world, observer=larger_world.second.observer)) == ["OB-3333"]

    def test_to_everyone_is_found_by_all(self, larger_world):
        assert find_readers(larger_world, send(larger_world)) == ["OB-2222", "OB-3333", "OB-4444"]

    def test_to_a_territory_is_found_by_those_below_it_and_around_it(self, larger_world):
        assert find_readers(larger_world, send(larger_world, commission=larger_world.tree["KZ-1-1"])) == [
            "OB-2222",
            "OB-3333",
        ]
        assert find_readers(larger_world, send(larger_world, commission=larger_world.tree["KZ-1-2-1"])) == ["OB-4444"]
        assert find_readers(larger_world, send(larger_world, commission=larger_world.tree["KZ-2"])) == []

    def test_to_a_role_is_found_by_that_role_there(self, larger_world):
        assert find_readers(larger_world, send(larger_world, role="mobile")) == ["OB-4444"]
        assert (
            find_readers(larger_world, send(larger_world, role="mobile", commission=larger_world.tree["KZ-1-1"])) == []
        )
        assert find_readers(
            larger_world, send(larger_world, role="stationary", commission=larger_world.tree["KZ-1-1-1"])
        ) == ["OB-2222"]

    def test_to_an_organisation_is_found_by_its_people(self, larger_world):
        assert find_readers(larger_world, send(larger_world, organisation=larger_world.organisation)) == [
            "OB-2222",
            "OB-3333",
        ]

    def test_to_a_list_is_found_by_those_listed_only(self, larger_world):
        message = send(larger_world, commission=larger_world.tree["KZ"], listed=(larger_world.second.observer.pk,))
        assert find_readers(larger_world, message) == ["OB-3333"]
        assert find_readers(larger_world, send(larger_world, listed=())) == []

    def test_sent_twice_by_one_form_is_stored_once(self, world):
        uuid = uuid4()
        assert send(world, uuid) == send(world, uuid, texts={"ru": "Другое"})
        assert Message.objects.get().texts == {"ru": "Слово"}
        assert Trail.objects.filter(action="message.send").count() == 1

    @pytest.mark.slow
    def test_sent_twice_concurrently_is_stored_once(self, concurrent_world: World):
        uuid = uuid4()
        sent = run_concurrently(
            [partial(send, concurrent_world, uuid, listed=(concurrent_world.first.observer.pk,))] * 4
        )
        assert len({message.pk for message in sent}) == 1
        assert Trail.objects.filter(action="message.send").count() == 1

    def test_without_text_is_refused(self, world):
        with pytest.raises(ValueError, match="without words"):
            send(world, texts={"ru": "  ", "kk": ""})


def test_recipients_who_have_not_read_it_come_first(larger_world):
    message = send(larger_world)
    mark_message_read(message=message, observer=larger_world.first.observer, now=DAY)
    found = [(one.code, one.read_at) for one in get_recipients_with_reads(message=message)]
    assert found == [("OB-3333", None), ("OB-4444", None), ("OB-2222", DAY)]
