"""Which format an answer has. Phones get JSON whatever they ask for; some public figures also come as CSV."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from reports.problems import Rejected


class Json(BaseContentNegotiation):
    """Ignores Accept: a phone that sends a strange one still understands JSON."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def format_of(request: HttpRequest | Request, offered: dict[str, str]) -> str:
    """The format of `offered` (name: media type; the first is the default) that this request wants.

    `?format=` names one, and wins; else the best of Accept. Raises Rejected `not_acceptable` for a
    name that is not offered; an Accept that fits nothing gets the default.
    """
    default = next(iter(offered))
    if named := request.GET.get("format"):
        if named not in offered:
            raise Rejected(
                "not_acceptable", _("The formats here are: %(formats)s.") % {"formats": ", ".join(offered)}, "format"
            )
        return named
    best, best_quality = default, 0.0
    for name, media_type in offered.items():
        quality = _quality(request.META.get("HTTP_ACCEPT", "*/*"), media_type)
        if quality > best_quality:
            best, best_quality = name, quality
    return best


def _quality(accept: str, media_type: str) -> float:
    """How much `accept` likes `media_type`, 0 to 1; the most exact range that names it decides."""
    found, exactness = 0.0, -1
    ranges = {media_type: 2, media_type.split("/")[0] + "/*": 1, "*/*": 0}
    for part in accept[:2000].split(","):
        name, _semicolon, parameters = part.partition(";")
        exact = ranges.get(name.strip().lower(), -1)
        if exact > exactness:
            found, exactness = _weight(parameters), exact
    return found


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        key, _equals, value = parameter.strip().partition("=")
        if key.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
