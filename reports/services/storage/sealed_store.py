"""Where originals lie: by the address of their content, private, never changed.

On disk it is SEALED_DIR/ab/<sha256>, readable by the platform's user only; rows with the same
content share one file. A deployment that defines a storage named `sealed` in STORAGES keeps them
there instead (an S3-compatible bucket); nothing else in the project knows the difference.
"""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

PIECE = 256 * 1024  # bytes copied at a time
_lasting: set[Path] = set()  # roots whose folders this process knows to be on disk


class Store(Protocol):
    def put(self, part: Path, sha256: str) -> None:
        """Takes the file `part` in, durably, and removes it from where it was. Twice is as once."""

    def holds(self, sha256: str, size: int) -> bool:
        """Whether it has this content, whole and to last."""

    def open(self, sha256: str) -> BinaryIO:
        """The content for reading. Raises FileNotFoundError."""


def seal(*, part: Path, sha256: str) -> None:
    """Seals a finished part under its hash; when this returns it is on disk and `part` is gone.

    The caller has checked that the hash is right and has synced the part.
    """
    _store().put(part, sha256)


def is_sealed(*, sha256: str, size: int) -> bool:
    """Whether content of this hash and size lies sealed, durably once this returns."""
    return _store().holds(sha256, size)


def open_sealed(*, sha256: str) -> BinaryIO:
    """The sealed content, for reading from its beginning. Raises FileNotFoundError."""
    return _store().open(sha256)


@contextmanager
def sealed_path(*, sha256: str) -> Iterator[Path]:
    """The sealed content as a local file, for as long as the block lasts. Raises FileNotFoundError.

    It may be the sealed file itself: read it only.
    """
    store = _store()
    if isinstance(store, FolderStore):
        path = store.path(sha256)
        path.stat()
        yield path
        return
    with store.open(sha256) as source, tempfile.NamedTemporaryFile(prefix="sealed-") as copy:
        shutil.copyfileobj(source, copy, PIECE)
        copy.flush()
        yield Path(copy.name)


def _store() -> Store:
    return StorageStore() if "sealed" in settings.STORAGES else FolderStore(settings.SEALED_DIR)


class FolderStore:
    """Originals as files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        return self.root / _name(sha256)

    def put(self, part: Path, sha256: str) -> None:
        target = self.path(sha256)
        folder = target.parent
        if self.root not in _lasting or not folder.is_dir():
            self._make()
        try:
            stored = target.stat().st_size == part.stat().st_size
        except FileNotFoundError:
            stored = False
        if stored:
            part.unlink()
        else:
            part.chmod(0o400)
            _move(part, target)
        # Also where another row brought it a moment ago: its folder entry may not be on disk yet.
        # The folder it came from needs none: after a crash a second name there is a part no row names.
        sync_folder(folder)

    def holds(self, sha256: str, size: int) -> bool:
        path = self.path(sha256)
        try:
            held = path.stat().st_size == size
        except FileNotFoundError:
            return False
        if held:  # whoever brought it may have died before its name was on disk
            for folder in (path.parent, self.root, self.root.parent):
                sync_folder(folder)
        return held

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def _make(self) -> None:
        """Makes the 256 folders, to last; all at once, for each would cost its first file two waits for the disk.

        Somebody else may just be making them: that one is there is no proof that it is on disk.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(256):
            (self.root / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
        for each in (self.root, self.root.parent):
            sync_folder(each)
        _lasting.add(self.root)


class StorageStore:
    """Originals in the storage that settings call `sealed`."""

    def put(self, part: Path, sha256: str) -> None:
        storage = storages["sealed"]
        name = _name(sha256)
        if not storage.exists(name) or storage.size(name) != part.stat().st_size:
            if storage.exists(name):
                storage.delete(name)  # a copy that broke off
            with part.open("rb") as source:
                storage.save(name, File(source))
        part.unlink()

    def holds(self, sha256: str, size: int) -> bool:
        storage, name = storages["sealed"], _name(sha256)
        return bool(storage.exists(name) and storage.size(name) == size)

    def open(self, sha256: str) -> BinaryIO:
        return cast(BinaryIO, storages["sealed"].open(_name(sha256), "rb"))


def _name(sha256: str) -> str:
    sha256 = sha256.lower()  # however it was announced
    return f"{sha256[:2]}/{sha256}"


def _move(part: Path, target: Path) -> None:
    """Moves in one step, so that nobody ever sees half a sealed file."""
    try:
        part.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # SEALED_DIR is another disk: copy beside the target first.
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        with part.open("rb") as source, draft.open("wb") as copy:
            shutil.copyfileobj(source, copy, PIECE)
            copy.flush()
            os.fsync(copy.fileno())
        draft.chmod(0o400)
        draft.rename(target)
        part.unlink()


def sync_folder(folder: Path) -> None:
    """Puts the names in `folder` on disk; syncing a file does not sync its name."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
