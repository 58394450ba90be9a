"""Reads the values of a filled XML form into a Submission.

The result is the same as if the report had been sent as JSON.

Whether a value fits its question is checked by the intake; here texts become what the intake expects of each type.
A file's id is derived from the report's id and the file's name, so that every POST of a submission gives the same
id.
"""

import mimetypes
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.utils.translation import gettext as _

from api.openrosa import platform_questions
from api.openrosa.instance import Instance
from reports.problems import Errors, Rejected
from reports.services.checklists.compiled import Form, find_form
from reports.services.checklists.xlsform.names import build_xml_names
from reports.services.intake.submission import Announcement, Location, Sender, Submission

MAX_VERSION = 2**31 - 1
MAX_COMMENT_LENGTH = 20_000
_INSTANCE_ID = re.compile(r"(?:uuid:)?([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})")
_NUMBER = r"-?\d{1,9}(?:\.\d{1,20})?(?:[eE]-?\d{1,3})?"
_POINT = re.compile(rf"({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER}(?:\s+({_NUMBER}))?)?", re.ASCII)
_FILE_NAME = re.compile(r"[^/\\\s]{1,190}\.\w{2,5}")
TRUE_VALUES = frozenset({"ok", "yes", "true", "1"})
# Fields that apps add to a form.
APP_FIELDS = frozenset({"start", "end", "today", "deviceid", "username", "audit", "__version__"})


def build_submission(instance: Instance, body: bytes, sender: Sender) -> Submission:
    """Builds the report that `instance`, parsed from `body`, describes.

    Raises nothing: what cannot be read is in the submission's `unread`.
    """
    errors = Errors()
    uuid = _parse_id(instance.instance_id, "meta.instanceID", errors, required=True)
    supersedes = _parse_id(instance.deprecated_id, "meta.deprecatedID", errors)
    version = _parse_version(instance.version)
    form = find_form(sender.election.pk, instance.form, version) if version else None
    values = {name: text.strip() for name, text in instance.values.items() if text.strip()}
    for name in instance.duplicates:
        errors.add(f"answers.{name[:80]}", "too_many", _("This field is there twice."))
    answers = _read_answers(form, values, errors) if form else {}
    submission = Submission(
        sender=sender,
        body=body,
        uuid=uuid,
        checklist=instance.form,
        version=version,
        commission=_read_station(values, errors),
        observed_at=_parse_time(values.get(platform_questions.OBSERVED_AT), errors),
        contest=values.get(platform_questions.CONTEST, ""),
        slot=values.get(platform_questions.SLOT, ""),
        answers=answers,
        comment=_read_text(values, platform_questions.COMMENT, errors),
        location=_parse_place(values.get(platform_questions.LOCATION), platform_questions.LOCATION, errors),
        outside=values.get(platform_questions.OUTSIDE, "").lower() in TRUE_VALUES,
        supersedes=supersedes,
        evidence=_read_announcements(form, values, uuid),
    )
    if not errors.field_errors:
        return submission
    problem = Rejected("invalid_report", _("Some fields cannot be read."), errors=tuple(errors.field_errors[:100]))
    return Submission(sender=sender, body=body, uuid=uuid, evidence=submission.evidence, problem=problem)


def make_file_id(report: UUID, name: str) -> UUID:
    """Derives a file's id from the report's id and the file's name."""
    return uuid5(report, unicodedata.normalize("NFC", name))


def make_announcement(report: UUID, name: str, media_type: str) -> Announcement:
    """Announces a file that came with the report and that no answer names."""
    return Announcement(uuid=make_file_id(report, name), type=_guess_media_type(name, media_type))


@lru_cache(maxsize=256)
def _map_names_to_codes(version_id: int, codes: tuple[str, ...]) -> dict[str, str]:
    """Maps names in the XML to codes of questions."""
    return {name: code for code, name in build_xml_names(codes).items()}


def get_question_codes(form: Form) -> Mapping[str, str]:
    return _map_names_to_codes(form.version_id, tuple(form.fields))


