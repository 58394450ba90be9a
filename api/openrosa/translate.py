"""From the XML of a filled form to a Submission: the same values that JSON would have given.

Types are the form's affair and judged at the door; here texts become what the door expects of each
type. A file's id is derived from the report's and its name, so that every POST speaks of the same.
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

from api.openrosa import frame
from api.openrosa.instance import Instance
from reports.problems import Errors, Rejected
from reports.services.checklists.compiled import Form, form_named
from reports.services.checklists.xlsform.names import names_of
from reports.services.intake.submission import Announcement, Place, Sender, Submission

VERSION_MAX = 2**31 - 1
COMMENT_MAX = 20_000
_ID = re.compile(r"(?:uuid:)?([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})")
_NUMBER = r"-?\d{1,9}(?:\.\d{1,20})?(?:[eE]-?\d{1,3})?"
_POINT = re.compile(rf"({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER}(?:\s+({_NUMBER}))?)?", re.ASCII)
_FILE = re.compile(r"[^/\\\s]{1,190}\.\w{2,5}")
TICKED = frozenset({"ok", "yes", "true", "1"})
META = frozenset({"start", "end", "today", "deviceid", "username", "audit", "__version__"})  # what apps add


def submission_of(instance: Instance, body: bytes, sender: Sender) -> Submission:
    """The report that `instance`, read from `body`, describes. Raises nothing."""
    errors = Errors()
    uuid = _identifier(instance.instance_id, "meta.instanceID", errors, required=True)
    supersedes = _identifier(instance.deprecated_id, "meta.deprecatedID", errors)
    version = _version(instance.version)
    form = form_named(sender.election.pk, instance.form, version) if version else None
    values = {name: text.strip() for name, text in instance.values.items() if text.strip()}
    for name in instance.twice:
        errors.add(f"answers.{name[:80]}", "too_many", _("This field is there twice."))
    answers = _answers(form, values, errors) if form else {}
    read = Submission(
        sender=sender,
        body=body,
        uuid=uuid,
        checklist=instance.form,
        version=version,
        commission=_station(values, errors),
        observed_at=_moment(values.get(frame.OBSERVED_AT), errors),
        contest=values.get(frame.CONTEST, ""),
        slot=values.get(frame.SLOT, ""),
        answers=answers,
        comment=_text(values, frame.COMMENT, errors),
        place=_place(values.get(frame.LOCATION), frame.LOCATION, errors),
        outside=values.get(frame.OUTSIDE, "").lower() in TICKED,
        supersedes=supersedes,
        evidence=_files(form, values, uuid),
    )
    if not errors.found:
        return read
    problem = Rejected("invalid_report", _("Some fields cannot be read."), errors=tuple(errors.found[:100]))
    return Submission(sender=sender, body=body, uuid=uuid, evidence=read.evidence, unread=problem)


def file_id(report: UUID, name: str) -> UUID:
    return uuid5(report, unicodedata.normalize("NFC", name))


def unnamed(report: UUID, name: str, type_: str) -> Announcement:
    """A file that came with the report and that no answer names."""
    return Announcement(uuid=file_id(report, name), type=_type(name, type_))


@lru_cache(maxsize=256)
def _codes(version_id: int, codes: tuple[str, ...]) -> dict[str, str]:
    """Names in the XML, and the codes that they stand for."""
    return {name: code for code, name in names_of(codes).items()}


def codes_of(form: Form) -> Mapping[str, str]:
    return _codes(form.version_id, tuple(form.fields))


def _answers(form: Form, values: Mapping[str, str], errors: Errors) -> dict[str, Any]:
    """What was answered, by code. What no question is called is left for the door to refuse."""
    codes = codes_of(form)
    answers: dict[str, Any] = {}
    for name, text in values.items():
        if name.startswith("_") or name.lower() in META:
            continue
        code = codes.get(name, name)
        field = form.fields.get(code)
        if field is None:
            answers[code] = text
        elif field.type == "choices":
            answers[code] = text.split()
        elif field.type == "location":
            place = _place(text, f"answers.{code}", errors)
            if place:
                answers[code] = {"lat": place.lat, "lon": place.lon, "accuracy": place.accuracy}
        elif field.type in ("photo", "file"):
            answers[code] = [text]
        elif field.type != "note":
            answers[code] = text
    return answers


def _files(form: Form | None, values: Mapping[str, str], uuid: UUID | None) -> tuple[Announcement, ...]:
    """The files that the answers name. Of a form that nobody knows here: whatever has a file's name, to be kept with it."""
    if uuid is None:
        return ()
    if form is None:
        named = [text for text in values.values() if _FILE.fullmatch(text) and mimetypes.guess_type(text)[0]]
        return tuple(unnamed(uuid, text, "") for text in dict.fromkeys(named[: settings.FILES_PER_REPORT_MAX]))
    codes = codes_of(form)
    publishable = values.get(frame.PUBLISHABLE, "").lower() in TICKED
    found: dict[UUID, Announcement] = {}
    for name, text in values.items():
        field = form.fields.get(codes.get(name, ""))
        if name == frame.PHOTO or (field is not None and field.type in ("photo", "file")):
            one = Announcement(
                uuid=file_id(uuid, text),
                type=_type(text),
                question=field.code if field else "",
                publishable=publishable,
            )
            found.setdefault(one.uuid, one)
    return tuple(found.values())


def _type(name: str, given: str = "") -> str:
    guessed = mimetypes.guess_type(name, strict=False)[0] or given.partition(";")[0].strip().lower()
    return guessed[:100] or "application/octet-stream"


def _identifier(given: str, field: str, errors: Errors, *, required: bool = False) -> UUID | None:
    found = _ID.fullmatch(given)
    if found:
        return UUID(found[1])
    if given or required:
        errors.add(field, "invalid_id" if given else "required", _("An id like uuid:018f3c1e-7b2a-… is expected."))
    return None


def _version(given: str) -> int:
    given = given.strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _station(values: Mapping[str, str], errors: Errors) -> str:
    chosen = values.get(frame.STATION, "")
    station = values.get(frame.STATION_CODE, "") if chosen in ("", frame.ANOTHER) else chosen
    if not station or len(station) > 60:
        errors.add("commission", "too_long" if station else "required", _("The polling station is missing."))
    return station


def _moment(given: str | None, errors: Errors) -> datetime | None:
    """A time as XForms write it; its zone must be there, for a phone may be anywhere."""
    if given is None:
        return None
    try:
        read = datetime.fromisoformat(given)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None or not 1970 <= read.year <= 2100:
        errors.add("observed_at", "invalid_time", _("A time with its zone is expected."))
        return None
    return read


def _text(values: Mapping[str, str], name: str, errors: Errors) -> str:
    given = values.get(name, "")
    if len(given) > COMMENT_MAX:
        errors.add(name.strip("_"), "too_long", _("At most %(most)d characters.") % {"most": COMMENT_MAX})
    return given


def _place(given: str | None, path: str, errors: Errors) -> Place | None:
    """`lat lon altitude accuracy`, of which the last two may be missing."""
    if given is None:
        return None
    found = _POINT.fullmatch(given)
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        errors.add(path.strip("_"), "wrong_type", _("A place like 43.238 76.945 780 12 is expected."))
        return None
    return Place(float(found[1]), float(found[2]), float(found[3]) if found[3] is not None else None)
