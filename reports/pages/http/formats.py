"""Numbers, shares and times as a reader of one language writes them."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from django.conf import settings

NARROW = "\u202f"  # no-break, so that a number is never cut at the end of a line
WIDE = "\u00a0"
ENGLISH = Locale.parse("en_GB")  # day before month, as in the other languages


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """What Babel knows of this language; English where a country brings one it does not know."""
    if language == "en":
        return ENGLISH
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return ENGLISH


def number(value: int | Decimal, language: str) -> str:
    """`10101` as `10 101` with thin spaces, or `10,101` in English; a decimal part of at most two places."""
    text = format_decimal(value, format="#,##0.##", locale=locale_of(language))
    return str(text).replace(WIDE, NARROW)


def share(figure: str, language: str) -> str:
    """The percentage of a figure's text (`8%`), spaced by language; empty where the figure is a count."""
    if not figure.endswith("%"):
        return ""
    return figure if locale_of(language).language == "en" else f"{figure[:-1].strip()}{WIDE}%"


def day(value: date, language: str) -> str:
    return _unbroken(format_date(value, "long", locale=locale_of(language)))


def moment(value: datetime, zone: str, language: str) -> str:
    """Day and minute in `zone`, with its offset: a time without one is no fact."""
    there = value.astimezone(ZoneInfo(zone))
    minutes = int((there.utcoffset() or there - there).total_seconds()) // 60
    sign, minutes = ("−" if minutes < 0 else "+"), abs(minutes)
    offset = f"UTC{sign}{minutes // 60}" + (f":{minutes % 60:02}" if minutes % 60 else "")
    clock = format_datetime(there, "HH:mm", locale=locale_of(language))
    return f"{day(there.date(), language)}, {clock} ({offset})"


def language_name(code: str) -> str:
    """A language by its own name, as its readers look for it."""
    known = dict(settings.LANGUAGES)
    if code in known:
        return str(known[code])
    try:
        return (Locale.parse(code, sep="-").display_name or code).capitalize()
    except (UnknownLocaleError, ValueError):
        return code


def _unbroken(text: str) -> str:
    """Keeps `20 November 2022` on one line."""
    return str(text).replace(" ", WIDE)
