"""The page about one finding: map, tables and data links."""

from typing import Any

from django.utils.translation import gettext as _

from reports.pages.http import languages
from reports.pages.http.formats import format_number
from reports.pages.http.responses import RenderedPage, render_page
from reports.pages.places.context import build_place_context
from reports.pages.places.distribution_map import build_distribution, build_total_ratio
from reports.pages.places.headline_finding import FindingChoice, find_finding_choice
from reports.pages.places.names import CodebookStage, parse_stages
from reports.pages.places.source_choice import PageSource
from reports.pages.places.stages import Ratio, build_ratio, build_stage_views
from reports.services.figures.format import format_figure
from reports.services.publishing.package_tables import get_report_file_name
from reports.services.publishing.place_parts import Part


def build_finding_page(source: PageSource, part: Part, stage: str, question: str) -> RenderedPage | None:
    """Build the page of a finding.

    None where this commission has no such figure.
    """
    book = source.figures.load_codebook()
    choice = find_finding_choice(book["stages"], stage, question)
    if choice is None or question not in part["stages"].get(stage, {}).get("questions", {}):
        return None
    with languages.override_language(source.language):
        context = _build_context(source, part, choice)
    return render_page(
        "public/finding.html", context, source.language, source.figures.get_computed_at(part["facts"]["code"])
    )


def _build_context(source: PageSource, part: Part, choice: FindingChoice) -> dict[str, Any]:
    language, order, code = source.language, source.language_order, part["facts"]["code"]
    stage, question = choice.stage["code"], choice.question["code"]
    stages = parse_stages(source.figures.load_codebook()["stages"])
    records = {question: part["stages"][stage]["questions"][question]}
    stage_names = CodebookStage(stages[stage].titles, {question: stages[stage].questions[question]})
    view = build_stage_views(
        {stage: part["stages"][stage] | {"questions": records}}, {stage: stage_names}, language, order
    )[0]
    return build_place_context(source, part) | {
        "stage": view,
        "finding": view.findings[0] if view.findings else None,
        "rating": view.ratings[0] if view.ratings else None,
        "spread": build_distribution(source, part, source.figures.load_findings(code), choice),
        "whole": build_total_ratio(part, choice, language),
        "types": _build_type_rows(source, code, stage, question),
        "place_url": source.links.get_place_url(code),
        "rows": _build_data_links(source, choice),
        "switch": languages.build_language_switch(
            order, lambda one: source.links.for_language(one).get_finding_url(code, stage, question)
        ),
    }


def _build_type_rows(source: PageSource, code: str, stage: str, question: str) -> list[dict[str, Any]]:
    """Build the finding's rows by station type; only releases count them."""
    rows = []
    for name, counted in source.figures.load_station_types(code).items():
        found = counted["findings"].get(stage, {}).get(question)
        n, of = (found[0], found[1]) if found else (0, 0)
        shown: Ratio = build_ratio(n, of, format_figure(n, of), source.language)
        rows.append(
            {
                "name": translate_station_type(name),
                "ratio": shown,
                "observed": format_number(counted["observed"], source.language),
            }
        )
    return rows


def translate_station_type(code: str) -> str:
    """Translate a station type.

    A code that only this country uses is returned unchanged.
    """
    return {
        "ordinary": _("ordinary stations"),
        "hospital": _("hospitals and rest homes"),
        "military": _("military units"),
        "remote": _("remote places"),
        "abroad": _("abroad"),
        "detention": _("places of detention"),
        "": _("other stations"),
    }.get(code, code)


def _build_data_links(source: PageSource, choice: FindingChoice) -> dict[str, str] | None:
    """Build links to the open-data files with the figure's rows.

    None for live figures.
    """
    if source.release is None:
        return None
    release = source.release.number
    return {
        "file": get_report_file_name(choice.question["checklist"]),
        "reports": source.links.get_data_file_url(get_report_file_name(choice.question["checklist"]), release),
        "figures": source.links.get_data_file_url("figures.csv", release),
        "page": source.links.for_release(release).get_page_url("data"),
    }
