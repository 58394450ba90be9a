"""The phone client's files in `static/phone/`, each with its digest.

Nothing is built: a file is served as it is stored. A file that changes while the server runs is served changed at
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

SERVICE_WORKER = "sw.js"
ENTRY_MODULE = "main.js"
# An import at the top of a module; imports inside functions are loaded when they are needed.
STATIC_IMPORT = re.compile(r"""^(?:import|export)\b[^"'();]*["'](\.{1,2}/[^"']+)["'];""", re.MULTILINE)
# Only these file types are served. Licences and the list of vendored libraries are in the same folder and are not.
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A file's bytes, media type, and digest as a browser checks it (`sha256-…`)."""

    body: bytes
    type: str
    integrity: str


def load_client_files() -> dict[str, ClientFile]:
    """Returns the client's files by name below `static/phone/`.

    Sorted, without the service worker.
    """
    root = settings.PHONE_DIR
    paths = sorted(path for path in root.rglob("*") if path.suffix in MEDIA_TYPES and path.is_file())
    names = {path.relative_to(root).as_posix(): path for path in paths}
    return {name: _load_file(path) for name, path in names.items() if name != SERVICE_WORKER and "/." not in f"/{name}"}


def list_startup_modules() -> list[str]:
    """Lists the modules that the entry module imports, directly or not.

    The first screen needs all of them. A browser that is told their names at once loads them in parallel.
    """
    files = load_client_files()
    found: list[str] = []
    queue = [ENTRY_MODULE]
    while queue:
        name = queue.pop(0)
        source = files[name].body.decode()
        for path in STATIC_IMPORT.findall(source):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            if target in files and target not in found and target != ENTRY_MODULE:
                found.append(target)
                queue.append(target)
    return found


def read_service_worker() -> bytes:
    """Returns the source of the service worker."""
    return _load_file(settings.PHONE_DIR / SERVICE_WORKER).body


def compute_integrity(body: bytes) -> str:
    """Returns the digest of `body` in the form of the HTML attribute `integrity`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(body).digest()).decode()


def _load_file(path: Path) -> ClientFile:
    stat = path.stat()
    return _read_file(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=512)
def _read_file(path: Path, mtime_ns: int, size: int) -> ClientFile:
    body = path.read_bytes()
    return ClientFile(body, MEDIA_TYPES[path.suffix], compute_integrity(body))
