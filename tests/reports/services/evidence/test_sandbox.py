"""The child process that decodes pictures: same findings as in this process, and it may hang or die."""

import io
import os
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from reports.services.evidence import pictures, sandbox
from tests.support.files import make_jpeg, make_png

CAPTURE = {"place": (43.25, 76.95), "taken": "2022:11:20 10:00:00"}


@pytest.fixture
def write_file(tmp_path):
    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def examine(path):
    return sandbox.examine_in_sandbox(path, announced="", max_pixels=10**8)


def get_child_process():
    current = sandbox._current_child
    assert current is not None
    return current.process


@pytest.mark.parametrize(
    "content",
    [
        make_jpeg(**CAPTURE, offset="+06:00", secrets=True),
        make_jpeg(**CAPTURE),
        make_png(text="Имя"),
        make_jpeg()[:999],
        b"",
        b"%PDF-1.4",
        b"?",
    ],
    ids=("zoned", "wall clock", "png", "cut", "empty", "no picture", "anything"),
)
def test_says_what_the_decoder_says(write_file, content):
    path = write_file(content)
    assert examine(path) == pictures.examine_file(path, announced="", max_pixels=10**8)


def make_broken_png(width, height):
    """A PNG with this size in its header and incomplete data."""
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "PNG")
    head = b"IHDR" + struct.pack(">II", width, height) + b"\1\0\0\0\0"
    return file.getvalue()[:12] + head + struct.pack(">I", zlib.crc32(head)) + file.getvalue()[33:]


def make_broken_exif():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x0f\x01\x02\0\xff\xff\xff\xff")
    return file.getvalue()


@pytest.mark.parametrize(
    "content", [make_broken_png(9_800, 9_800), make_broken_png(20_000, 20_000), make_broken_exif()]
)
def test_nothing_of_a_file_is_written_into_the_log(write_file, content, capfd, recwarn):
    path = write_file(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "_current_child", None)  # a child that writes where this test reads
        assert examine(path) == examine(path)
        get_child_process().kill()
    assert capfd.readouterr().err == ""
    pictures.examine_file(path, announced="", max_pixels=10**8)
    assert not [warning for warning in recwarn if "Bomb" in warning.category.__name__]


def test_time_of_the_camera_comes_over(write_file):
    taken = examine(write_file(make_jpeg(**CAPTURE, offset="+06:00"))).capture
    assert (taken.taken_at, taken.has_zone) == (datetime(2022, 11, 20, 4, tzinfo=UTC), True)


def test_one_process_looks_at_many_files(write_file):
    examine(write_file(make_jpeg()))
    first = get_child_process()
    examine(write_file(make_png()))
    assert get_child_process() is first


def test_new_process_after_so_many_files(write_file, monkeypatch):
    examine(write_file(make_png()))
    first = get_child_process()
    monkeypatch.setattr(sandbox, "MAX_FILES_PER_CHILD", 1)
    examine(write_file(make_png()))
    assert get_child_process() is not first and first.poll() is not None


def test_one_that_hangs_is_killed_and_the_next_file_is_looked_at(write_file, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "never")  # opening it blocks for ever
    examine(write_file(make_png()))
    first = get_child_process()
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "TIMEOUT_SECONDS", 0.3)
        with pytest.raises(sandbox.DecoderDied):
            examine(tmp_path / "never")
    assert first.poll() is not None
    assert examine(write_file(make_png())).flag == ""


def test_one_that_died_is_replaced(write_file):
    examine(write_file(make_png()))
    get_child_process().kill()
    get_child_process().wait()
    assert examine(write_file(make_png())).flag == ""


def test_missing_file_is_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        examine(tmp_path / "none")


def test_has_no_keys_and_little_memory(write_file, settings):
    examine(write_file(make_png()))
    process = Path(f"/proc/{get_child_process().pid}")
    assert b"KEY" not in (process / "environ").read_bytes()
    limits = {line[:26].strip(): line[26:].split()[0] for line in (process / "limits").read_text().splitlines()}
    assert int(limits["Max address space"]) < 2 * 2**30
    assert limits["Max cpu time"] != "unlimited"
