"""Pictures, sounds and videos of a form."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from observer.services.spreadsheets.tables import BadLine, BadTable
from reports.models import ChecklistFile

MEDIA_KINDS = ("image", "big-image", "audio", "video")
FILE_NAME_PATTERN = re.compile(r"[\w.\-]{1,95}\.(png|jpe?g|gif|mp3|m4a|ogg|wav|mp4|3gp)", re.IGNORECASE)
MAX_FILE_BYTES, MAX_TOTAL_BYTES = 2_000_000, 10_000_000  # observers download them over mobile networks


def read_media(
    row: Mapping[str, Any], wanted: dict[str, int], line: int, parse_language: Callable[[str], str]
) -> dict[str, dict[str, str]]:
    """Reads a row's media as `{"image": {"kk": "a.png"}}`.

    The language is "" where one file is for all languages. Adds each file's name to `wanted`, with the
    first line that names it.
    """
    media: dict[str, dict[str, str]] = {}
    kinds = row.get("media")
    for kind, cell in kinds.items() if isinstance(kinds, Mapping) else ():
        files = cell if isinstance(cell, Mapping) else {"": cell}
        files_by_language = {
            parse_language(str(language)): str(file).strip() for language, file in files.items() if file
        }
        if kind in MEDIA_KINDS and files_by_language:
            media[kind] = files_by_language
            for file in files_by_language.values():
                wanted.setdefault(file, line)
    return media


def build_checklist_files(
    wanted: Mapping[str, int], files: Mapping[str, bytes], add_problem: Callable[[str, int], None]
) -> Sequence[ChecklistFile]:
    """Builds the form's files, unsaved.

    Adds a problem for each file that is missing, too large or of another kind. `wanted`: the line by
    name; `files`: the content by name.
    """
    total = 0
    found = []
    for name, line in wanted.items():
        content = files.get(name)
        if not FILE_NAME_PATTERN.fullmatch(name):
            add_problem(_("file %(name)s is of no kind that phones show") % {"name": name[:100]}, line)
        elif content is None:
            add_problem(_("file %(name)s is not beside the form") % {"name": name}, line)
        elif len(content) > MAX_FILE_BYTES or (total := total + len(content)) > MAX_TOTAL_BYTES:
            values = {"name": name, "most": MAX_FILE_BYTES, "all": MAX_TOTAL_BYTES}
            add_problem(_("file %(name)s: at most %(most)d bytes, %(all)d for all") % values, line)
        else:
            found.append(ChecklistFile(name=name, sha256=hashlib.sha256(content).hexdigest(), content=content))
    return found


def load_workbook_files(*, path: Path) -> tuple[bytes, dict[str, bytes]]:
    """Loads a workbook and its media files.

    The media files are in the folder `<its name>-media` next to it. Returns their bytes. Raises
    BadTable.
    """
    folder = path.with_name(f"{path.stem}-media")
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
        return path.read_bytes(), {
            file.name: file.read_bytes() for file in files if file.stat().st_size <= MAX_FILE_BYTES
        }
    except OSError as error:
        reason = _("cannot be read: %(why)s") % {"why": error.strerror or type(error).__name__}
        raise BadTable([BadLine(path.name, 0, reason)]) from None
