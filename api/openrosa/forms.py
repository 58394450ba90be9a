"""What Collect downloads: the list of forms, a form, and the files a form needs."""

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

from api.openrosa import frame
from observer.models import Assignment, Contest, Device, Level, Organisation
from observer.services.registry.places import territory_of
from observer.words import in_language
from reports.models import Checklist, ChecklistVersion, ViolationType
from reports.services.checklists.xlsform.rows import Workbook, language_name, workbook_of

log = logging.getLogger("baqylau.openrosa")
KEPT = 24 * 3600  # seconds: a form's key is what it is made of
PLACES_KEPT = 300  # seconds within which a changed assignment shows


@dataclass(frozen=True)
class FormFile:
    """One file beside a form."""

    name: str
    content: bytes

    @property
    def md5(self) -> str:
        return md5_of(self.content)


def md5_of(content: bytes) -> str:
    return "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest()


def versions_in_force(device: Device, now: datetime) -> list[ChecklistVersion]:
    """The last published version of each checklist of the device's election, in the checklists' order."""
    rows = (
        ChecklistVersion.objects.filter(checklist__election=device.election_id, published_at__lte=now)
        .select_related("checklist")
        .order_by("checklist__order", "checklist__code", "number")
    )
    return list({row.checklist_id: row for row in rows}.values())


def version_named(device: Device, code: str, number: int, now: datetime) -> ChecklistVersion | None:
    """Any published version, for the forms that were begun on it."""
    rows = ChecklistVersion.objects.filter(checklist__election=device.election_id, published_at__lte=now)
    return rows.filter(checklist__code=code, number=number).select_related("checklist").first()


@dataclass(frozen=True)
class Offer:
    """What an election offers to this device's observer in any form."""

    device: Device
    violations: list[ViolationType]
    contests: list[Contest]


def offer_of(device: Device) -> Offer:
    kind = Organisation.objects.values_list("kind", flat=True).get(pk=device.observer.organisation_id)
    types = ViolationType.objects.filter(election=device.election_id).order_by("order", "code")
    contests = Contest.objects.filter(election=device.election_id).order_by("code")
    return Offer(device, [one for one in types if not one.audience or kind in one.audience], list(contests))


def form_xml(version: ChecklistVersion, offer: Offer) -> bytes | None:
    """The XForm of a version for this observer; None where it cannot be written as one, which is logged."""
    workbook = _workbook(version, offer)
    told = json.dumps(workbook, ensure_ascii=False, sort_keys=True).encode()
    key = f"openrosa-form:{hashlib.sha256(told).hexdigest()}"
    found: bytes | None = cache.get(key)
    if found is None:
        try:
            found = convert(dict(workbook), form_name="data").xform.encode()
        except PyXFormError as error:
            log.error("checklist %s version %d has no form: %s", version.checklist.code, version.number, error)
            return None
        cache.set(key, found, KEPT)
    return found


def _workbook(version: ChecklistVersion, offer: Offer) -> Workbook:
    election = offer.device.election
    workbook = frame.framed(
        workbook_of(version, election=election, violations=offer.violations),
        checklist=version.checklist,
        contests=offer.contests,
        languages=election.languages,
    )
    language = get_language() or ""
    if language not in election.languages:
        language = election.languages[0]
    begins = {
        "default_language": language_name(language),
        "form_title": in_language(version.checklist.titles, language, election.languages) or version.checklist.code,
    }
    return workbook | {"settings": [workbook["settings"][0] | begins]}


def files_of(version: ChecklistVersion, device: Device) -> list[FormFile]:
    """The list of stations, and the pictures and sounds of the questions."""
    own = [FormFile(one.name, bytes(one.content)) for one in version.files.all()]
    return [FormFile(frame.STATIONS, _stations(version.checklist.place, device)), *own]


def _stations(place: str, device: Device) -> bytes:
    key = f"openrosa-places:{device.election_id}:{device.observer_id}:{place}:{get_language()}"
    found: bytes | None = cache.get(key)
    if found is None:
        found = _stations_csv(place, device)
        cache.set(key, found, PLACES_KEPT)
    return found


def _stations_csv(place: str, device: Device) -> bytes:
    """Commissions of the checklist's kind: assigned ones first, then the territory, then "not in the list"."""
    order = device.election.languages
    assigned = set(
        Assignment.objects.filter(observers=device.observer_id, election=device.election_id).values_list(
            "commission_id", flat=True
        )
    )
    territory, _whole = territory_of(observer=device.observer, election=device.election)
    fitting = [
        one
        for one in territory
        if place == Checklist.Place.ANY
        or (place == Checklist.Place.PRECINCT) == (one.level.kind == Level.Kind.PRECINCT)
    ]
    fitting.sort(key=lambda one: one.pk not in assigned)  # stable: the order of the tree within each half
    preset = [one.pk for one in fitting if one.pk in assigned]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("name", "label", "preset"))
    for one in fitting:
        only = len(preset) == 1 and one.pk == preset[0]
        writer.writerow((one.code, f"{one.code} · {in_language(one.names, order=order)}", int(only)))
    writer.writerow((frame.ANOTHER, _("Not in the list: I write its code"), 0))
    return out.getvalue().encode()


def list_xml(forms: Iterable[tuple[ChecklistVersion, str, str]], base: str, order: list[str]) -> bytes:
    """The answer to formList: `forms` are versions with their XML's hash; `base` is this device's address."""
    rows = [
        "<xform>"
        f"<formID>{escape(version.checklist.code)}</formID>"
        f"<name>{escape(in_language(version.checklist.titles, order=order) or version.checklist.code)}</name>"
        f"<version>{version.number}</version>"
        f"<hash>{md5}</hash>"
        f"<downloadUrl>{escape(f'{base}/forms/{path}.xml')}</downloadUrl>"
        f"<manifestUrl>{escape(f'{base}/forms/{path}/manifest')}</manifestUrl>"
        "</xform>"
        for version, md5, path in forms
    ]
    return _document("xforms", "http://openrosa.org/xforms/xformsList", rows)


def manifest_xml(files: Iterable[FormFile], base: str) -> bytes:
    rows = [
        "<mediaFile>"
        f"<filename>{escape(one.name)}</filename><hash>{one.md5}</hash>"
        f"<downloadUrl>{escape(f'{base}/{one.name}')}</downloadUrl>"
        "</mediaFile>"
        for one in files
    ]
    return _document("manifest", "http://openrosa.org/xforms/xformsManifest", rows)


def _document(root: str, namespace: str, rows: Iterable[str]) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}">{"".join(rows)}</{root}>\n'.encode()
