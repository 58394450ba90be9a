"""Examination of files: their types and metadata, and public copies without metadata."""

import io
import json
import struct
import zipfile
import zlib

import pytest
from PIL import Image

from reports.services.evidence import pictures
from reports.services.storage.sealed_store import open_sealed_file
from tests.support.files import SECRETS, make_gif, make_jpeg, make_png, make_webp, process_file, read_public_copy

pytestmark = pytest.mark.once


def make_png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def make_zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("virus.exe", b"MZ")
    return out.getvalue()


class TestPublicCopy:
    def test_carries_no_metadata(self, world, settings):
        content = make_jpeg(
            2000, 1500, place=(43.25, 76.95), taken="2022:11:20 10:00:00", offset="+06:00", secrets=True
        )
        assert all(secret in content for secret in SECRETS)
        row = process_file(world.first, content)
        for name in (row.copy, row.thumbnail):
            copy = read_public_copy(settings, name)
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
        with open_sealed_file(sha256=row.sha256) as sealed:
            assert sealed.read() == content

    def test_sizes_and_names(self, world, settings):
        row = process_file(world.first, make_jpeg(2000, 1500))
        with (
            Image.open(settings.PUBLIC_DIR / row.copy) as copy,
            Image.open(settings.PUBLIC_DIR / row.thumbnail) as small,
        ):
            assert (copy.format, copy.size, small.size) == ("JPEG", (1600, 1200), (320, 240))
        assert row.copy.endswith(".jpg") and row.thumbnail.endswith(".jpg")
        assert row.copy.rpartition("-")[2] != row.thumbnail.rpartition("-")[2]
        assert str(row.uuid) not in row.copy and row.sha256 not in row.copy

    def test_small_picture_is_not_blown_up(self, world, settings):
        row = process_file(world.first, make_jpeg(100, 80))
        with Image.open(settings.PUBLIC_DIR / row.copy) as copy:
            assert copy.size == (100, 80)

    def test_is_upright(self, world, settings):
        row = process_file(world.first, make_jpeg(640, 480, orientation=6))
        with Image.open(settings.PUBLIC_DIR / row.copy) as copy:
            assert copy.size == (480, 640)
            red, green, _blue = copy.getpixel((470, 10))  # the top left corner went to the top right
            assert red > 200 and green < 60

    @pytest.mark.parametrize(
        ("content", "media_type"), [(make_png(), "image/png"), (make_webp(), "image/webp"), (make_gif(), "image/gif")]
    )
    def test_of_other_formats(self, world, content, media_type):
        row = process_file(world.first, content, type=media_type)
        assert (row.media_type, row.flags) == (media_type, [])
        assert row.copy and row.thumbnail

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
    def test_of_every_mode(self, tmp_path, mode):
        image = Image.new("RGB", (50, 40), "white")
        path = tmp_path / "x.png"
        (image.convert("I").point(lambda v: v * 257).convert(mode) if mode == "I;16" else image.convert(mode)).save(
            path
        )
        found = pictures.examine_file(path, announced="image/png", max_pixels=10**6)
        with Image.open(io.BytesIO(found.copy)) as copy:
            assert copy.mode == "RGB" and min(copy.getpixel((20, 20))) > 250

    def test_broken_colour_profile_is_ignored(self, world):
        assert process_file(world.first, make_jpeg(icc_profile=b"no profile at all")).copy


