"""Pictures and sounds beside a form's questions."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from observer.services.spreadsheets.tables import BadLine, BadTable
from reports.models import ChecklistFile

KINDS = ("image", "big-image", "audio", "video")
NAME = re.compile(r"[\w.\-]{1,95}\.(png|jpe?g|gif|mp3|m4a|ogg|wav|mp4|3gp)", re.IGNORECASE)
FILE_MAX, ALL_MAX = 2_000_000, 10_000_000  # bytes: observers download them over the air


def media_read(
    row: Mapping[str, Any], wanted: dict[str, int], line: int, language_of: Callable[[str], str]
) -> dict[str, dict[str, str]]:
    """`{"image": {"kk": "a.png"}}`, the language "" where one file serves all. Adds what it names to `wanted`."""
    found: dict[str, dict[str, str]] = {}
    given = row.get("media")
    for kind, cell in given.items() if isinstance(given, Mapping) else ():
        files = cell if isinstance(cell, Mapping) else {"": cell}
        read = {language_of(str(language)): str(file).strip() for language, file in files.items() if file}
        if kind in KINDS and read:
            found[kind] = read
            for file in read.values():
                wanted.setdefault(file, line)
    return found


def files_read(
    wanted: Mapping[str, int], files: Mapping[str, bytes], complain: Callable[[str, int], None]
) -> Sequence[ChecklistFile]:
    """The files that the form shows, unsaved; complains of those that are missing, too large or of another kind."""
    total = 0
    found = []
    for name, line in wanted.items():
        content = files.get(name)
        if not NAME.fullmatch(name):
            complain(_("file %(name)s is of no kind that phones show") % {"name": name[:100]}, line)
        elif content is None:
            complain(_("file %(name)s is not beside the form") % {"name": name}, line)
        elif len(content) > FILE_MAX or (total := total + len(content)) > ALL_MAX:
            values = {"name": name, "most": FILE_MAX, "all": ALL_MAX}
            complain(_("file %(name)s: at most %(most)d bytes, %(all)d for all") % values, line)
        else:
            found.append(ChecklistFile(name=name, sha256=hashlib.sha256(content).hexdigest(), content=content))
    return found


def workbook_load(*, path: Path) -> tuple[bytes, dict[str, bytes]]:
    """A workbook's bytes, and those of the files in the folder `<its name>-media` beside it. Raises BadTable."""
    folder = path.with_name(f"{path.stem}-media")
    try:
        files = sorted(one for one in folder.iterdir() if one.is_file()) if folder.is_dir() else []
        return path.read_bytes(), {one.name: one.read_bytes() for one in files if one.stat().st_size <= FILE_MAX}
    except OSError as error:
        reason = _("cannot be read: %(why)s") % {"why": error.strerror or type(error).__name__}
        raise BadTable([BadLine(path.name, 0, reason)]) from None
