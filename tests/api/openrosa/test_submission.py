"""A submission from Collect is a report like any other.

Flags, violations and figures do not depend on the channel.
"""

from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext

from reports.models import Report
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.publishing.live_summary import build_live_summary
from tests.api.conftest import PhoneClient
from tests.api.openrosa.collect import CollectClient, build_form_xml
from tests.support.world import World, make_election, payload

ANSWERS = "<V01>female</V01><V03>yes</V03><V15>no</V15><V20>no</V20><V30>a c</V30><V90>bad</V90><X05>4000</X05>"
JSON = {"V01": "female", "V03": "yes", "V15": "no", "V20": "no", "V30": ["a", "c"], "V90": "bad", "X05": 4000}


def send_by_collect(world: World) -> UUID:
    key = uuid4()
    assert (
        CollectClient(world.first).send(build_form_xml(ANSWERS, instance=str(key), station="KZ-1-1-2")).status_code
        == 201
    )
    return key


def send_by_phone(world: World) -> UUID:
    body = payload(commission="KZ-1-1-2", answers=JSON)
    assert PhoneClient(world.first).post("reports", body).status_code == 201
    return UUID(body["id"])


def load_result(world: World, key: UUID) -> tuple[Any, ...]:
    """Returns flags, violations and public figures, without what differs between two runs."""
    report = Report.objects.get(uuid=key)
    recompute_due_summaries()
    document = build_live_summary(commission=world.tree["KZ"], language="en")
    for name in ("election", "revision", "as_of"):
        document.pop(name)
    return sorted(report.flags), sorted(report.violations.values_list("code", flat=True)), report.state, document


class TestTheSameDoor:
    def test_gives_the_same_flags_violations_and_figures(self, world: World):
        other = World(make_election("other-2022"))
        by_xml, by_json = load_result(world, send_by_collect(world)), load_result(other, send_by_phone(other))
        assert by_xml == by_json
        assert by_xml[:2] == (["not_assigned", "out_of_limits", "outside_window"], ["ACC-03", "FRD-05"])
        assert by_xml[3]["stages"]["voting"]["questions"]["V03"]["yes"] == 1


class TestAReport:
    def test_is_stored_with_its_xml_and_answered_201(self, world: World, collect: CollectClient):
        key = uuid4()
        answer = collect.send(build_form_xml(instance=str(key)))
        assert answer.status_code == 201, answer.content
        assert b'nature="submit_success"' in answer.content
        report = Report.objects.get(uuid=key)
        assert (report.channel, report.answers) == ("openrosa", {"V03": "no", "V15": "no", "V90": "good"})
        assert report.commission == world.tree["KZ-1-1-1"] and report.device == world.first.device

    def test_of_a_station_that_is_not_in_the_list_is_taken_by_its_code(self, world: World, collect: CollectClient):
        body = build_form_xml(station="*").replace(b"</_where>", b"<_station_code> KZ-2-2-1 </_station_code></_where>")
        assert collect.send(body).status_code == 201
        assert Report.objects.get().commission == world.tree["KZ-2-2-1"]

    def test_is_answered_in_the_observers_language(self, world: World, collect: CollectClient):
        assert "сохранено" in collect.send(build_form_xml()).content.decode()

    def test_costs_as_few_statements_as_json(self, world: World, collect: CollectClient, django_assert_num_queries):
        collect.send(build_form_xml())
        phone = PhoneClient(world.first)
        phone.post("reports", payload())

        with CaptureQueriesContext(connection) as by_json:
            phone.post("reports", payload())
        with CaptureQueriesContext(connection) as by_xml:
            collect.send(build_form_xml())
        assert len(by_xml) == len(by_json)

    def test_with_photos_costs_two_statements_a_photo_and_one_more(self, world: World, collect: CollectClient):

        collect.send(build_form_xml())
        counts = []
        for names in ([], ["a.jpg"]):
            answers = "<V03>no</V03>" + "".join(f"<X11>{name}</X11>" for name in names)
            with CaptureQueriesContext(connection) as seen:
                collect.send(build_form_xml(answers), dict.fromkeys(names, b"picture"))
            counts.append(len(seen))
        assert counts[1] - counts[0] <= 4
