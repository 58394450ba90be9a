"""Views of formList, form, manifest, media file and a device's address."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from api.conditional import make_conditional
from api.openrosa.base_views import XML_TYPE, build_base_url, build_message_response, device_view
from api.openrosa.forms import (
    FormFile,
    build_form_list_xml,
    build_form_xml,
    build_manifest_xml,
    find_version,
    hash_md5,
    load_current_versions,
    load_form_files,
    load_form_options,
)
from observer.models import Device
from reports.models import ChecklistVersion
from reports.problems import Rejected

READ_METHODS = ("GET", "HEAD")


@device_view(*READ_METHODS)
def root(request: HttpRequest, device: Device) -> HttpResponse:
    """Tells a person who opens a device's address what it is for."""
    return build_message_response(_("This is an address for ODK Collect: scan it there as settings."), 200, "")


@device_view(*READ_METHODS)
def form_list(request: HttpRequest, device: Device) -> HttpResponse:
    """Lists the forms for this device.

    `formID` limits the list to one, as OpenRosa defines it.
    """
    form_id = request.GET.get("formID")
    forms = []
    offer = load_form_options(device)
    for version in load_current_versions(device, timezone.now()):
        xml = build_form_xml(version, offer) if form_id in (None, version.checklist.code) else None
        if xml is not None:
            forms.append((version, hash_md5(xml), f"{version.checklist.code}/{version.number}"))
    return _build_response(
        request, build_form_list_xml(forms, _get_base_url(request), device.election.languages), XML_TYPE, compress=False
    )


@device_view(*READ_METHODS)
def form(request: HttpRequest, device: Device, code: str, version: int) -> HttpResponse:
    xml = build_form_xml(_get_version(device, code, version), load_form_options(device))
    if xml is None:
        raise _make_not_found()
    return _build_response(request, xml, XML_TYPE)


@device_view(*READ_METHODS)
def manifest(request: HttpRequest, device: Device, code: str, version: int) -> HttpResponse:
    files = load_form_files(_get_version(device, code, version), device)
    base = f"{_get_base_url(request)}/forms/{code}/{version}/files"
    return _build_response(request, build_manifest_xml(files, base), XML_TYPE)


@device_view(*READ_METHODS)
def form_file(request: HttpRequest, device: Device, code: str, version: int, name: str) -> HttpResponse:
    file: FormFile | None = next(
        (one for one in load_form_files(_get_version(device, code, version), device) if one.name == name), None
    )
    if file is None:
        raise _make_not_found()
    response = _build_response(request, file.content, "application/octet-stream")
    response["Content-Security-Policy"] = "sandbox"
    return response


def _get_version(device: Device, code: str, number: int) -> ChecklistVersion:
    found = find_version(device, code, number, timezone.now())
    if found is None:
        raise _make_not_found()
    return found


def _make_not_found() -> Rejected:
    return Rejected("not_found", _("There is nothing here."))


def _get_base_url(request: HttpRequest) -> str:
    match = request.resolver_match
    return build_base_url(request, match.kwargs.get("token") if match else None)


def _build_response(request: HttpRequest, content: bytes, media_type: str, *, compress: bool = True) -> HttpResponse:
    return make_conditional(request, HttpResponse(content, content_type=media_type), compress=compress)
