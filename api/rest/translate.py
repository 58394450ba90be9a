"""From the parsed JSON of a report to a Submission. By hand, field by field: every report passes here.

Every wrong field is told, with its path; what is not known is ignored. Booleans are no integers.
A field that cannot be read makes the whole submission `unread`, but its id is read all the same,
so that a retry gets its receipt and everything else is kept under its name.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from reports.models import Evidence
from reports.problems import Errors, Rejected
from reports.services.intake.notes import NoteSaid
from reports.services.intake.submission import Announcement, Place, Sender, Submission

COMMENT_MAX = 20_000
NOTE_MAX = 20_000
NOTES_MAX = 100  # beside one report in a carried file
ANSWERS_MAX = 1_000
FIELDS_MAX = 100  # wrong fields told of at once
VERSION_MAX = 2**31 - 1
ACCURACY_MAX = 1e8  # metres
YEARS = (1970, 2100)  # a phone whose clock was lost says 1970; that is flagged, not refused
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,12})?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,50}/[A-Za-z0-9!#$&^_.+-]{1,49}(?:\s*;.{0,200})?")
_SOURCES = frozenset(Evidence.Source.values)

Body = Mapping[str, Any]


def submission_of(value: Body, body: bytes, sender: Sender) -> Submission:
    """The report that `value`, the parsed form of `body`, describes. Raises nothing."""
    errors = Errors()
    uuid = identifier(value, "id", errors, required=True)
    code, version = _checklist(value, errors)
    answers = value.get("answers")
    if answers is None:
        answers = {}
    elif type(answers) is not dict:
        errors.add("answers", "wrong_type", _("An object is expected."))
        answers = {}
    elif len(answers) > ANSWERS_MAX:
        errors.add("answers", "too_many", _("At most %(most)d.") % {"most": ANSWERS_MAX})
    read = Submission(
        sender=sender,
        body=body,
        uuid=uuid,
        checklist=code,
        version=version,
        commission=text(value, "commission", errors, 60, required=True),
        observed_at=moment(value, "observed_at", errors, required=True),
        contest=text(value, "contest", errors, 40),
        slot=text(value, "slot", errors, 32),
        sent_at=moment(value, "sent_at", errors),
        answers=answers,
        comment=text(value, "comment", errors, COMMENT_MAX),
        place=_place(value, "location", errors),
        outside=flag(value, "outside", errors),
        rehearsal=flag(value, "rehearsal", errors),
        supersedes=identifier(value, "supersedes", errors),
        evidence=announcements(value, errors),
    )
    if not errors.found:
        return read
    return _unread(read, invalid(errors))


def unreadable(body: bytes, sender: Sender, problem: Rejected) -> Submission:
    """A body of which nothing can be read, not even an id. It goes through the door to be kept."""
    return Submission(sender=sender, body=body, uuid=None, unread=problem)


def not_an_object(body: bytes, sender: Sender) -> Submission:
    return unreadable(body, sender, Rejected("invalid_report", _("A report is a JSON object.")))


def invalid(errors: Errors, code: str = "invalid_report", detail: str = "") -> Rejected:
    return Rejected(code, detail or _("Some fields cannot be read."), errors=tuple(errors.found[:FIELDS_MAX]))


def _unread(read: Submission, problem: Rejected) -> Submission:
    return Submission(sender=read.sender, body=read.body, uuid=read.uuid, evidence=read.evidence, unread=problem)


def _checklist(value: Body, errors: Errors) -> tuple[str, int]:
    named = value.get("checklist")
    if type(named) is not dict:
        code = "required" if named is None else "wrong_type"
        errors.add("checklist", code, _("An object with code and version is expected."))
        return "", 0
    version = named.get("version")
    if type(version) is not int or not 0 < version <= VERSION_MAX:
        errors.add("checklist.version", _kind(version, int), _("A whole number from 1 on is expected."))
        version = 0
    return text(named, "code", errors, 40, required=True, path="checklist.code"), version


def _kind(value: Any, wanted: type) -> str:
    if value is None:
        return "required"
    return "out_of_range" if type(value) is wanted else "wrong_type"


def text(value: Body, name: str, errors: Errors, most: int, *, required: bool = False, path: str = "") -> str:
    """A string of at most `most` characters; "" where it is absent or null."""
    given = value.get(name)
    if type(given) is str:
        if len(given) <= most and (given or not required):
            return given
        code = "too_long" if given else "required"
        errors.add(path or name, code, _("A text of 1 to %(most)d characters is expected.") % {"most": most})
    elif given is not None:
        errors.add(path or name, "wrong_type", _("A text is expected."))
    elif required:
        errors.add(path or name, "required", _("This is missing."))
    return ""


def flag(value: Body, name: str, errors: Errors, path: str = "") -> bool:
    given = value.get(name)
    if given is True or given is False:
        return given
    if given is not None:
        errors.add(path or name, "wrong_type", _("true or false is expected."))
    return False


def identifier(value: Body, name: str, errors: Errors, *, required: bool = False, path: str = "") -> UUID | None:
    given = value.get(name)
    if type(given) is str and _UUID.fullmatch(given):
        return UUID(given)
    if given is None and not required:
        return None
    code = "required" if given is None else "wrong_type" if type(given) is not str else "invalid_id"
    errors.add(path or name, code, _("A UUID is expected, like 018f3c1e-7b2a-7c3d-9e4f-5a6b7c8d9e0f."))
    return None


def moment(value: Body, name: str, errors: Errors, *, required: bool = False, path: str = "") -> datetime | None:
    given = value.get(name)
    if given is None and not required:
        return None
    read = moment_read(given) if type(given) is str else None
    if read is None:
        code = "required" if given is None else "wrong_type" if type(given) is not str else "invalid_time"
        errors.add(path or name, code, _("A time with its offset is expected, like 2022-11-20T10:40:00+06:00."))
    return read


def moment_read(given: str) -> datetime | None:
    """An RFC 3339 time, None where it is none."""
    found = _MOMENT.fullmatch(given)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    if clock.endswith(":60"):  # a leap second is a time, though Python knows none
        clock = clock[:-2] + "59"
    try:
        read = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{offset or '+00:00'}")
        year = read.astimezone(UTC).year
    except (ValueError, OverflowError):
        return None
    return read if YEARS[0] <= year <= YEARS[1] else None


def _place(value: Body, name: str, errors: Errors, path: str = "") -> Place | None:
    given = value.get(name)
    if given is None:
        return None
    path = path or name
    if type(given) is not dict:
        errors.add(path, "wrong_type", _("An object with lat and lon is expected."))
        return None
    lat = _degrees(given, "lat", 90, path, errors)
    lon = _degrees(given, "lon", 180, path, errors)
    accuracy = given.get("accuracy")
    if accuracy is not None:
        kind = type(accuracy)
        if (kind is not int and kind is not Decimal) or not 0 <= accuracy <= ACCURACY_MAX:
            code = "out_of_range" if kind in (int, Decimal) else "wrong_type"
            errors.add(f"{path}.accuracy", code, _("Metres are expected."))
            return None
        accuracy = float(accuracy)
    return None if lat is None or lon is None else Place(lat, lon, accuracy)


def _degrees(value: Mapping[str, Any], name: str, most: int, path: str, errors: Errors) -> float | None:
    given = value.get(name)
    kind = type(given)
    if (kind is int or kind is Decimal) and -most <= given <= most:  # type: ignore[operator]
        return float(given)  # type: ignore[arg-type]
    code = "required" if given is None else "out_of_range" if kind in (int, Decimal) else "wrong_type"
    errors.add(f"{path}.{name}", code, _("Degrees from -%(most)d to %(most)d are expected.") % {"most": most})
    return None


def announcements(value: Body, errors: Errors, *, required: bool = False) -> tuple[Announcement, ...]:
    """The files that `evidence` announces; those that can be read, even where others cannot."""
    given = value.get("evidence")
    if given is None and not required:
        return ()
    if type(given) is not list:
        errors.add("evidence", "required" if given is None else "wrong_type", _("A list is expected."))
        return ()
    if len(given) > settings.FILES_PER_REPORT_MAX:
        most = settings.FILES_PER_REPORT_MAX
        errors.add("evidence", "too_many", _("At most %(most)d files a report.") % {"most": most})
        given = given[:most]
    read = [_announcement(one, f"evidence.{place}", errors) for place, one in enumerate(given)]
    return tuple(one for one in read if one is not None)


def note(value: Body, errors: Errors) -> NoteSaid | None:
    """Words added to a report; None where they cannot be read, and `errors` says why."""
    before = len(errors.found)
    key = identifier(value, "id", errors, required=True)
    words = text(value, "text", errors, NOTE_MAX, required=True)
    said_at = moment(value, "at", errors, required=True)
    if key is None or said_at is None or len(errors.found) > before:
        return None
    return NoteSaid(key, words, said_at)


def notes_beside(value: Any) -> list[NoteSaid]:
    """The notes that ride along with a report in a carried file. Those that cannot be read are told later, by their phone."""
    given = value.get("notes") if type(value) is dict else None
    if type(given) is not list:
        return []
    read = [note(one, Errors()) for one in given[:NOTES_MAX] if type(one) is dict]
    return [one for one in read if one is not None]


def _announcement(given: Any, path: str, errors: Errors) -> Announcement | None:
    if type(given) is not dict:
        errors.add(path, "wrong_type", _("An object is expected."))
        return None
    before = len(errors.found)
    uuid = identifier(given, "id", errors, required=True, path=f"{path}.id")
    kind = _fitting(given, "type", _MEDIA_TYPE, path, errors, _("A media type is expected, like image/jpeg."))
    sha256 = _fitting(given, "sha256", _SHA256, path, errors, _("64 hexadecimal digits are expected."), required=True)
    source = text(given, "source", errors, 20, path=f"{path}.source")
    if source not in _SOURCES:
        errors.add(f"{path}.source", "unknown_choice", _("camera, gallery or file is expected."))
    read = Announcement(
        uuid=uuid or UUID(int=0),
        sha256=sha256.lower(),
        size=_size(given, kind, path, errors),
        type=kind.partition(";")[0].strip().lower(),
        question=text(given, "question", errors, 40, path=f"{path}.question"),
        violation=text(given, "violation", errors, 40, path=f"{path}.violation"),
        captured_at=moment(given, "captured_at", errors, path=f"{path}.captured_at"),
        source=source,
        place=_place(given, "location", errors, f"{path}.location"),
        publishable=flag(given, "publishable", errors, f"{path}.publishable"),
        preview_of=identifier(given, "preview_of", errors, path=f"{path}.preview_of"),
    )
    return read if len(errors.found) == before else None


def _fitting(
    value: Body, name: str, pattern: re.Pattern[str], path: str, errors: Errors, detail: str, *, required: bool = False
) -> str:
    given = value.get(name)
    if given is None and not required:
        return ""
    if type(given) is str and (pattern.fullmatch(given) or (not given and not required)):
        return given
    code = "required" if given is None else "wrong_type" if type(given) is not str else "invalid_format"
    errors.add(f"{path}.{name}", code, detail)
    return ""


def _size(value: Body, kind: str, path: str, errors: Errors) -> int:
    size = value.get("size")
    most = settings.IMAGE_BYTES_MAX if kind.lower().startswith("image/") else settings.FILE_BYTES_MAX
    if type(size) is int and 1 <= size <= most:
        return size
    code = "too_large" if type(size) is int and size > most else _kind(size, int)
    errors.add(f"{path}.size", code, _("From 1 to %(most)d bytes are taken.") % {"most": most})
    return 0
