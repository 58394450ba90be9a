"""The pages of exports, and the button on the lists."""

from uuid import uuid4

import pytest
from django.test import Client

from observer.models import Grant
from reports.models import Export
from reports.services.exports.exports import lists_write
from tests.support.door import stored
from tests.support.exports import granted, tables
from tests.support.world import DAY, payload

HERE = "/desk/test-2022/exports/"


class TestThePages:
    @pytest.fixture
    def desk(self, world) -> Client:
        stored(world.first, payload(), DAY)
        client = Client()
        client.force_login(granted(world))
        return client

    def test_lead_from_the_list_to_the_file(self, desk, world):
        listed = desk.get("/admin/reports/report/?state__exact=received&version__checklist__code=voting&q=KZ-1-1-1")
        link = listed.context["export_link"]
        assert link == f"{HERE}new/?kind=reports&state=received&checklist=voting&q=KZ-1-1-1"
        page = desk.get(link)
        assert "1 row" in page.content.decode()
        given = {"uuid": str(uuid4()), "format": "csv", "labels": "codes", "language": "en"}
        assert "Say why" in desk.post(link, given | {"reason": "ab"}).content.decode()
        assert desk.post(link, given | {"reason": "a test"})["Location"] == HERE
        assert "waits for its turn" in desk.get(HERE + "?part=1").content.decode()
        lists_write(now=Export.objects.get().asked_at)
        export = Export.objects.get()
        answer = desk.get(f"{HERE}{export.pk}/")
        assert len(tables(b"".join(answer.streaming_content))["voting"]) == 1
        assert "no-store" in answer["Cache-Control"]
        assert "attachment" in answer["Content-Disposition"]

    def test_offer_no_export_of_what_cannot_be_said(self, desk, world):
        for query in ("state__isnull=True", "state__exact=held&state__exact=received"):
            assert desk.get(f"/admin/reports/report/?{query}").context["export_link"] == ""
        Grant.objects.update(role="reader")
        assert desk.get("/admin/reports/report/").context["export_link"] == ""

    @pytest.mark.parametrize("kind", ["report", "violation", "evidence"])
    def test_know_every_filter_of_the_lists(self, desk, root, kind):
        desk.force_login(root)
        changelist = desk.get(f"/admin/reports/{kind}/").context["cl"]
        for spec in changelist.filter_specs:
            for choice in spec.choices(changelist):
                answer = desk.get(f"/admin/reports/{kind}/{choice.get('query_string', '?')}")
                assert answer.context["export_link"], choice
                assert desk.get(answer.context["export_link"]).status_code == 200

    def test_of_unknown_lists_do_not_exist(self, desk):
        for query in ("kind=observers", "kind=reports&state=x", "kind=reports&body=x", "kind=coverage&at=x"):
            assert desk.get(f"{HERE}new/?{query}").status_code == 404

    def test_lead_from_the_stations_to_the_coverage(self, desk, world):
        for path in ("board/?at=KZ-1", "stations/?at=KZ-1&show=late&checklist=opening", "stations/?at=KZ-1"):
            link = desk.get(f"/desk/test-2022/{path}").context["export_link"]
            assert link.startswith(f"{HERE}new/?kind=coverage&at=KZ-1")
            assert desk.get(link).status_code == 200
        assert desk.get("/desk/test-2022/stations/?show=unsettled").context["export_link"] == ""
        Grant.objects.update(role="verifier")
        assert desk.get("/desk/test-2022/board/").context["export_link"] == ""
