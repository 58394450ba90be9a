"""Builds what ODK Collect downloads: form list, forms, and their media files."""

import csv
import hashlib
import io
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from django.core.cache import cache
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from api.openrosa import platform_questions
from observer.models import Assignment, Contest, Device, Level, Organisation
from observer.services.registry.places import load_territory
from observer.words import get_translation
from reports.models import Checklist, ChecklistVersion, ViolationType
from reports.services.checklists.xlsform.rows import Workbook, build_workbook, format_language

log = logging.getLogger("baqylau.openrosa")
FORM_CACHE_SECONDS = 24 * 3600  # the cache key is a hash of the form's content, so it never gets stale
STATIONS_CACHE_SECONDS = 300  # a changed assignment shows within this time


@dataclass(frozen=True)
class FormFile:
    """One media file of a form."""

    name: str
    content: bytes

    @property
    def md5(self) -> str:
        return hash_md5(self.content)


def hash_md5(content: bytes) -> str:
    return "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest()


def load_current_versions(device: Device, now: datetime) -> list[ChecklistVersion]:
    """Returns the last published version of each of the election's checklists, in their order."""
    rows = (
        ChecklistVersion.objects.filter(checklist__election=device.election_id, published_at__lte=now)
        .select_related("checklist")
        .order_by("checklist__order", "checklist__code", "number")
    )
    return list({row.checklist_id: row for row in rows}.values())


def find_version(device: Device, code: str, number: int, now: datetime) -> ChecklistVersion | None:
    """Finds any published version, for the forms that were begun on it."""
    rows = ChecklistVersion.objects.filter(checklist__election=device.election_id, published_at__lte=now)
    return rows.filter(checklist__code=code, number=number).select_related("checklist").first()


@dataclass(frozen=True)
class FormOptions:
    """The violations and contests that an election offers to this observer."""

    device: Device
    violations: list[ViolationType]
    contests: list[Contest]


def load_form_options(device: Device) -> FormOptions:
    kind = Organisation.objects.values_list("kind", flat=True).get(pk=device.observer.organisation_id)
    types = ViolationType.objects.filter(election=device.election_id).order_by("order", "code")
    contests = Contest.objects.filter(election=device.election_id).order_by("code")
    return FormOptions(device, [one for one in types if not one.audience or kind in one.audience], list(contests))


def build_form_xml(version: ChecklistVersion, offer: FormOptions) -> bytes | None:
    """Builds the XForm of a version for this observer.

    None where it cannot be written as one, which is logged.
    """
    workbook = _build_workbook(version, offer)
    content = json.dumps(workbook, ensure_ascii=False, sort_keys=True).encode()
    key = f"openrosa-form:{hashlib.sha256(content).hexdigest()}"
    xml: bytes | None = cache.get(key)
    if xml is None:
        try:
            xml = convert(dict(workbook), form_name="data").xform.encode()
        except PyXFormError as error:
            log.error("checklist %s version %d has no form: %s", version.checklist.code, version.number, error)
            return None
        cache.set(key, xml, FORM_CACHE_SECONDS)
    return xml


def _build_workbook(version: ChecklistVersion, offer: FormOptions) -> Workbook:
    election = offer.device.election
    workbook = platform_questions.add_platform_questions(
        build_workbook(version, election=election, violations=offer.violations),
        checklist=version.checklist,
        contests=offer.contests,
        languages=election.languages,
    )
    language = get_language() or ""
    if language not in election.languages:
        language = election.languages[0]
    form_settings = {
        "default_language": format_language(language),
        "form_title": get_translation(version.checklist.titles, language, election.languages) or version.checklist.code,
    }
    return workbook | {"settings": [workbook["settings"][0] | form_settings]}


def load_form_files(version: ChecklistVersion, device: Device) -> list[FormFile]:
    """Returns the list of stations, and the pictures and sounds of the questions."""
    attached = [FormFile(one.name, bytes(one.content)) for one in version.files.all()]
    return [FormFile(platform_questions.STATIONS_FILE, _load_stations_csv(version.checklist.place, device)), *attached]


def _load_stations_csv(place: str, device: Device) -> bytes:
    key = f"openrosa-places:{device.election_id}:{device.observer_id}:{place}:{get_language()}"
    content: bytes | None = cache.get(key)
    if content is None:
        content = _build_stations_csv(place, device)
        cache.set(key, content, STATIONS_CACHE_SECONDS)
    return content


def _build_stations_csv(place: str, device: Device) -> bytes:
    """Lists commissions of the checklist's kind as CSV.

    Assigned ones come first, then the rest of the observer's territory, then "not in the list".
    """
    order = device.election.languages
    assigned = set(
        Assignment.objects.filter(observers=device.observer_id, election=device.election_id).values_list(
            "commission_id", flat=True
        )
    )
    territory, _whole = load_territory(observer=device.observer, election=device.election)
    commissions = [
        one
        for one in territory
        if place == Checklist.Place.ANY
        or (place == Checklist.Place.PRECINCT) == (one.level.kind == Level.Kind.PRECINCT)
    ]
    commissions.sort(key=lambda one: one.pk not in assigned)  # stable: the order of the tree within each half
    assigned_here = [one.pk for one in commissions if one.pk in assigned]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("name", "label", "preset"))
    for one in commissions:
        is_preset = len(assigned_here) == 1 and one.pk == assigned_here[0]
        writer.writerow((one.code, f"{one.code} · {get_translation(one.names, order=order)}", int(is_preset)))
    writer.writerow((platform_questions.OTHER_STATION, _("Not in the list: I write its code"), 0))
    return buffer.getvalue().encode()


def build_form_list_xml(forms: Iterable[tuple[ChecklistVersion, str, str]], base: str, order: list[str]) -> bytes:
    """Builds the answer to formList.

    `forms` are versions, each with the hash of its XML and its path; `base` is this device's address.
    """
    rows = [
        "<xform>"
        f"<formID>{escape(version.checklist.code)}</formID>"
        f"<name>{escape(get_translation(version.checklist.titles, order=order) or version.checklist.code)}</name>"
        f"<version>{version.number}</version>"
        f"<hash>{md5}</hash>"
        f"<downloadUrl>{escape(f'{base}/forms/{path}.xml')}</downloadUrl>"
        f"<manifestUrl>{escape(f'{base}/forms/{path}/manifest')}</manifestUrl>"
        "</xform>"
        for version, md5, path in forms
    ]
    return _build_document("xforms", "http://openrosa.org/xforms/xformsList", rows)


def build_manifest_xml(files: Iterable[FormFile], base: str) -> bytes:
    """Builds the manifest of a form.

    `base` is the address below which its files are.
    """
    rows = [
        "<mediaFile>"
        f"<filename>{escape(one.name)}</filename><hash>{one.md5}</hash>"
        f"<downloadUrl>{escape(f'{base}/{one.name}')}</downloadUrl>"
        "</mediaFile>"
        for one in files
    ]
    return _build_document("manifest", "http://openrosa.org/xforms/xformsManifest", rows)


def _build_document(root: str, namespace: str, rows: Iterable[str]) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}">{"".join(rows)}</{root}>\n'.encode()
