"""Languages of public pages: detection, choice, language switch."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from observer.models import Election
from reports.pages.http.formats import get_language_name

LANGUAGE_PATTERN = r"(?!api/)[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?"


@dataclass(frozen=True)
class LanguageLink:
    """One link of the language switch."""

    code: str
    name: str
    url: str


def get_interface_languages() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]


def get_election_languages(election: Election) -> list[str]:
    """Get an election's languages; never an empty list."""
    return get_language_codes(election.languages)


def get_language_codes(listed: Iterable[str]) -> list[str]:
    """Get the languages as a list.

    The interface languages where it is empty.
    """
    return [str(code) for code in listed] or get_interface_languages()


def list_page_languages(lists: Iterable[Sequence[str]]) -> list[str]:
    """List the interface languages, then further languages of elections.

    The interface has no translation into the latter: there an election's names stand in an English page.
    """
    return list(
        dict.fromkeys([*get_interface_languages(), *(one for listed in lists for one in get_language_codes(listed))])
    )


def choose_language(language: str, listed: Sequence[str]) -> str:
    """Choose `language`, or the election's first language.

    `listed`: the election's languages. The first one is chosen where the election does not have `language`.
    """
    codes = get_language_codes(listed)
    return language if language in codes else codes[0]


def detect_browser_language(request: HttpRequest) -> str:
    """Detect the interface language that the browser prefers.

    No cookie is used, so that an address always shows the same page.
    """
    header = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    supported = get_interface_languages()
    for code, _weight in parse_accept_lang_header(header):
        base = str(code).split("-")[0].lower()
        if base in supported:
            return base
    return str(settings.LANGUAGE_CODE)


def detect_address_language(request: HttpRequest) -> str:
    """Detect the language of an error page.

    It is the one that the address starts with, else the browser's.
    """
    first = request.path_info.split("/")[1] if request.path_info.count("/") else ""
    return first if first in get_interface_languages() else detect_browser_language(request)


def build_language_switch(codes: Sequence[str], address: Callable[[str], str]) -> list[LanguageLink]:
    return [LanguageLink(code, get_language_name(code), address(code)) for code in codes]


def override_language(language: str) -> AbstractContextManager[None]:
    """Activate `language` within the context.

    English where the interface has no translation into it.
    """
    return translation.override(language)
