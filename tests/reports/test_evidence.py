"""What becomes of a sealed file: what it is, what it hides, what the public sees of it."""

import hashlib
import io
import json
import struct
import threading
import zipfile
import zlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from PIL import Image

from observer.models import Trail, User
from reports import tasks
from reports.models import Evidence
from reports.problems import Rejected
from reports.services import evidence as service
from reports.services import looking, pictures
from reports.services.decisions import report_reject, report_restore
from reports.services.evidence import (
    evidence_approve,
    evidence_copy,
    evidence_is_public,
    evidence_process_due,
    evidence_withdraw,
    public_evidence,
)
from reports.services.sealing import open_sealed
from reports.services.uploads import upload_append
from tests.door import send, stored
from tests.files import SECRETS, awaited, gif, jpeg, png, webp
from tests.world import DAY, payload

AFTER = DAY + timedelta(days=2)  # the window is over: precincts are public


def uploaded(phone, content, **announced):
    row = awaited(phone, content, **announced)
    upload_append(evidence=row, offset=0, stream=io.BytesIO(content), length=len(content), at=DAY)
    return Evidence.objects.get(pk=row.pk)


def processed(phone, content, **announced):
    row = uploaded(phone, content, **announced)
    assert evidence_process_due(at=DAY) == 1
    return Evidence.objects.get(pk=row.pk)


