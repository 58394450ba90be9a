"""The desk's page of lists from spreadsheets, from the file to the numbers."""

from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from observer.models import Assignment, Grant, User
from reports.models import Import
from tests.support.imports import LIST, SENT, TREE, csv, staff_make
from tests.support.world import make_election, make_tree


@pytest.fixture
def staff(world):
    return partial(staff_make, world)


class TestThePage:
    def client(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def send(self, client: Client, source: bytes, kind: str = "assignments", name: str = "list.csv"):
        return client.post("/desk/test-2022/imports/", {"kind": kind, "file": SimpleUploadedFile(name, source)})

    def test_leads_from_the_file_to_the_numbers(self, world, staff):
        client = self.client(staff())
        page = self.send(client, LIST)["Location"]
        shown = client.get(page).content.decode()
        assert "observer OB-9999 is unknown" in shown and "Leave the wrong lines out: 3" in shown
        stamp = Import.objects.get().stamp
        assert client.post(page, {"do": "do", "stamp": stamp}).status_code == 422
        assert client.post(page, {"do": "do", "stamp": "x", "leave_out": "on"}).status_code == 409
        assert client.post(page, {"do": "do", "stamp": stamp, "leave_out": "on"}).status_code == 302
        assert "Done." in client.get(page).content.decode()
        assert client.post(page, {"do": "do", "stamp": stamp, "leave_out": "on"}).status_code == 302
        assert Assignment.objects.count() == 3

    def test_marks_what_is_not_as_it_was_shown(self, world, staff):
        client = self.client(staff())
        page = self.send(client, csv(SENT, "OB-2222,KZ-1-1-2,,,"))["Location"]
        world.tree["KZ-1-1-2"].assignments.create(election=world.election).observers.add(world.first.observer)
        answer = client.post(page, {"do": "do", "stamp": Import.objects.get().stamp})
        assert answer.status_code == 409 and "not as shown before" in answer.content.decode()

    def test_refuses_a_file_with_every_reason(self, world, staff):
        client = self.client(staff())
        for source, reason in (
            (b"", "is empty"),
            (b"boss\n", "column boss is unknown"),
            (b"PK\x03\x04cut", "damaged"),
            (csv(SENT), "has no rows"),
        ):
            answer = self.send(client, source)
            assert answer.status_code == 422 and reason in answer.content.decode(), reason
        assert not Import.objects.exists()

    def test_is_its_uploaders_alone(self, world, staff, desk):
        page = self.send(self.client(staff()), LIST)["Location"]
        for client in (self.client(staff("another")), desk):
            assert client.get(page).status_code == client.post(page, {"do": "cancel"}).status_code == 404
        assert client.get("/desk/test-2022/imports/999999/").status_code == 404
        assert Import.objects.count() == 1

    def test_of_another_election_is_unknown_here(self, world, staff):
        user = staff()
        other = make_election("other-2022")
        Grant.objects.create(user=user, role="administrator", commission=make_tree(other)["KZ"])
        page = self.send(self.client(user), LIST)["Location"]
        assert self.client(user).get(page.replace("test-2022", "other-2022")).status_code == 404

    def test_offers_commissions_to_administrators_only(self, world, staff):
        client = self.client(staff(role="national"))
        assert 'value="commissions"' not in client.get("/desk/test-2022/imports/").content.decode()
        assert self.send(client, csv(TREE, "X,KZ,region,X,"), "commissions").status_code == 404
        assert self.send(client, b"x", "boss").status_code == 404
        ours = self.client(staff("ours", organisation=world.organisation))
        assert self.send(ours, csv(TREE, "X,KZ,region,X,"), "commissions").status_code == 404

    def test_shows_a_hundred_lines_at_a_time_and_those_of_one_kind(self, world, staff):
        client = self.client(staff())
        page = self.send(client, csv(SENT, *[f"OB-{n},KZ-1,,," for n in range(250)], "OB-2222,KZ-1,,,"))["Location"]
        assert client.get(page + "?page=3").content.decode().count("is unknown") == 50
        assert client.get(page + "?show=new").content.decode().count("<tr>") == 2
        assert client.get(page + "?show=boss&page=x").status_code == 200

    def test_escapes_what_a_file_says(self, world, staff):
        client = self.client(staff())
        page = self.send(client, csv(SENT, "<script>alert(1)</script>,KZ-1,,,"), name="<b>.csv")["Location"]
        assert "<script>alert" not in client.get(page).content.decode()
