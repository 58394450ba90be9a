"""The phone client's files: what `static/phone/` holds now, each with its digest.

Nothing is built: a file is served as it lies there. One that changes while the server runs shows at
the next request.
"""

import base64
import hashlib
import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

WORKER = "sw.js"
ENTRY = "main.js"
# An import at the head of a module; those within functions are asked for when they are needed.
IMPORT = re.compile(r"""^(?:import|export)\b[^"'();]*["'](\.{1,2}/[^"']+)["'];""", re.MULTILINE)
# What a phone may ask for. Licences and the list of vendored libraries lie beside them and stay here.
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file's bytes, its media type, and its digest as a browser checks it (`sha256-…`)."""

    body: bytes
    type: str
    integrity: str


def client_files() -> dict[str, File]:
    """Every file of the client by its name below `static/phone/`, in order; the service worker is not among them."""
    root = settings.PHONE_DIR
    paths = sorted(path for path in root.rglob("*") if path.suffix in TYPES and path.is_file())
    names = {path.relative_to(root).as_posix(): path for path in paths}
    return {name: _file(path) for name, path in names.items() if name != WORKER and "/." not in f"/{name}"}


def modules_at_start() -> list[str]:
    """What the first screen is made of, besides the entry: a browser that is told at once asks for all of it at once."""
    files = client_files()
    found: list[str] = []
    waiting = [ENTRY]
    while waiting:
        name = waiting.pop(0)
        source = files[name].body.decode()
        for path in IMPORT.findall(source):
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            if wanted in files and wanted not in found and wanted != ENTRY:
                found.append(wanted)
                waiting.append(wanted)
    return found


def worker_source() -> bytes:
    return _file(settings.PHONE_DIR / WORKER).body


def integrity_of(body: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(body).digest()).decode()


def _file(path: Path) -> File:
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=512)
def _read(path: Path, changed: int, size: int) -> File:
    body = path.read_bytes()
    return File(body, TYPES[path.suffix], integrity_of(body))
