"""The export pages, and the export link on the lists."""

from uuid import uuid4

import pytest
from django.test import Client

from observer.models import Grant
from reports.models import Export
from reports.services.exports.exports import write_next_export
from tests.support.exports import make_user, read_tables
from tests.support.intake import store_report
from tests.support.world import DAY, payload

EXPORTS_URL = "/desk/test-2022/exports/"


class TestExportPages:
    @pytest.fixture
    def desk(self, world) -> Client:
        store_report(world.first, payload(), DAY)
        client = Client()
        client.force_login(make_user(world))
        return client

    def test_go_from_the_list_to_the_file(self, desk, world):
        listed = desk.get("/admin/reports/report/?state__exact=received&version__checklist__code=voting&q=KZ-1-1-1")
        link = listed.context["export_link"]
        assert link == f"{EXPORTS_URL}new/?kind=reports&state=received&checklist=voting&q=KZ-1-1-1"
        page = desk.get(link)
        assert "1 row" in page.content.decode()
        form_data = {"uuid": str(uuid4()), "format": "csv", "labels": "codes", "language": "en"}
        assert "Say why" in desk.post(link, form_data | {"reason": "ab"}).content.decode()
        assert desk.post(link, form_data | {"reason": "a test"})["Location"] == EXPORTS_URL
        assert "waits for its turn" in desk.get(EXPORTS_URL + "?part=1").content.decode()
        write_next_export(now=Export.objects.get().asked_at)
        export = Export.objects.get()
        answer = desk.get(f"{EXPORTS_URL}{export.pk}/")
        assert len(read_tables(b"".join(answer.streaming_content))["voting"]) == 1
        assert "no-store" in answer["Cache-Control"]
        assert "attachment" in answer["Content-Disposition"]

    def test_offer_no_export_for_unknown_filters(self, desk, world):
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

    def test_unknown_lists_are_not_found(self, desk):
        for query in ("kind=observers", "kind=reports&state=x", "kind=reports&body=x", "kind=coverage&at=x"):
            assert desk.get(f"{EXPORTS_URL}new/?{query}").status_code == 404

    def test_stations_link_to_the_coverage_export(self, desk, world):
        for path in ("board/?at=KZ-1", "stations/?at=KZ-1&show=late&checklist=opening", "stations/?at=KZ-1"):
            link = desk.get(f"/desk/test-2022/{path}").context["export_link"]
            assert link.startswith(f"{EXPORTS_URL}new/?kind=coverage&at=KZ-1")
            assert desk.get(link).status_code == 200
        assert desk.get("/desk/test-2022/stations/?show=unsettled").context["export_link"] == ""
        Grant.objects.update(role="verifier")
        assert desk.get("/desk/test-2022/board/").context["export_link"] == ""