def kept(phone, content):
    """A stored file of a report that was refused, and the body that was."""
    file = {
        "id": str(uuid4()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "type": "image/jpeg",
    }
    body = payload(commission="XX", evidence=[file])
    send(phone, body)
    row = Evidence.objects.get(uuid=file["id"])
    upload_append(evidence=row, offset=0, stream=io.BytesIO(content), length=len(content), at=DAY)
    return row, body


def public(settings, name):
    return (settings.PUBLIC_DIR / name).read_bytes()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("virus.exe", b"MZ")
    return out.getvalue()


class TestPublicCopy:
    def test_carries_no_metadata(self, world, settings):
        content = jpeg(2000, 1500, place=(43.25, 76.95), taken="2022:11:20 10:00:00", offset="+06:00", secrets=True)
        assert all(secret in content for secret in SECRETS)
        row = processed(world.first, content)
        for name in (row.copy, row.thumbnail):
            copy = public(settings, name)
            assert not any(secret in copy for secret in SECRETS)
            assert not any(sign in copy for sign in (b"Exif", b"http://ns.adobe", b"ICC_PROFILE", b"<?xpacket", b"GPS"))
            with Image.open(io.BytesIO(copy)) as image:
                assert set(image.info) <= {
                    "jfif",
                    "jfif_version",
                    "jfif_unit",
                    "jfif_density",
                    "progressive",
                    "progression",
                }
                assert not image.getexif()
        with open_sealed(sha256=row.sha256) as sealed:
            assert sealed.read() == content

    def test_sizes_and_names(self, world, settings):
        row = processed(world.first, jpeg(2000, 1500))
        with (
            Image.open(settings.PUBLIC_DIR / row.copy) as copy,
            Image.open(settings.PUBLIC_DIR / row.thumbnail) as small,
        ):
            assert (copy.format, copy.size, small.size) == ("JPEG", (1600, 1200), (320, 240))
        assert row.copy.endswith(".jpg") and row.thumbnail.endswith(".jpg")
        assert row.copy.rpartition("-")[2] != row.thumbnail.rpartition("-")[2]
        assert str(row.uuid) not in row.copy and row.sha256 not in row.copy

    def test_small_picture_is_not_blown_up(self, world, settings):
        row = processed(world.first, jpeg(100, 80))
        with Image.open(settings.PUBLIC_DIR / row.copy) as copy:
            assert copy.size == (100, 80)

    def test_is_upright(self, world, settings):
        row = processed(world.first, jpeg(640, 480, orientation=6))
        with Image.open(settings.PUBLIC_DIR / row.copy) as copy:
            assert copy.size == (480, 640)
            red, green, _blue = copy.getpixel((470, 10))  # the top left corner went to the top right
            assert red > 200 and green < 60

    @pytest.mark.parametrize(
        ("content", "media_type"), [(png(), "image/png"), (webp(), "image/webp"), (gif(), "image/gif")]
    )
    def test_of_other_formats(self, world, content, media_type):
        row = processed(world.first, content, type=media_type)
        assert (row.media_type, row.flags) == (media_type, [])
        assert row.copy and row.thumbnail

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
    def test_of_every_mode(self, tmp_path, mode):
        image = Image.new("RGB", (50, 40), "white")
        path = tmp_path / "x.png"
        (image.convert("I").point(lambda v: v * 257).convert(mode) if mode == "I;16" else image.convert(mode)).save(
            path
        )
        found = pictures.examine(path, announced="image/png", pixels_max=10**6)
        with Image.open(io.BytesIO(found.copy)) as copy:
            assert copy.mode == "RGB" and min(copy.getpixel((20, 20))) > 250

    def test_broken_colour_profile_is_ignored(self, world):
        assert processed(world.first, jpeg(icc_profile=b"no profile at all")).copy


class TestWhatItIs:
    @pytest.mark.parametrize(
        ("content", "announced"),
        [
            (b"", "image/jpeg"),
            (b"not a picture", "image/jpeg"),
            (jpeg()[:-400], "image/jpeg"),
            (jpeg()[:300], "image/jpeg"),
            (png()[:-20], "image/png"),
            (webp()[:-20], "image/webp"),
            (gif()[:-20], "image/gif"),
            (png(), "image/jpeg"),
            (jpeg(), "video/mp4"),
            (b"<html><script>alert(1)</script></html>", "image/png"),
            (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/jpeg"),
            (b"%PDF-1.4 ...", "image/jpeg"),
            (jpeg() + zipped(), "image/jpeg"),
            (png() + zipped(), "image/png"),
            (jpeg() + b"<html><body>hello", "image/jpeg"),
            (jpeg() + b"whatever this is", "image/jpeg"),
            (gif() + b"<script>alert(1)</script>", "image/gif"),
            (webp() + b"%PDF-1.4", "image/webp"),
            (jpeg(comment=b"<script>alert(1)</script>"), "image/jpeg"),
            (jpeg(comment=zipped()), "image/jpeg"),
        ],
    )
    def test_unreadable_is_sealed_all_the_same(self, world, content, announced):
        row = processed(world.first, content, type=announced)
        assert row.flags == ["unreadable"] and not row.copy
        with open_sealed(sha256=row.sha256) as sealed:
            assert sealed.read() == content

    @pytest.mark.parametrize(
        ("content", "announced", "media_type"),
        [
            (b"\x00\x00\x00\x18ftypisom" + bytes(50), "video/mp4", "video/mp4"),
            (b"\x00\x00\x00\x18ftypheic" + bytes(50), "image/heic", "image/heic"),
            (b"%PDF-1.4 ...", "application/pdf", "application/pdf"),
            (b"OggS" + bytes(50), "audio/ogg", "audio/ogg"),
            (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/svg+xml", "image/svg+xml"),
            (zipped(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip"),
            (b"just words", "text/plain", "application/octet-stream"),
            (gif(frames=3), "image/gif", "image/gif"),
        ],
    )
    def test_without_a_picture_to_show(self, world, content, announced, media_type):
        row = processed(world.first, content, type=announced)
        assert (row.flags, row.media_type, row.copy) == (["no_preview"], media_type, "")

    @pytest.mark.parametrize("behind", [bytes(40), jpeg(32, 32), b"\x00\x00\x00\x18ftypmp42" + bytes(99), b"..SEFT"])
    def test_what_phones_append_is_no_disguise(self, world, behind):
        assert processed(world.first, jpeg() + behind).flags == []

    def test_vague_announcement_contradicts_nothing(self, world):
        assert processed(world.first, jpeg(), type="").flags == []

    def test_png_that_says_it_is_huge(self, world):
        head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        bomb = (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", head)
            + chunk(b"IDAT", zlib.compress(bytes(1000)))
            + chunk(b"IEND", b"")
        )
        row = processed(world.first, bomb, type="image/png")
        assert row.flags == ["unreadable"] and row.metadata == {"width": 60_000, "height": 60_000}

    @pytest.mark.parametrize("content", [jpeg(), png(640, 480), webp(640, 480), gif(640, 480)])
    def test_pixels_are_counted_before_decoding(self, tmp_path, monkeypatch, content):
        path = tmp_path / "x"
        path.write_bytes(content)
        monkeypatch.setattr(pictures.Image, "open", None)
        assert pictures.examine(path, announced="", pixels_max=640 * 480 - 1).flag == "unreadable"

    def test_progressive_picture_of_a_thousand_scans(self, tmp_path):
        content = jpeg(progressive=True)
        scan = content.rindex(b"\xff\xda")
        path = tmp_path / "x"
        path.write_bytes(content[:-2] + content[scan:-2] * 1000 + b"\xff\xd9")
        assert pictures.examine(path, announced="", pixels_max=10**8).flag == "unreadable"


class TestMetadata:
    def test_is_kept_privately(self, world):
        row = processed(world.first, jpeg(place=(43.25, 76.95), taken="2022:11:20 10:00:00", secrets=True))
        assert row.metadata["exif"]["DateTimeOriginal"] == "2022:11:20 10:00:00"
        assert row.metadata["exif"]["BodySerialNumber"] == "SN-4711-SECRET"
        assert row.metadata["gps"]["GPSLatitude"] == [43.25, 0, 0]
        assert "xmp-secret" in row.metadata["xmp"]

    def test_hostile_texts_are_bounded_and_fit_the_database(self, world):
        row = processed(world.first, png(text="nul \0 and " + "long " * 100_000), type="image/png")
        assert len(json.dumps(row.metadata)) < 10_000 and "\0" not in row.metadata["text"]["Author"]

    def test_missing_is_never_a_flag(self, world):
        assert processed(world.first, jpeg()).flags == []

    @pytest.mark.parametrize(
        ("place", "flags"),
        [
            ((43.26, 76.95), []),
            ((43.35, 76.95), ["place_contradicts"]),
            ((0.0, 0.0), []),
            ((-43.25, 76.95), ["place_contradicts"]),
        ],
    )
    def test_place(self, world, place, flags):
        assert processed(world.first, jpeg(place=place)).flags == flags

    def test_place_away_with_the_portable_box(self, world):
        report = {"outside": True, "location": {"lat": 43.5, "lon": 76.95}}
        assert processed(world.first, jpeg(place=(43.5, 76.95)), report=report).flags == []
        assert processed(world.first, jpeg(place=(44.5, 76.95)), report=report).flags == ["place_contradicts"]

    @pytest.mark.parametrize(
        ("taken", "offset", "flags"),
        [
            ("2022:11:20 10:05:00", "+06:00", []),
            ("2022:11:20 22:30:00", "+06:00", ["time_contradicts"]),
            ("2022:11:19 21:30:00", "+06:00", ["time_contradicts"]),
            ("2022:11:20 22:30:00", "", []),  # the clock of some zone
            ("2022:11:22 10:00:00", "", ["time_contradicts"]),
            ("2019:03:01 10:00:00", "", ["time_contradicts"]),
            ("0000:00:00 00:00:00", "", []),
            ("not a time at all!!", "+99:99", []),
        ],
    )
    def test_time(self, world, taken, offset, flags):
        assert processed(world.first, jpeg(taken=taken, offset=offset)).flags == flags


class TestSameFile:
    def test_from_another_station_is_flagged_on_the_later(self, world):
        content = jpeg()
        first = processed(world.first, content)
        second = processed(world.second, content, report={"commission": "KZ-1-1-2"})
        assert (first.flags, second.flags) == ([], ["same_file_elsewhere"])

    def test_from_the_same_station_is_not(self, world):
        content = jpeg()
        processed(world.first, content)
        assert processed(world.second, content, report={"commission": "KZ-1-1-1"}).flags == []

    def test_both_wait_and_the_later_is_looked_at_first(self, world):
        content = jpeg()
        rows = [
            uploaded(phone, content, report={"commission": place})
            for phone, place in ((world.first, "KZ-1-1-1"), (world.second, "KZ-1-1-2"))
        ]
        assert evidence_process_due(at=DAY) == 2
        assert [Evidence.objects.get(pk=row.pk).flags for row in rows] == [[], ["same_file_elsewhere"]]


class TestQueue:
    def test_is_empty_when_done(self, world):
        processed(world.first, jpeg())
        assert evidence_process_due(at=DAY) == evidence_process_due(at=DAY, steal=True) == 0

    def test_no_more_than_asked(self, world):
        for _ in range(3):
            uploaded(world.first, jpeg())
        assert [evidence_process_due(at=DAY, most=2) for _ in range(3)] == [2, 1, 0]

    def test_no_longer_than_asked(self, world):
        for _ in range(3):
            uploaded(world.first, jpeg())
        assert [evidence_process_due(at=DAY, seconds=-1.0) for _ in range(4)] == [1, 1, 1, 0]

    def test_task_is_bounded_and_asks_for_another_run(self, world, monkeypatch):
        monkeypatch.setattr(tasks, "FILES", 2)
        woken = []
        monkeypatch.setattr(tasks, "wake", woken.append)
        for _ in range(3):
            uploaded(world.first, jpeg())
        assert (tasks.process_evidence(), woken) == (2, ["reports.process_evidence"])
        assert (tasks.process_evidence(), tasks.process_evidence(), len(woken)) == (1, 0, 1)

    def test_file_kept_with_a_refused_body_is_looked_at_again_once_it_has_a_report(self, world, settings):
        row, body = kept(world.first, jpeg(place=(51.1, 71.4)))
        assert evidence_process_due(at=DAY) == 1
        row.refresh_from_db()
        assert row.flags == [] and row.copy
        stored(world.first, body | {"commission": "KZ-1-1-1"})
        assert evidence_process_due(at=DAY) == 1
        again = Evidence.objects.get(pk=row.pk)
        assert (again.flags, again.attempts) == (["place_contradicts"], 1)
        assert [public(settings, again.copy)[:2], (settings.PUBLIC_DIR / row.copy).exists()] == [b"\xff\xd8", False]

    def test_file_that_gets_its_report_during_the_look_is_looked_at_again(self, world, monkeypatch):
        row, body = kept(world.first, jpeg(place=(51.1, 71.4)))
        look = looking.look

        def slowly(path, **more):
            monkeypatch.setattr(looking, "look", look)
            stored(world.first, body | {"commission": "KZ-1-1-1"})
            return look(path, **more)

        monkeypatch.setattr(looking, "look", slowly)
        assert evidence_process_due(at=DAY) == 1
        assert Evidence.objects.get(pk=row.pk).flags == ["place_contradicts"]

    def test_claimed_is_left_alone_until_its_worker_is_dead(self, world):
        row = uploaded(world.first, jpeg())
        Evidence.objects.filter(pk=row.pk).update(claimed_at=DAY, attempts=1)
        assert evidence_process_due(at=DAY + timedelta(minutes=4)) == 0
        assert evidence_process_due(at=DAY + timedelta(minutes=6)) == 1

    def test_claimed_can_be_stolen(self, world):
        row = uploaded(world.first, jpeg())
        Evidence.objects.filter(pk=row.pk).update(claimed_at=DAY, attempts=1)
        assert evidence_process_due(at=DAY, steal=True) == 1

    def test_worker_that_comes_too_late_leaves_nothing(self, world, settings, monkeypatch):
        row = uploaded(world.first, jpeg())
        look = looking.look

        def slowly(path, **more):
            monkeypatch.setattr(looking, "look", look)
            assert evidence_process_due(at=DAY, steal=True) == 1
            return look(path, **more)

        monkeypatch.setattr(looking, "look", slowly)
        assert evidence_process_due(at=DAY) == 0
        row.refresh_from_db()
        found = {str(path.relative_to(settings.PUBLIC_DIR)) for path in settings.PUBLIC_DIR.rglob("*.jpg")}
        assert found == {row.copy, row.thumbnail}

    def test_file_that_kills_its_reader_is_given_up(self, world, monkeypatch):
        """The attempt is counted before the look, so a killed process counts as well."""
        poison, innocent = uploaded(world.first, jpeg(32, 32)), uploaded(world.first, jpeg())

        class Killed(BaseException):
            pass

        look = looking.look

        def die(path, **more):
            if path.name == poison.sha256:
                raise Killed
            return look(path, **more)

        monkeypatch.setattr(looking, "look", die)
        with pytest.raises(Killed):
            evidence_process_due(at=DAY)
        assert evidence_process_due(at=DAY) == 1  # the others do not wait for it
        for minutes in (6, 12):
            with pytest.raises(Killed):
                evidence_process_due(at=DAY + timedelta(minutes=minutes))
        assert evidence_process_due(at=DAY + timedelta(minutes=18)) == 1
        poison.refresh_from_db()
        innocent.refresh_from_db()
        assert (poison.flags, innocent.flags) == (["unreadable"], [])

    def test_lost_original_is_given_up(self, world, settings):
        row = uploaded(world.first, jpeg())
        next(path for path in settings.SEALED_DIR.rglob("*") if path.is_file()).unlink()
        assert evidence_process_due(at=DAY) == 1
        row.refresh_from_db()
        assert row.flags == ["unreadable"]

    def test_full_disk_gives_up_nothing(self, world, monkeypatch):
        row = uploaded(world.first, jpeg())

        def full(*args):
            raise OSError(28, "no space left")

        with monkeypatch.context() as patch:
            patch.setattr(service.os, "fsync", full)
            for _ in range(9):
                assert evidence_process_due(at=DAY, steal=True) == 0
        assert evidence_process_due(at=DAY) == 1
        row.refresh_from_db()
        assert row.flags == []

    def test_several_workers_finish_each_once(self, concurrent_world, settings):
        for _ in range(12):
            uploaded(concurrent_world.first, jpeg(64, 48))
        done = []

        def work():
            try:
                done.append(evidence_process_due(at=DAY))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(done) == 12 == Evidence.objects.filter(processed_at__isnull=False, attempts=1).count()
        assert len(list(settings.PUBLIC_DIR.rglob("*.jpg"))) == 24


class TestPublication:
    @pytest.fixture
    def row(self, world):
        return processed(world.first, jpeg())

    @pytest.fixture
    def user(self, db):
        return User.objects.create_user("desk")

    def shown(self, row):
        station = row.report.commission
        listed = list(public_evidence(commission=station, at=AFTER))
        assert bool(listed) == evidence_is_public(evidence=row, at=AFTER)
        assert all(
            (evidence_copy(name=name, at=AFTER) is not None) == bool(listed) for name in (row.copy, row.thumbnail)
        )
        return listed

    def test_only_after_a_yes(self, row, user):
        assert self.shown(row) == []
        evidence_approve(evidence=row, user=user, at=DAY)
        assert (row.approved_at, row.approved_by) == (DAY, user)
        assert self.shown(row) == [row]
        evidence_withdraw(evidence=row, user=user, at=DAY)
        assert self.shown(row) == []
        assert list(Trail.objects.values_list("action", flat=True).order_by("pk")) == [
            "evidence.approve",
            "evidence.withdraw",
        ]

    def test_withdrawn_when_no_counted_report_links_it(self, row, user):
        evidence_approve(evidence=row, user=user, at=DAY)
        report_reject(report=row.report, user=user, at=DAY)
        assert self.shown(row) == []
        report_restore(report=row.report, user=user, at=DAY)
        assert self.shown(row) == [row]

    def test_nothing_the_election_does_not_publish(self, world, row, user):
        evidence_approve(evidence=row, user=user, at=DAY)
        assert not evidence_is_public(evidence=row, at=DAY)  # a precinct, during its day
        world.election.publication = "closed"
        world.election.save()
        row = Evidence.objects.get(pk=row.pk)
        assert self.shown(row) == []

    @pytest.mark.parametrize(("content", "kind"), [(b"junk", "image/jpeg"), (b"%PDF-1.4 ...", "application/pdf")])
    def test_nothing_without_a_copy(self, world, user, content, kind):
        with pytest.raises(Rejected) as caught:
            evidence_approve(evidence=processed(world.first, content, type=kind), user=user, at=DAY)
        assert caught.value.code == "not_publishable"

    def test_nothing_that_was_not_looked_at(self, world, user):
        with pytest.raises(Rejected):
            evidence_approve(evidence=uploaded(world.first, jpeg()), user=user, at=DAY)

    @pytest.mark.parametrize(
        "name",
        ["", "x", "1-", "../../etc/passwd", "aa/999999999999999999999-x.jpg", "aa/²-x.jpg", "a\0b", "aa/1-\0.jpg"],
    )
    def test_names_that_are_none(self, world, name):
        assert evidence_copy(name=name, at=AFTER) is None
