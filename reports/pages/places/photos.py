"""Public copies of photos, asked for one by one: approval may be taken back at any moment."""

from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from django.views.decorators.http import require_safe

from reports.pages.http.responses import harden
from reports.services.publishing.photos import evidence_copy


@require_safe
def photo(request: HttpRequest, name: str) -> FileResponse:
    """The copy of this name, while it is approved and its report counted and public; else 404."""
    path = evidence_copy(name=name, now=timezone.now())
    if path is None or not path.is_file():
        raise Http404
    response = FileResponse(path.open("rb"), content_type="image/jpeg")
    harden(response)
    response["Cache-Control"] = "public, max-age=60"
    return response
