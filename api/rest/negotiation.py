"""Content negotiation.

Phones get JSON whatever they ask for; some public figures also come as CSV.
"""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from reports.problems import Rejected


class JsonOnlyNegotiation(BaseContentNegotiation):
    """Ignores Accept: a phone that sends a strange one still understands JSON."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def select_format(request: HttpRequest | Request, formats: dict[str, str]) -> str:
    """Returns the format that this request wants, one of `formats`.

    `formats` maps names to media types; the first is the default. `?format=` names one and comes first; else the
    best match of Accept. Raises Rejected `not_acceptable` for a name that is not in `formats`. An Accept that
    matches none gets the default.
    """
    default = next(iter(formats))
    if name_in_query := request.GET.get("format"):
        if name_in_query not in formats:
            raise Rejected(
                "not_acceptable", _("The formats here are: %(formats)s.") % {"formats": ", ".join(formats)}, "format"
            )
        return name_in_query
    best, best_quality = default, 0.0
    for name, media_type in formats.items():
        quality = _get_quality(request.META.get("HTTP_ACCEPT", "*/*"), media_type)
        if quality > best_quality:
            best, best_quality = name, quality
    return best


def _get_quality(accept: str, media_type: str) -> float:
    """Returns how much `accept` prefers `media_type`, from 0 to 1.

    The most exact range that matches it decides.
    """
    quality, exactness = 0.0, -1
    ranges = {media_type: 2, media_type.split("/")[0] + "/*": 1, "*/*": 0}
    for part in accept[:2000].split(","):
        name, _semicolon, parameters = part.partition(";")
        exact = ranges.get(name.strip().lower(), -1)
        if exact > exactness:
            quality, exactness = _parse_quality(parameters), exact
    return quality


def _parse_quality(parameters: str) -> float:
    """Returns the value of the parameter `q`; 1 where it is absent."""
    for parameter in parameters.split(";"):
        key, _equals, value = parameter.strip().partition("=")
        if key.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
