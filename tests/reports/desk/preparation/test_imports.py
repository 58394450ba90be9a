"""The desk's pages for importing lists from spreadsheets."""

from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from observer.models import Assignment, Grant, User
from reports.models import Import
from tests.support.imports import ASSIGNMENT_HEADER, ASSIGNMENTS_CSV, COMMISSION_HEADER, make_csv, make_staff
from tests.support.world import make_election, make_tree


@pytest.fixture
def staff(world):
    return partial(make_staff, world)


class TestImportPages:
    def sign_in(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def upload(self, client: Client, source: bytes, kind: str = "assignments", name: str = "list.csv"):
        return client.post("/desk/test-2022/imports/", {"kind": kind, "file": SimpleUploadedFile(name, source)})

    def test_goes_from_upload_to_result(self, world, staff):
        client = self.sign_in(staff())
        page = self.upload(client, ASSIGNMENTS_CSV)["Location"]
        content = client.get(page).content.decode()
        assert "observer OB-9999 is unknown" in content and "Leave the wrong lines out: 3" in content
        stamp = Import.objects.get().stamp
        assert client.post(page, {"do": "do", "stamp": stamp}).status_code == 422
        assert client.post(page, {"do": "do", "stamp": "x", "leave_out": "on"}).status_code == 409
        assert client.post(page, {"do": "do", "stamp": stamp, "leave_out": "on"}).status_code == 302
        assert "Done." in client.get(page).content.decode()
        assert client.post(page, {"do": "do", "stamp": stamp, "leave_out": "on"}).status_code == 302
        assert Assignment.objects.count() == 3

    def test_marks_lines_that_changed_since_the_preview(self, world, staff):
        client = self.sign_in(staff())
        page = self.upload(client, make_csv(ASSIGNMENT_HEADER, "OB-2222,KZ-1-1-2,,,"))["Location"]
        world.tree["KZ-1-1-2"].assignments.create(election=world.election).observers.add(world.first.observer)
        answer = client.post(page, {"do": "do", "stamp": Import.objects.get().stamp})
        assert answer.status_code == 409 and "not as shown before" in answer.content.decode()

    def test_refuses_a_file_with_every_reason(self, world, staff):
        client = self.sign_in(staff())
        for source, reason in (
            (b"", "is empty"),
            (b"boss\n", "column boss is unknown"),
            (b"PK\x03\x04cut", "damaged"),
            (make_csv(ASSIGNMENT_HEADER), "has no rows"),
        ):
            answer = self.upload(client, source)
            assert answer.status_code == 422 and reason in answer.content.decode(), reason
        assert not Import.objects.exists()

    def test_is_only_for_its_uploader(self, world, staff, desk):
        page = self.upload(self.sign_in(staff()), ASSIGNMENTS_CSV)["Location"]
        for client in (self.sign_in(staff("another")), desk):
            assert client.get(page).status_code == client.post(page, {"do": "cancel"}).status_code == 404
        assert client.get("/desk/test-2022/imports/999999/").status_code == 404
        assert Import.objects.count() == 1

    def test_import_of_another_election_is_not_found(self, world, staff):
        user = staff()
        other = make_election("other-2022")
        Grant.objects.create(user=user, role="administrator", commission=make_tree(other)["KZ"])
        page = self.upload(self.sign_in(user), ASSIGNMENTS_CSV)["Location"]
        assert self.sign_in(user).get(page.replace("test-2022", "other-2022")).status_code == 404

    def test_offers_commissions_to_administrators_only(self, world, staff):
        client = self.sign_in(staff(role="national"))
        assert 'value="commissions"' not in client.get("/desk/test-2022/imports/").content.decode()
        assert self.upload(client, make_csv(COMMISSION_HEADER, "X,KZ,region,X,"), "commissions").status_code == 404
        assert self.upload(client, b"x", "boss").status_code == 404
        ours = self.sign_in(staff("ours", organisation=world.organisation))
        assert self.upload(ours, make_csv(COMMISSION_HEADER, "X,KZ,region,X,"), "commissions").status_code == 404

    def test_pages_and_filters_the_lines(self, world, staff):
        client = self.sign_in(staff())
        page = self.upload(
            client, make_csv(ASSIGNMENT_HEADER, *[f"OB-{n},KZ-1,,," for n in range(250)], "OB-2222,KZ-1,,,")
        )["Location"]
        assert client.get(page + "?page=3").content.decode().count("is unknown") == 50
        assert client.get(page + "?show=new").content.decode().count("<tr>") == 2
        assert client.get(page + "?show=boss&page=x").status_code == 200

    def test_escapes_the_content_of_a_file(self, world, staff):
        client = self.sign_in(staff())
        page = self.upload(client, make_csv(ASSIGNMENT_HEADER, "<script>alert(1)</script>,KZ-1,,,"), name="<b>.csv")[
            "Location"
        ]
        assert "<script>alert" not in client.get(page).content.decode()
