"""The statement of a release, as a page and as a document."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reports.pages.http import languages
from reports.pages.http.responses import Rendered, harden
from reports.pages.places.context import election_context, rendered, switch_to
from reports.pages.places.source_choice import Opened, release_page
from reports.pages.releases.statement import Statement, statement_of
from reports.pages.releases.statement_docx import statement_docx

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@require_safe
def statement(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    return release_page(request, language, slug, number, _page)


@require_safe
def document(request: HttpRequest, language: str, slug: str, number: int) -> HttpResponse:
    """The same as DOCX."""

    def make(opened: Opened) -> Rendered | None:
        with languages.speaking(language):
            said = _statement(opened)
            return (
                Rendered(statement_docx(said, language), f'"{opened.edition.digest[:32]}-{language}"')
                if opened.edition and said
                else None
            )

    response = release_page(request, language, slug, number, make)
    if response.status_code == 200:
        response["Content-Type"] = DOCX
        response["Content-Disposition"] = f'attachment; filename="{slug}-{number}-{language}.docx"'
        harden(response)
    return response


def _page(opened: Opened) -> Rendered | None:
    with languages.speaking(opened.language):
        said = _statement(opened)
        if said is None or opened.edition is None:
            raise Http404
        own = opened.links.release(opened.edition.number)
        context = election_context(opened) | {
            "statement": said,
            "docx": own.document(),
            "switch": switch_to(opened, "statement"),
        }
    return rendered(opened, "public/statement.html", context)


def _statement(opened: Opened) -> Statement | None:
    part = opened.figures.place(opened.figures.root())
    return statement_of(opened, part) if part and "coverage" in part else None
