"""Which language a page is in, and in which others it can be read."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from observer.models import Election
from reports.pages.http.formats import language_name

PATTERN = r"(?!api/)[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?"


@dataclass(frozen=True)
class Other:
    """A link of the language switch."""

    code: str
    name: str
    url: str


def interface_languages() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]


def languages_of(election: Election) -> list[str]:
    """An election's languages, never none."""
    return codes_of(election.languages)


def codes_of(listed: Iterable[str]) -> list[str]:
    """An election's list of languages; all of ours where it is empty."""
    return [str(code) for code in listed] or interface_languages()


def spoken(lists: Iterable[Sequence[str]]) -> list[str]:
    """Ours, and those an election brought that we have no words for: its names are shown among English ones."""
    return list(dict.fromkeys([*interface_languages(), *(one for listed in lists for one in codes_of(listed))]))


def closest(language: str, listed: Sequence[str]) -> str:
    """The language in which a reader of `language` is shown an election of these languages."""
    own = codes_of(listed)
    return language if language in own else own[0]


def preferred(request: HttpRequest) -> str:
    """What the browser asks for, as far as we speak it; no cookie, so that an address means one page."""
    header = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    supported = interface_languages()
    for code, _weight in parse_accept_lang_header(header):
        base = str(code).split("-")[0].lower()
        if base in supported:
            return base
    return str(settings.LANGUAGE_CODE)


def of_address(request: HttpRequest) -> str:
    """For pages that were not found: the language their address begins with, else the browser's."""
    first = request.path_info.split("/")[1] if request.path_info.count("/") else ""
    return first if first in interface_languages() else preferred(request)


def switch(codes: Sequence[str], address: Callable[[str], str]) -> list[Other]:
    return [Other(code, language_name(code), address(code)) for code in codes]


def speaking(language: str) -> AbstractContextManager[None]:
    """Within it every word is in `language`; English where we have no words of it."""
    return translation.override(language)
