"""Storage of original files, addressed by their SHA-256.

Sealed files are private and never change. On disk a file is SEALED_DIR/ab/<sha256>, readable by the
platform's user only; rows with the same content share one file. A deployment that defines a storage
named `sealed` in STORAGES keeps them there instead (an S3-compatible bucket). No other module
depends on which of the two it is.
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

COPY_CHUNK_BYTES = 256 * 1024
_synced_roots: set[Path] = set()  # roots whose folders this process has created and synced


class SealedStore(Protocol):
    """What a store of sealed files must offer."""

    def put(self, part: Path, sha256: str) -> None:
        """Stores the file `part` durably and removes it from its place. Idempotent."""

    def has(self, sha256: str, size: int) -> bool:
        """Whether this content is stored completely and durably."""

    def open(self, sha256: str) -> BinaryIO:
        """Opens the content for reading. Raises FileNotFoundError."""


def seal_file(*, part: Path, sha256: str) -> None:
    """Stores a finished part under its hash.

    When this returns, the content is on disk and `part` is gone. The caller has checked the hash and
    has synced the part.
    """
    _get_store().put(part, sha256)


def is_sealed(*, sha256: str, size: int) -> bool:
    """Whether content of this hash and size is sealed.

    If so, it is durable when this returns.
    """
    return _get_store().has(sha256, size)


def open_sealed_file(*, sha256: str) -> BinaryIO:
    """Opens the sealed content for reading from its beginning. Raises FileNotFoundError."""
    return _get_store().open(sha256)


@contextmanager
def open_sealed_path(*, sha256: str) -> Iterator[Path]:
    """Provides the sealed content as a local file within the block.

    It may be the sealed file itself, so never write to it. Raises FileNotFoundError.
    """
    store = _get_store()
    if isinstance(store, FolderSealedStore):
        path = store.path(sha256)
        path.stat()
        yield path
        return
    with store.open(sha256) as source, tempfile.NamedTemporaryFile(prefix="sealed-") as copy:
        shutil.copyfileobj(source, copy, COPY_CHUNK_BYTES)
        copy.flush()
        yield Path(copy.name)


def _get_store() -> SealedStore:
    return BucketSealedStore() if "sealed" in settings.STORAGES else FolderSealedStore(settings.SEALED_DIR)


class FolderSealedStore:
    """Sealed files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        return self.root / _build_name(sha256)

    def put(self, part: Path, sha256: str) -> None:
        target = self.path(sha256)
        folder = target.parent
        if self.root not in _synced_roots or not folder.is_dir():
            self._create_folders()
        try:
            is_stored = target.stat().st_size == part.stat().st_size
        except FileNotFoundError:
            is_stored = False
        if is_stored:
            part.unlink()
        else:
            part.chmod(0o400)
            _move_file(part, target)
        # Also where another row sealed the same content a moment ago: its folder entry may not be on disk yet.
        # The folder of parts needs no sync: a name that is there again after a crash is a part that no row names.
        sync_folder(folder)

    def has(self, sha256: str, size: int) -> bool:
        path = self.path(sha256)
        try:
            has_content = path.stat().st_size == size
        except FileNotFoundError:
            return False
        if has_content:  # the process that sealed it may have died before the name was on disk
            for folder in (path.parent, self.root, self.root.parent):
                sync_folder(folder)
        return has_content

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def _create_folders(self) -> None:
        """Creates and syncs the 256 folders.

        All at once: otherwise the first file of each folder would wait twice for the disk. Another
        process may be creating them right now, so an existing folder may not be on disk yet.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(256):
            (self.root / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
        for folder in (self.root, self.root.parent):
            sync_folder(folder)
        _synced_roots.add(self.root)


class BucketSealedStore:
    """Sealed files in the storage named `sealed` in STORAGES."""

    def put(self, part: Path, sha256: str) -> None:
        storage = storages["sealed"]
        name = _build_name(sha256)
        if not storage.exists(name) or storage.size(name) != part.stat().st_size:
            if storage.exists(name):
                storage.delete(name)  # an incomplete copy
            with part.open("rb") as source:
                storage.save(name, File(source))
        part.unlink()

    def has(self, sha256: str, size: int) -> bool:
        storage, name = storages["sealed"], _build_name(sha256)
        return bool(storage.exists(name) and storage.size(name) == size)

    def open(self, sha256: str) -> BinaryIO:
        return cast(BinaryIO, storages["sealed"].open(_build_name(sha256), "rb"))


def _build_name(sha256: str) -> str:
    sha256 = sha256.lower()  # it may be announced in capital letters
    return f"{sha256[:2]}/{sha256}"


def _move_file(part: Path, target: Path) -> None:
    """Moves atomically, so that nobody sees an incomplete sealed file."""
    try:
        part.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # SEALED_DIR is on another disk: copy into the target's folder first.
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        with part.open("rb") as source, draft.open("wb") as copy:
            shutil.copyfileobj(source, copy, COPY_CHUNK_BYTES)
            copy.flush()
            os.fsync(copy.fileno())
        draft.chmod(0o400)
        draft.rename(target)
        part.unlink()


def sync_folder(folder: Path) -> None:
    """Syncs a folder's entries to disk.

    Syncing a file does not sync its name.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
