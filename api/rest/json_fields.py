"""Reads the fields of a parsed JSON report into a Submission.

It is written by hand, field by field, because every report passes here. All wrong fields are reported, each with its
path; unknown fields are ignored. Booleans are no integers. A field that cannot be read makes the whole submission
`unread`. Its id is read all the same, so that a retry gets its receipt and the rest is kept under that id.
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
from reports.services.intake.notes import NewNote
from reports.services.intake.submission import Announcement, Location, Sender, Submission

MAX_COMMENT_LENGTH = 20_000
MAX_NOTE_LENGTH = 20_000
MAX_NOTES = 100  # with one report in a relay file
MAX_ANSWERS = 1_000
MAX_TOLD_ERRORS = 100  # wrong fields in one answer
MAX_VERSION = 2**31 - 1
MAX_ACCURACY_METRES = 1e8
ACCEPTED_YEARS = (1970, 2100)  # a phone that lost its clock sends 1970; such a report is flagged, not refused
_UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME_PATTERN = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,12})?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII)
_SHA256_PATTERN = re.compile(r"[0-9a-fA-F]{64}")
_MEDIA_TYPE_PATTERN = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,50}/[A-Za-z0-9!#$&^_.+-]{1,49}(?:\s*;.{0,200})?")
_SOURCES = frozenset(Evidence.Source.values)

JsonObject = Mapping[str, Any]


def build_submission(value: JsonObject, body: bytes, sender: Sender) -> Submission:
    """Builds the report that `value`, the parsed form of `body`, describes.

    Raises nothing: what cannot be read is in the submission's `unread`.
    """
    errors = Errors()
    uuid = read_uuid(value, "id", errors, required=True)
    code, version = _read_checklist(value, errors)
    answers = value.get("answers")
    if answers is None:
        answers = {}
    elif type(answers) is not dict:
        errors.add("answers", "wrong_type", _("An object is expected."))
        answers = {}
    elif len(answers) > MAX_ANSWERS:
        errors.add("answers", "too_many", _("At most %(most)d.") % {"most": MAX_ANSWERS})
    submission = Submission(
        sender=sender,
        body=body,
        uuid=uuid,
        checklist=code,
        version=version,
        commission=read_text(value, "commission", errors, 60, required=True),
        observed_at=read_time(value, "observed_at", errors, required=True),
        contest=read_text(value, "contest", errors, 40),
        slot=read_text(value, "slot", errors, 32),
        sent_at=read_time(value, "sent_at", errors),
        answers=answers,
        comment=read_text(value, "comment", errors, MAX_COMMENT_LENGTH),
        location=_read_place(value, "location", errors),
        outside=read_flag(value, "outside", errors),
        rehearsal=read_flag(value, "rehearsal", errors),
        supersedes=read_uuid(value, "supersedes", errors),
        evidence=read_announcements(value, errors),
    )
    if not errors.field_errors:
        return submission
    return _build_unread_submission(submission, make_rejected(errors))


def build_unreadable_submission(body: bytes, sender: Sender, problem: Rejected) -> Submission:
    """Builds a submission from a body of which nothing can be read.

    Not even its id. The intake keeps such a body.
    """
    return Submission(sender=sender, body=body, uuid=None, problem=problem)


def build_non_object_submission(body: bytes, sender: Sender) -> Submission:
    return build_unreadable_submission(body, sender, Rejected("invalid_report", _("A report is a JSON object.")))


def make_rejected(errors: Errors, code: str = "invalid_report", detail: str = "") -> Rejected:
    """Makes the Rejected that lists `errors`."""
    return Rejected(
        code, detail or _("Some fields cannot be read."), errors=tuple(errors.field_errors[:MAX_TOLD_ERRORS])
    )


def _build_unread_submission(submission: Submission, problem: Rejected) -> Submission:
    return Submission(
        sender=submission.sender,
        body=submission.body,
        uuid=submission.uuid,
        evidence=submission.evidence,
        problem=problem,
    )


def _read_checklist(value: JsonObject, errors: Errors) -> tuple[str, int]:
    named = value.get("checklist")
    if type(named) is not dict:
        code = "required" if named is None else "wrong_type"
        errors.add("checklist", code, _("An object with code and version is expected."))
        return "", 0
    version = named.get("version")
    if type(version) is not int or not 0 < version <= MAX_VERSION:
        errors.add("checklist.version", _classify_error(version, int), _("A whole number from 1 on is expected."))
        version = 0
    return read_text(named, "code", errors, 40, required=True, path="checklist.code"), version


def _classify_error(value: Any, expected: type) -> str:
    if value is None:
        return "required"
    return "out_of_range" if type(value) is expected else "wrong_type"


def read_text(
    value: JsonObject, name: str, errors: Errors, max_length: int, *, required: bool = False, path: str = ""
) -> str:
    """Returns a string of at most `max_length` characters.

    "" where it is absent or null.
    """
    given = value.get(name)
    if type(given) is str:
        if len(given) <= max_length and (given or not required):
            return given
        code = "too_long" if given else "required"
        errors.add(path or name, code, _("A text of 1 to %(most)d characters is expected.") % {"most": max_length})
    elif given is not None:
        errors.add(path or name, "wrong_type", _("A text is expected."))
    elif required:
        errors.add(path or name, "required", _("This is missing."))
    return ""


def read_flag(value: JsonObject, name: str, errors: Errors, path: str = "") -> bool:
    """Returns a boolean; False where it is absent or null."""
    given = value.get(name)
    if given is True or given is False:
        return given
    if given is not None:
        errors.add(path or name, "wrong_type", _("true or false is expected."))
    return False


def read_uuid(value: JsonObject, name: str, errors: Errors, *, required: bool = False, path: str = "") -> UUID | None:
    """Returns a UUID; None where it is absent or wrong."""
    given = value.get(name)
    if type(given) is str and _UUID_PATTERN.fullmatch(given):
        return UUID(given)
    if given is None and not required:
        return None
    code = "required" if given is None else "wrong_type" if type(given) is not str else "invalid_id"
    errors.add(path or name, code, _("A UUID is expected, like 018f3c1e-7b2a-7c3d-9e4f-5a6b7c8d9e0f."))
    return None


def read_time(
    value: JsonObject, name: str, errors: Errors, *, required: bool = False, path: str = ""
) -> datetime | None:
    """Returns a time with its offset.

    None where it is absent or wrong.
    """
    given = value.get(name)
    if given is None and not required:
        return None
    time = parse_time(given) if type(given) is str else None
    if time is None:
        code = "required" if given is None else "wrong_type" if type(given) is not str else "invalid_time"
        errors.add(path or name, code, _("A time with its offset is expected, like 2022-11-20T10:40:00+06:00."))
    return time


def parse_time(given: str) -> datetime | None:
    """Parses an RFC 3339 time; None where it is none."""
    found = _TIME_PATTERN.fullmatch(given)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    if clock.endswith(":60"):  # a leap second is valid, but Python cannot represent it
        clock = clock[:-2] + "59"
    try:
        time = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{offset or '+00:00'}")
        year = time.astimezone(UTC).year
    except (ValueError, OverflowError):
        return None
    return time if ACCEPTED_YEARS[0] <= year <= ACCEPTED_YEARS[1] else None


def _read_place(value: JsonObject, name: str, errors: Errors, path: str = "") -> Location | None:
    """Returns a location; None where it is absent or wrong."""
    given = value.get(name)
    if given is None:
        return None
    path = path or name
    if type(given) is not dict:
        errors.add(path, "wrong_type", _("An object with lat and lon is expected."))
        return None
    lat = _read_degrees(given, "lat", 90, path, errors)
    lon = _read_degrees(given, "lon", 180, path, errors)
    accuracy = given.get("accuracy")
    if accuracy is not None:
        kind = type(accuracy)
        if (kind is not int and kind is not Decimal) or not 0 <= accuracy <= MAX_ACCURACY_METRES:
            code = "out_of_range" if kind in (int, Decimal) else "wrong_type"
            errors.add(f"{path}.accuracy", code, _("Metres are expected."))
            return None
        accuracy = float(accuracy)
    return None if lat is None or lon is None else Location(lat, lon, accuracy)


def _read_degrees(value: Mapping[str, Any], name: str, limit: int, path: str, errors: Errors) -> float | None:
    given = value.get(name)
    kind = type(given)
    if (kind is int or kind is Decimal) and -limit <= given <= limit:  # type: ignore[operator]
        return float(given)  # type: ignore[arg-type]
    code = "required" if given is None else "out_of_range" if kind in (int, Decimal) else "wrong_type"
    errors.add(f"{path}.{name}", code, _("Degrees from -%(most)d to %(most)d are expected.") % {"most": limit})
    return None


def read_announcements(value: JsonObject, errors: Errors, *, required: bool = False) -> tuple[Announcement, ...]:
    """Returns the files that `evidence` announces.

    Those that can be read are returned even where others cannot.
    """
    given = value.get("evidence")
    if given is None and not required:
        return ()
    if type(given) is not list:
        errors.add("evidence", "required" if given is None else "wrong_type", _("A list is expected."))
        return ()
    if len(given) > settings.FILES_PER_REPORT_MAX:
        max_files = settings.FILES_PER_REPORT_MAX
        errors.add("evidence", "too_many", _("At most %(most)d files a report.") % {"most": max_files})
        given = given[:max_files]
    read = [_read_announcement(one, f"evidence.{place}", errors) for place, one in enumerate(given)]
    return tuple(one for one in read if one is not None)


def read_note(value: JsonObject, errors: Errors) -> NewNote | None:
    """Returns a note to a report.

    None where it cannot be read, with the reason in `errors`.
    """
    before = len(errors.field_errors)
    uuid = read_uuid(value, "id", errors, required=True)
    text = read_text(value, "text", errors, MAX_NOTE_LENGTH, required=True)
    said_at = read_time(value, "at", errors, required=True)
    if uuid is None or said_at is None or len(errors.field_errors) > before:
        return None
    return NewNote(uuid, text, said_at)


def read_notes(value: Any) -> list[NewNote]:
    """Returns the notes that are sent with a report in a relay file.

    Notes that cannot be read are left out: their phone sends them later and gets the error.
    """
    given = value.get("notes") if type(value) is dict else None
    if type(given) is not list:
        return []
    read = [read_note(one, Errors()) for one in given[:MAX_NOTES] if type(one) is dict]
    return [one for one in read if one is not None]


def _read_announcement(given: Any, path: str, errors: Errors) -> Announcement | None:
    if type(given) is not dict:
        errors.add(path, "wrong_type", _("An object is expected."))
        return None
    before = len(errors.field_errors)
    uuid = read_uuid(given, "id", errors, required=True, path=f"{path}.id")
    media_type = _read_pattern(
        given, "type", _MEDIA_TYPE_PATTERN, path, errors, _("A media type is expected, like image/jpeg.")
    )
    sha256 = _read_pattern(
        given, "sha256", _SHA256_PATTERN, path, errors, _("64 hexadecimal digits are expected."), required=True
    )
    source = read_text(given, "source", errors, 20, path=f"{path}.source")
    if source not in _SOURCES:
        errors.add(f"{path}.source", "unknown_choice", _("camera, gallery or file is expected."))
    announcement = Announcement(
        uuid=uuid or UUID(int=0),
        sha256=sha256.lower(),
        size=_read_size(given, media_type, path, errors),
        type=media_type.partition(";")[0].strip().lower(),
        question=read_text(given, "question", errors, 40, path=f"{path}.question"),
        violation=read_text(given, "violation", errors, 40, path=f"{path}.violation"),
        captured_at=read_time(given, "captured_at", errors, path=f"{path}.captured_at"),
        source=source,
        location=_read_place(given, "location", errors, f"{path}.location"),
        publishable=read_flag(given, "publishable", errors, f"{path}.publishable"),
        preview_of=read_uuid(given, "preview_of", errors, path=f"{path}.preview_of"),
    )
    return announcement if len(errors.field_errors) == before else None


def _read_pattern(
    value: JsonObject,
    name: str,
    pattern: re.Pattern[str],
    path: str,
    errors: Errors,
    detail: str,
    *,
    required: bool = False,
) -> str:
    """Returns a string that matches `pattern`.

    "" where it is absent or wrong.
    """
    given = value.get(name)
    if given is None and not required:
        return ""
    if type(given) is str and (pattern.fullmatch(given) or (not given and not required)):
        return given
    code = "required" if given is None else "wrong_type" if type(given) is not str else "invalid_format"
    errors.add(f"{path}.{name}", code, detail)
    return ""


def _read_size(value: JsonObject, media_type: str, path: str, errors: Errors) -> int:
    """Returns a file's size in bytes; 0 where it is wrong."""
    size = value.get("size")
    max_bytes = settings.IMAGE_BYTES_MAX if media_type.lower().startswith("image/") else settings.FILE_BYTES_MAX
    if type(size) is int and 1 <= size <= max_bytes:
        return size
    code = "too_large" if type(size) is int and size > max_bytes else _classify_error(size, int)
    errors.add(f"{path}.size", code, _("From 1 to %(most)d bytes are taken.") % {"most": max_bytes})
    return 0