def _read_answers(form: Form, values: Mapping[str, str], errors: Errors) -> dict[str, Any]:
    """Reads the answers, by code.

    What belongs to no question is passed on under its own name, for the intake to refuse.
    """
    codes = get_question_codes(form)
    answers: dict[str, Any] = {}
    for name, text in values.items():
        if name.startswith("_") or name.lower() in APP_FIELDS:
            continue
        code = codes.get(name, name)
        field = form.fields.get(code)
        if field is None:
            answers[code] = text
        elif field.type == "choices":
            answers[code] = text.split()
        elif field.type == "location":
            place = _parse_place(text, f"answers.{code}", errors)
            if place:
                answers[code] = {"lat": place.lat, "lon": place.lon, "accuracy": place.accuracy}
        elif field.type in ("photo", "file"):
            answers[code] = [text]
        elif field.type != "note":
            answers[code] = text
    return answers


def _read_announcements(form: Form | None, values: Mapping[str, str], uuid: UUID | None) -> tuple[Announcement, ...]:
    """Lists the files that the answers name.

    Of a form that is not known here: every value that looks like a file's name, to be kept with it.
    """
    if uuid is None:
        return ()
    if form is None:
        names = [text for text in values.values() if _FILE_NAME.fullmatch(text) and mimetypes.guess_type(text)[0]]
        return tuple(
            make_announcement(uuid, text, "") for text in dict.fromkeys(names[: settings.FILES_PER_REPORT_MAX])
        )
    codes = get_question_codes(form)
    publishable = values.get(platform_questions.PUBLISHABLE, "").lower() in TRUE_VALUES
    found: dict[UUID, Announcement] = {}
    for name, text in values.items():
        field = form.fields.get(codes.get(name, ""))
        if name == platform_questions.PHOTO or (field is not None and field.type in ("photo", "file")):
            one = Announcement(
                uuid=make_file_id(uuid, text),
                type=_guess_media_type(text),
                question=field.code if field else "",
                publishable=publishable,
            )
            found.setdefault(one.uuid, one)
    return tuple(found.values())


def _guess_media_type(name: str, given: str = "") -> str:
    guessed = mimetypes.guess_type(name, strict=False)[0] or given.partition(";")[0].strip().lower()
    return guessed[:100] or "application/octet-stream"


def _parse_id(given: str, field: str, errors: Errors, *, required: bool = False) -> UUID | None:
    found = _INSTANCE_ID.fullmatch(given)
    if found:
        return UUID(found[1])
    if given or required:
        errors.add(field, "invalid_id" if given else "required", _("An id like uuid:018f3c1e-7b2a-… is expected."))
    return None


def _parse_version(given: str) -> int:
    given = given.strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _read_station(values: Mapping[str, str], errors: Errors) -> str:
    chosen = values.get(platform_questions.STATION, "")
    station = (
        values.get(platform_questions.STATION_CODE, "") if chosen in ("", platform_questions.OTHER_STATION) else chosen
    )
    if not station or len(station) > 60:
        errors.add("commission", "too_long" if station else "required", _("The polling station is missing."))
    return station


def _parse_time(given: str | None, errors: Errors) -> datetime | None:
    """Parses an XForms time.

    It must have a time zone, because a phone may be anywhere.
    """
    if given is None:
        return None
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None or not 1970 <= time.year <= 2100:
        errors.add("observed_at", "invalid_time", _("A time with its zone is expected."))
        return None
    return time


def _read_text(values: Mapping[str, str], name: str, errors: Errors) -> str:
    text = values.get(name, "")
    if len(text) > MAX_COMMENT_LENGTH:
        errors.add(name.strip("_"), "too_long", _("At most %(most)d characters.") % {"most": MAX_COMMENT_LENGTH})
    return text


def _parse_place(given: str | None, path: str, errors: Errors) -> Location | None:
    """Parses `lat lon altitude accuracy`, of which the last two may be missing."""
    if given is None:
        return None
    found = _POINT.fullmatch(given)
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        errors.add(path.strip("_"), "wrong_type", _("A place like 43.238 76.945 780 12 is expected."))
        return None
    return Location(float(found[1]), float(found[2]), float(found[3]) if found[3] is not None else None)
