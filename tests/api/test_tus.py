"""Uploads by tus 1.0.

HEAD, PATCH and OPTIONS as the protocol and the contract say.
"""

import io
import random
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from reports.models import Evidence
from reports.services.evidence import uploads
from reports.services.storage.sealed_store import open_sealed_file
from tests.support.files import announce_file
from tests.support.world import payload

CONTENT = random.Random(2).randbytes(900_001)


@pytest.fixture
def row(world):
    return announce_file(world.first, CONTENT)


@pytest.fixture
def phone(world):
    return Phone(world.first.token)


class Phone:
    """A tus client with a token."""

    def __init__(self, token):
        self.client = Client(headers={"authorization": f"Bearer {token}"})

    def head(self, row, **headers):
        return self.client.head(f"/api/v1/evidence/{row.uuid}", headers={"tus-resumable": "1.0.0"} | headers)

    def patch(self, row, content, offset=0, kind="application/offset+octet-stream", **headers):
        headers = {"tus-resumable": "1.0.0", "upload-offset": offset} | headers
        headers = {name.replace("_", "-"): str(value) for name, value in headers.items() if value is not None}
        return self.client.patch(f"/api/v1/evidence/{row.uuid}", content, content_type=kind, headers=headers)

    def stream(self, row, body, **environ):
        """A PATCH with the stream `body`, as a server passes it on."""
        environ |= {"wsgi.input": body, "CONTENT_TYPE": "application/offset+octet-stream", "HTTP_UPLOAD_OFFSET": "0"}
        return self.client.generic("PATCH", f"/api/v1/evidence/{row.uuid}", **environ)


def reload(row):
    return Evidence.objects.get(pk=row.pk)


def get_problem(answer):
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Tus-Resumable"] == "1.0.0" and answer["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["code"]


class TestFileSealedBeforeACrash:
    """The process died after it sealed the file and before it wrote the row.

    Every request that asks for the file gets its full offset.
    """

    REPORT = str(uuid4())

    @pytest.fixture
    def row(self, world, phone, monkeypatch):
        row = announce_file(world.first, CONTENT, report={"id": self.REPORT})
        phone.patch(row, CONTENT[:600_000])
        with monkeypatch.context() as patch:
            patch.setattr(uploads, "mark_upload_stored", lambda **more: (_ for _ in ()).throw(SystemExit()))
            with pytest.raises(SystemExit):
                phone.patch(row, CONTENT[600_000:], 600_000)
        assert reload(row).offset == 600_000
        return row

    def test_head_tells_the_full_offset(self, row, phone):
        assert phone.head(row)["Upload-Offset"] == "900001"

    @pytest.mark.parametrize("offset", [0, 600_000])
    def test_patch_is_told_that_it_is_stored(self, row, phone, offset):
        answer = phone.patch(row, CONTENT[offset:], offset)
        assert get_problem(answer) == (409, "already_stored")
        assert answer["Upload-Offset"] == "900001"

    def make_body(self, row):
        file = {"id": str(row.uuid), "sha256": row.sha256, "size": row.size, "type": "image/jpeg"}
        return payload(id=self.REPORT, evidence=[file])

    def test_receipts_tell_it(self, row, phone):
        answer = phone.client.post("/api/v1/reports", self.make_body(row), "application/json")
        assert (answer.status_code, [one["state"] for one in answer.json()["evidence"]]) == (200, ["stored"])

    def test_receipts_in_a_batch_tell_it(self, row, phone):
        body = {"reports": [self.make_body(row)]}
        answer = phone.client.post("/api/v1/reports/batch", body, "application/json").json()
        assert answer["results"][0]["receipt"]["evidence"][0]["offset"] == 900_001

    def test_report_status_tells_it(self, row, phone):
        assert phone.client.get("/api/v1/reports").json()[0]["evidence"][0]["state"] == "stored"


