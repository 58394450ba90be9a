"""The process that decodes pictures: it says what the decoder says, and may hang or die."""

import io
import os
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from reports.services.evidence import pictures, sandbox
from tests.support.files import jpeg, png

TAKEN = {"place": (43.25, 76.95), "taken": "2022:11:20 10:00:00"}


@pytest.fixture
def at(tmp_path):
    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def look(path):
    return sandbox.look(path, announced="", pixels_max=10**8)


def child():
    current = sandbox._current
    assert current is not None
    return current.process


@pytest.mark.parametrize(
    "content",
    [
        jpeg(**TAKEN, offset="+06:00", secrets=True),
        jpeg(**TAKEN),
        png(text="Имя"),
        jpeg()[:999],
        b"",
        b"%PDF-1.4",
        b"?",
    ],
    ids=("zoned", "wall clock", "png", "cut", "empty", "no picture", "anything"),
)
def test_says_what_the_decoder_says(now, content):
    path = now(content)
    assert look(path) == pictures.examine(path, announced="", pixels_max=10**8)


def wide(width, height):
    """A PNG that says how large it is, and breaks off."""
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "PNG")
    head = b"IHDR" + struct.pack(">II", width, height) + b"\1\0\0\0\0"
    return file.getvalue()[:12] + head + struct.pack(">I", zlib.crc32(head)) + file.getvalue()[33:]


def broken_exif():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x0f\x01\x02\0\xff\xff\xff\xff")
    return file.getvalue()


@pytest.mark.parametrize("content", [wide(9_800, 9_800), wide(20_000, 20_000), broken_exif()])
def test_nothing_of_a_file_is_written_into_the_log(now, content, capfd, recwarn):
    path = now(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "_current", None)  # a child that writes where this test reads
        assert look(path) == look(path)
        child().kill()
    assert capfd.readouterr().err == ""
    pictures.examine(path, announced="", pixels_max=10**8)
    assert not [warning for warning in recwarn if "Bomb" in warning.category.__name__]


def test_time_of_the_camera_comes_over(now):
    taken = look(now(jpeg(**TAKEN, offset="+06:00"))).taken
    assert (taken.at, taken.zoned) == (datetime(2022, 11, 20, 4, tzinfo=UTC), True)


def test_one_process_looks_at_many_files(now):
    look(now(jpeg()))
    first = child()
    look(now(png()))
    assert child() is first


def test_new_process_after_so_many_files(now, monkeypatch):
    look(now(png()))
    first = child()
    monkeypatch.setattr(sandbox, "FILES", 1)
    look(now(png()))
    assert child() is not first and first.poll() is not None


def test_one_that_hangs_is_killed_and_the_next_file_is_looked_at(now, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "never")  # whoever opens it waits for ever
    look(now(png()))
    first = child()
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "SECONDS", 0.3)
        with pytest.raises(sandbox.Died):
            look(tmp_path / "never")
    assert first.poll() is not None
    assert look(now(png())).flag == ""


def test_one_that_died_is_replaced(now):
    look(now(png()))
    child().kill()
    child().wait()
    assert look(now(png())).flag == ""


def test_missing_file_is_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "none")


def test_has_no_keys_and_little_memory(now, settings):
    look(now(png()))
    process = Path(f"/proc/{child().pid}")
    assert b"KEY" not in (process / "environ").read_bytes()
    limits = {line[:26].strip(): line[26:].split()[0] for line in (process / "limits").read_text().splitlines()}
    assert int(limits["Max address space"]) < 2 * 2**30
    assert limits["Max cpu time"] != "unlimited"
