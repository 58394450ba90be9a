"""How the figures are made, with the thresholds that are in force and the stages that were asked about."""

from typing import Any

from django.conf import settings

from observer.words import in_language
from reports.pages.http.formats import number
from reports.pages.places.context import sample_words
from reports.pages.places.distribution_map import FEW
from reports.pages.places.source_choice import Opened
from reports.services.figures.format import PERCENT_FROM
from reports.services.figures.share_words import STEPS, quantity_word


def method_context(opened: Opened) -> dict[str, Any]:
    language = opened.language
    now = {"observers": settings.STATION_OBSERVERS_MIN, "cell": settings.STATION_CELL_MIN}
    protection = opened.figures.book().get("protection", now)  # a release tells of the thresholds it was made with

    def shown(value: int) -> str:
        return number(value, language)

    return {
        "percent_from": shown(PERCENT_FROM),
        "few": shown(FEW),
        "observers_min": shown(protection["observers"]),
        "cell_min": shown(protection["cell"]),
        "sample": sample_words(opened.figures.book()),
        "stages": [
            {
                "title": in_language(stage["titles"], language, opened.order) or stage["code"],
                "questions": shown(len([one for one in stage["questions"] if one["type"] != "note"])),
            }
            for stage in opened.figures.book()["stages"]
        ],
        "quantities": [{"word": quantity_word(code), "says": says()} for code, _low, _high, says in STEPS],
    }
