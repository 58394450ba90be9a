"""Words from the desk: who finds them, and who has read them."""

from functools import partial
from uuid import uuid4

import pytest

from observer.models import Assignment, Organisation, Trail
from reports.models import Message
from reports.services.elections.messages import (
    Audience,
    message_read,
    message_send,
    messages_for,
    recipients_of,
    recipients_with_reading,
)
from tests.support.threads import at_once
from tests.support.world import DAY, World, make_observer, make_phone, words


def send(world: World, uuid=None, texts=None, **audience) -> Message:
    return message_send(
        uuid=uuid or uuid4(),
        election=world.election,
        audience=Audience(**audience),
        texts=texts or {"ru": "Слово"},
        user=None,
        now=DAY,
    )


def finders(world: World, message: Message) -> list[str]:
    """Who finds it on the phone; the desk must name the same."""
    people = {one.code: one for one in (world.first.observer, world.second.observer, *_others())}
    found = [
        code
        for code, one in sorted(people.items())
        if messages_for(observer=one, election=world.election).filter(pk=message.pk).exists()
    ]
    assert found == [one.code for one in recipients_of(message=message)]
    return found


def _others():
    return [one for row in Assignment.objects.all() for one in row.observers.all()]


@pytest.fixture
def more(world: World) -> World:
    """A third observer, of another organisation, who goes about in KZ-1-2."""
    other = Organisation.objects.create(code="other", names=words("other"))
    observer = make_observer("OB-4444", other)
    row = Assignment.objects.create(election=world.election, commission=world.tree["KZ-1-2"], role="mobile")
    row.observers.add(observer)
    make_phone(observer, world.election)
    return world


class TestAMessage:
    def test_to_one_is_found_by_that_one(self, more):
        assert finders(more, send(more, observer=more.second.observer)) == ["OB-3333"]

    def test_to_everyone_is_found_by_all(self, more):
        assert finders(more, send(more)) == ["OB-2222", "OB-3333", "OB-4444"]

    def test_to_a_territory_is_found_by_those_below_it_and_around_it(self, more):
        assert finders(more, send(more, commission=more.tree["KZ-1-1"])) == ["OB-2222", "OB-3333"]
        assert finders(more, send(more, commission=more.tree["KZ-1-2-1"])) == ["OB-4444"]
        assert finders(more, send(more, commission=more.tree["KZ-2"])) == []

    def test_to_a_role_is_found_by_that_role_there(self, more):
        assert finders(more, send(more, role="mobile")) == ["OB-4444"]
        assert finders(more, send(more, role="mobile", commission=more.tree["KZ-1-1"])) == []
        assert finders(more, send(more, role="stationary", commission=more.tree["KZ-1-1-1"])) == ["OB-2222"]

    def test_to_an_organisation_is_found_by_its_people(self, more):
        assert finders(more, send(more, organisation=more.organisation)) == ["OB-2222", "OB-3333"]

    def test_to_those_listed_is_found_by_them_whatever_happens_later(self, more):
        message = send(more, commission=more.tree["KZ"], listed=(more.second.observer.pk,))
        assert finders(more, message) == ["OB-3333"]
        assert finders(more, send(more, listed=())) == []

    def test_sent_twice_by_one_form_is_said_once(self, world):
        uuid = uuid4()
        assert send(world, uuid) == send(world, uuid, texts={"ru": "Другое"})
        assert Message.objects.get().texts == {"ru": "Слово"}
        assert Trail.objects.filter(action="message.send").count() == 1

    @pytest.mark.slow
    def test_sent_by_two_presses_at_one_moment_is_said_once(self, concurrent_world: World):
        uuid = uuid4()
        sent = at_once([partial(send, concurrent_world, uuid, listed=(concurrent_world.first.observer.pk,))] * 4)
        assert len({message.pk for message in sent}) == 1
        assert Trail.objects.filter(action="message.send").count() == 1

    def test_without_words_is_none(self, world):
        with pytest.raises(ValueError, match="without words"):
            send(world, texts={"ru": "  ", "kk": ""})


def test_the_desk_sees_who_has_read_it_and_first_who_has_not(more):
    message = send(more)
    message_read(message=message, observer=more.first.observer, now=DAY)
    found = [(one.code, one.read_at) for one in recipients_with_reading(message=message)]
    assert found == [("OB-3333", None), ("OB-4444", None), ("OB-2222", DAY)]
