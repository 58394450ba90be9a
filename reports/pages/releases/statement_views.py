"""Views of a release's statement: as a page and as DOCX."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reports.pages.http import languages
from reports.pages.http.responses import RenderedPage, set_security_headers
from reports.pages.places.context import build_election_context, build_page_switch, render_election_page
from reports.pages.places.source_choice import PageSource, serve_release_page
from reports.pages.releases.statement import Statement, build_statement
from reports.pages.releases.statement_docx import build_statement_docx

DOCX_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@require_safe
def show_statement(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    return serve_release_page(request, language, slug, number, _build_page)


@require_safe
def download_statement(request: HttpRequest, language: str, slug: str, number: int) -> HttpResponse:
    """Serve the statement as DOCX."""

    def build(source: PageSource) -> RenderedPage | None:
        with languages.override_language(language):
            statement = _build_root_statement(source)
            return (
                RenderedPage(build_statement_docx(statement, language), f'"{source.release.digest[:32]}-{language}"')
                if source.release and statement
                else None
            )

    response = serve_release_page(request, language, slug, number, build)
    if response.status_code == 200:
        response["Content-Type"] = DOCX_CONTENT_TYPE
        response["Content-Disposition"] = f'attachment; filename="{slug}-{number}-{language}.docx"'
        set_security_headers(response)
    return response


def _build_page(source: PageSource) -> RenderedPage | None:
    with languages.override_language(source.language):
        statement = _build_root_statement(source)
        if statement is None or source.release is None:
            raise Http404
        release_links = source.links.for_release(source.release.number)
        context = build_election_context(source) | {
            "statement": statement,
            "docx": release_links.get_statement_docx_url(),
            "switch": build_page_switch(source, "statement"),
        }
    return render_election_page(source, "public/statement.html", context)


def _build_root_statement(source: PageSource) -> Statement | None:
    part = source.figures.load_place(source.figures.get_root_code())
    return build_statement(source, part) if part and "coverage" in part else None
