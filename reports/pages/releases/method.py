"""The method page: how figures are counted, with thresholds and stages."""

from typing import Any

from django.conf import settings

from observer.words import get_translation
from reports.pages.http.formats import format_number
from reports.pages.places.context import describe_sample
from reports.pages.places.distribution_map import MIN_SHADED_DENOMINATOR
from reports.pages.places.source_choice import PageSource
from reports.services.figures.format import MIN_PERCENT_DENOMINATOR
from reports.services.figures.share_words import SHARE_STEPS, get_share_words


def build_method_context(source: PageSource) -> dict[str, Any]:
    language = source.language
    current_thresholds = {"observers": settings.STATION_OBSERVERS_MIN, "cell": settings.STATION_CELL_MIN}
    protection = source.figures.load_codebook().get(
        "protection", current_thresholds
    )  # a release stores the thresholds that it was prepared with

    def format_value(value: int) -> str:
        return format_number(value, language)

    return {
        "percent_from": format_value(MIN_PERCENT_DENOMINATOR),
        "few": format_value(MIN_SHADED_DENOMINATOR),
        "observers_min": format_value(protection["observers"]),
        "cell_min": format_value(protection["cell"]),
        "sample": describe_sample(source.figures.load_codebook()),
        "stages": [
            {
                "title": get_translation(stage["titles"], language, source.language_order) or stage["code"],
                "questions": format_value(len([one for one in stage["questions"] if one["type"] != "note"])),
            }
            for stage in source.figures.load_codebook()["stages"]
        ],
        "quantities": [{"word": get_share_words(code), "says": says()} for code, _low, _high, says in SHARE_STEPS],
    }
