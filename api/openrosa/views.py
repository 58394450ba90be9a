"""Forms out: formList, form, manifest, media file. And the address of a device, for people who open it."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from api.conditional import conditional
from api.openrosa.forms import (
    FormFile,
    files_of,
    form_xml,
    list_xml,
    manifest_xml,
    md5_of,
    offer_of,
    version_named,
    versions_in_force,
)
from api.openrosa.rooms import XML, base_of, message, room
from observer.models import Device
from reports.models import ChecklistVersion
from reports.problems import Rejected

GET = ("GET", "HEAD")


@room(*GET)
def root(request: HttpRequest, device: Device) -> HttpResponse:
    return message(_("This is an address for ODK Collect: scan it there as settings."), 200, "")


@room(*GET)
def form_list(request: HttpRequest, device: Device) -> HttpResponse:
    """What this device may fill; `formID` limits it to one, as the standard has it."""
    wanted = request.GET.get("formID")
    found = []
    offer = offer_of(device)
    for version in versions_in_force(device, timezone.now()):
        xml = form_xml(version, offer) if wanted in (None, version.checklist.code) else None
        if xml is not None:
            found.append((version, md5_of(xml), f"{version.checklist.code}/{version.number}"))
    return _conditional(request, list_xml(found, _base(request), device.election.languages), XML, compress=False)


@room(*GET)
def form(request: HttpRequest, device: Device, code: str, version: int) -> HttpResponse:
    xml = form_xml(_version(device, code, version), offer_of(device))
    if xml is None:
        raise _nothing()
    return _conditional(request, xml, XML)


@room(*GET)
def manifest(request: HttpRequest, device: Device, code: str, version: int) -> HttpResponse:
    files = files_of(_version(device, code, version), device)
    base = f"{_base(request)}/forms/{code}/{version}/files"
    return _conditional(request, manifest_xml(files, base), XML)


@room(*GET)
def form_file(request: HttpRequest, device: Device, code: str, version: int, name: str) -> HttpResponse:
    found: FormFile | None = next(
        (one for one in files_of(_version(device, code, version), device) if one.name == name), None
    )
    if found is None:
        raise _nothing()
    response = _conditional(request, found.content, "application/octet-stream")
    response["Content-Security-Policy"] = "sandbox"
    return response


def _version(device: Device, code: str, number: int) -> ChecklistVersion:
    found = version_named(device, code, number, timezone.now())
    if found is None:
        raise _nothing()
    return found


def _nothing() -> Rejected:
    return Rejected("not_found", _("There is nothing here."))


def _base(request: HttpRequest) -> str:
    match = request.resolver_match
    return base_of(request, match.kwargs.get("token") if match else None)


def _conditional(request: HttpRequest, content: bytes, kind: str, *, compress: bool = True) -> HttpResponse:
    return conditional(request, HttpResponse(content, content_type=kind), compress=compress)