class TestFileTypes:
    @pytest.mark.parametrize(
        ("content", "announced"),
        [
            (b"", "image/jpeg"),
            (b"not a picture", "image/jpeg"),
            (make_jpeg()[:-400], "image/jpeg"),
            (make_jpeg()[:300], "image/jpeg"),
            (make_png()[:-20], "image/png"),
            (make_webp()[:-20], "image/webp"),
            (make_gif()[:-20], "image/gif"),
            (make_png(), "image/jpeg"),
            (make_jpeg(), "video/mp4"),
            (b"<html><script>alert(1)</script></html>", "image/png"),
            (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/jpeg"),
            (b"%PDF-1.4 ...", "image/jpeg"),
            (make_jpeg() + make_zip(), "image/jpeg"),
            (make_png() + make_zip(), "image/png"),
            (make_jpeg() + b"<html><body>hello", "image/jpeg"),
            (make_jpeg() + b"whatever this is", "image/jpeg"),
            (make_gif() + b"<script>alert(1)</script>", "image/gif"),
            (make_webp() + b"%PDF-1.4", "image/webp"),
            (make_jpeg(comment=b"<script>alert(1)</script>"), "image/jpeg"),
            (make_jpeg(comment=make_zip()), "image/jpeg"),
        ],
    )
    def test_unreadable_is_sealed_all_the_same(self, world, content, announced):
        row = process_file(world.first, content, type=announced)
        assert row.flags == ["unreadable"] and not row.copy
        with open_sealed_file(sha256=row.sha256) as sealed:
            assert sealed.read() == content

    @pytest.mark.parametrize(
        ("content", "announced", "media_type"),
        [
            (b"\x00\x00\x00\x18ftypisom" + bytes(50), "video/mp4", "video/mp4"),
            (b"\x00\x00\x00\x18ftypheic" + bytes(50), "image/heic", "image/heic"),
            (b"%PDF-1.4 ...", "application/pdf", "application/pdf"),
            (b"OggS" + bytes(50), "audio/ogg", "audio/ogg"),
            (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/svg+xml", "image/svg+xml"),
            (make_zip(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip"),
            (b"just words", "text/plain", "application/octet-stream"),
            (make_gif(frames=3), "image/gif", "image/gif"),
        ],
    )
    def test_without_a_picture_to_show(self, world, content, announced, media_type):
        row = process_file(world.first, content, type=announced)
        assert (row.flags, row.media_type, row.copy) == (["no_preview"], media_type, "")

    @pytest.mark.parametrize(
        "behind", [bytes(40), make_jpeg(32, 32), b"\x00\x00\x00\x18ftypmp42" + bytes(99), b"..SEFT"]
    )
    def test_what_phones_append_is_no_disguise(self, world, behind):
        assert process_file(world.first, make_jpeg() + behind).flags == []

    def test_vague_announcement_contradicts_nothing(self, world):
        assert process_file(world.first, make_jpeg(), type="").flags == []

    def test_png_that_says_it_is_huge(self, world):
        head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        bomb = (
            b"\x89PNG\r\n\x1a\n"
            + make_png_chunk(b"IHDR", head)
            + make_png_chunk(b"IDAT", zlib.compress(bytes(1000)))
            + make_png_chunk(b"IEND", b"")
        )
        row = process_file(world.first, bomb, type="image/png")
        assert row.flags == ["unreadable"] and row.metadata == {"width": 60_000, "height": 60_000}

    @pytest.mark.parametrize("content", [make_jpeg(), make_png(640, 480), make_webp(640, 480), make_gif(640, 480)])
    def test_pixels_are_counted_before_decoding(self, tmp_path, monkeypatch, content):
        path = tmp_path / "x"
        path.write_bytes(content)
        monkeypatch.setattr(pictures.Image, "open", None)
        assert pictures.examine_file(path, announced="", max_pixels=640 * 480 - 1).flag == "unreadable"

    def test_progressive_picture_of_a_thousand_scans(self, tmp_path):
        content = make_jpeg(progressive=True)
        scan = content.rindex(b"\xff\xda")
        path = tmp_path / "x"
        path.write_bytes(content[:-2] + content[scan:-2] * 1000 + b"\xff\xd9")
        assert pictures.examine_file(path, announced="", max_pixels=10**8).flag == "unreadable"


class TestMetadata:
    def test_is_kept_privately(self, world):
        row = process_file(world.first, make_jpeg(place=(43.25, 76.95), taken="2022:11:20 10:00:00", secrets=True))
        assert row.metadata["exif"]["DateTimeOriginal"] == "2022:11:20 10:00:00"
        assert row.metadata["exif"]["BodySerialNumber"] == "SN-4711-SECRET"
        assert row.metadata["gps"]["GPSLatitude"] == [43.25, 0, 0]
        assert "xmp-secret" in row.metadata["xmp"]

    def test_hostile_texts_are_bounded_and_fit_the_database(self, world):
        row = process_file(world.first, make_png(text="nul \0 and " + "long " * 100_000), type="image/png")
        assert len(json.dumps(row.metadata)) < 10_000 and "\0" not in row.metadata["text"]["Author"]

    def test_missing_is_never_a_flag(self, world):
        assert process_file(world.first, make_jpeg()).flags == []

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
        assert process_file(world.first, make_jpeg(place=place)).flags == flags

    def test_place_away_with_the_portable_box(self, world):
        report = {"outside": True, "location": {"lat": 43.5, "lon": 76.95}}
        assert process_file(world.first, make_jpeg(place=(43.5, 76.95)), report=report).flags == []
        assert process_file(world.first, make_jpeg(place=(44.5, 76.95)), report=report).flags == ["place_contradicts"]

    @pytest.mark.parametrize(
        ("taken", "offset", "flags"),
        [
            ("2022:11:20 10:05:00", "+06:00", []),
            ("2022:11:20 22:30:00", "+06:00", ["time_contradicts"]),
            ("2022:11:19 21:30:00", "+06:00", ["time_contradicts"]),
            ("2022:11:20 22:30:00", "", []),  # local time of an unknown zone
            ("2022:11:22 10:00:00", "", ["time_contradicts"]),
            ("2019:03:01 10:00:00", "", ["time_contradicts"]),
            ("0000:00:00 00:00:00", "", []),
            ("not a time at all!!", "+99:99", []),
        ],
    )
    def test_time(self, world, taken, offset, flags):
        assert process_file(world.first, make_jpeg(taken=taken, offset=offset)).flags == flags