class TestUpload:
    def test_head_says_how_far_it_is(self, row, phone):
        answer = phone.head(row)
        assert answer.status_code == 200 and answer.content == b"" and "Content-Type" not in answer
        assert (answer["Upload-Offset"], answer["Upload-Length"]) == ("0", "900001")
        assert (answer["Tus-Resumable"], answer["Cache-Control"]) == ("1.0.0", "no-store")

    def test_in_one_request(self, row, phone):
        answer = phone.patch(row, CONTENT)
        assert (answer.status_code, answer["Upload-Offset"], answer.content) == (204, "900001", b"")
        assert "Content-Type" not in answer
        with open_sealed_file(sha256=row.sha256) as sealed:
            assert sealed.read() == CONTENT

    def test_in_pieces(self, row, phone):
        for offset in range(0, len(CONTENT), 100_000):
            piece = CONTENT[offset : offset + 100_000]
            answer = phone.patch(row, piece, offset)
            assert (answer.status_code, answer["Upload-Offset"]) == (204, str(offset + len(piece)))
            assert phone.head(row)["Upload-Offset"] == str(offset + len(piece))
        assert reload(row).state == "stored"

    def test_of_unknown_length(self, world, phone):
        row = announce_file(world.first, CONTENT, size=None, sha256="")
        answer = phone.head(row)
        assert answer["Upload-Defer-Length"] == "1" and "Upload-Length" not in answer
        assert phone.patch(row, CONTENT[:5], upload_length=len(CONTENT)).status_code == 204
        assert reload(row).state == "partial"
        assert phone.patch(row, CONTENT[5:], 5, upload_length=len(CONTENT)).status_code == 204
        assert reload(row).size == len(CONTENT)

    def test_by_post_with_an_override(self, row, phone):
        headers = {"x-http-method-override": "PATCH", "upload-offset": "0"}
        address = f"/api/v1/evidence/{row.uuid}"
        kind = "application/offset+octet-stream"
        assert phone.client.post(address, CONTENT, content_type=kind, headers=headers).status_code == 204
        assert get_problem(phone.client.post(address, CONTENT, content_type=kind)) == (405, "method_not_allowed")

    def test_of_a_client_that_does_not_name_its_version(self, row, phone):
        assert phone.patch(row, CONTENT, tus_resumable=None).status_code == 204

    def test_in_chunks_without_a_length(self, row, phone):
        """Servers pass it on like this: no Content-Length, a stream that ends."""
        answer = phone.stream(row, io.BytesIO(CONTENT), HTTP_TRANSFER_ENCODING="chunked")
        assert (answer.status_code, answer["Upload-Offset"]) == (204, "900001")

    def test_options(self, row, phone):
        for client in (Client(), phone.client):
            answer = client.options(f"/api/v1/evidence/{row.uuid}")
            assert (answer.status_code, answer["Tus-Version"], answer["Tus-Resumable"]) == (204, "1.0.0", "1.0.0")
            assert answer["Tus-Max-Size"] == "500000000" and "Tus-Extension" not in answer


class TestRefused:
    def test_another_offset(self, row, phone):
        phone.patch(row, CONTENT[:10])
        for offset in (0, 5, 11, 10**15):
            answer = phone.patch(row, CONTENT[:10], offset)
            assert get_problem(answer) == (409, "offset_mismatch") and answer["Upload-Offset"] == "10"

    def test_anything_on_a_stored_upload(self, row, phone):
        phone.patch(row, CONTENT)
        for offset in (0, len(CONTENT)):
            answer = phone.patch(row, b"", offset)
            assert get_problem(answer) == (409, "already_stored") and answer["Upload-Offset"] == "900001"

    def test_wrong_hash(self, row, phone):
        assert get_problem(phone.patch(row, bytes(len(CONTENT)))) == (460, "checksum_mismatch")
        assert phone.head(row)["Upload-Offset"] == "0"

    def test_more_bytes_than_announced(self, row, phone):
        assert get_problem(phone.patch(row, CONTENT + b"?")) == (413, "too_large")
        phone.patch(row, CONTENT[:-1])
        assert get_problem(phone.patch(row, b"??", len(CONTENT) - 1)) == (413, "too_large")
        assert reload(row).offset == len(CONTENT) - 1

    def test_wrong_content_type(self, row, phone):
        assert get_problem(phone.patch(row, CONTENT, kind="image/jpeg")) == (415, "unsupported_media_type")

    def test_wrong_version(self, row, phone):
        answer = phone.patch(row, CONTENT, tus_resumable="0.2.2")
        assert get_problem(answer) == (412, "unsupported_version") and answer["Tus-Version"] == "1.0.0"

    @pytest.mark.parametrize("offset", [None, "", "-1", "1.5", "x", "²", "9" * 40])
    def test_unreadable_offset(self, row, phone, offset):
        assert get_problem(phone.patch(row, CONTENT, offset)) == (400, "bad_request")

    def test_another_observers(self, world, row):
        other = Phone(world.second.token)
        assert get_problem(other.patch(row, CONTENT)) == (404, "not_found")
        assert other.head(row).status_code == 404

    def test_never_announced(self, phone):
        assert phone.head(Evidence(uuid=uuid4())).status_code == 404

    def test_without_a_token_or_with_a_revoked_one(self, world, row):
        assert get_problem(Phone("nobody").patch(row, CONTENT)) == (401, "invalid_token")
        world.first.device.revoked_at = timezone.now()
        world.first.device.save()
        assert get_problem(Phone(world.first.token).patch(row, CONTENT)) == (401, "device_revoked")

    def test_low_disk(self, row, phone, settings):
        settings.DISK_FREE_MIN_EVIDENCE = 10**18
        answer = phone.patch(row, CONTENT)
        assert get_problem(answer) == (503, "low_disk") and int(answer["Retry-After"]) > 0
        assert phone.head(row).status_code == 200
