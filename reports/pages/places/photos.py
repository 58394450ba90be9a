"""The view that serves public photo copies.

Each request checks the approval again, because it may be withdrawn at any time.
"""

from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from django.views.decorators.http import require_safe

from reports.pages.http.responses import set_security_headers
from reports.services.publishing.photos import find_public_copy


@require_safe
def serve_photo(request: HttpRequest, name: str) -> FileResponse:
    """Serve the photo copy of this name.

    404 unless it is approved and its report is counted and public.
    """
    path = find_public_copy(name=name, now=timezone.now())
    if path is None or not path.is_file():
        raise Http404
    response = FileResponse(path.open("rb"), content_type="image/jpeg")
    set_security_headers(response)
    response["Cache-Control"] = "public, max-age=60"
    return response
