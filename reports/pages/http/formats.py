"""Formatting of numbers, percentages, dates and times for a language."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from django.conf import settings

NARROW_NO_BREAK_SPACE = "\u202f"  # no-break, so that a number is never split at the end of a line
NO_BREAK_SPACE = "\u00a0"
ENGLISH_LOCALE = Locale.parse("en_GB")  # day before month, as in the other languages


@lru_cache(maxsize=64)
def get_locale(language: str) -> Locale:
    """Get Babel's locale of a language.

    English where Babel does not know the language.
    """
    if language == "en":
        return ENGLISH_LOCALE
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return ENGLISH_LOCALE


def format_number(value: int | Decimal, language: str) -> str:
    """Format a number with the thousands separator of the language.

    `10101` becomes `10 101` with thin spaces, or `10,101` in English. There are at most two decimal places.
    """
    text = format_decimal(value, format="#,##0.##", locale=get_locale(language))
    return str(text).replace(NO_BREAK_SPACE, NARROW_NO_BREAK_SPACE)


def format_percent(figure: str, language: str) -> str:
    """Format the percentage in a figure's text (`8%`), spaced by language.

    "" where the text is a count.
    """
    if not figure.endswith("%"):
        return ""
    return figure if get_locale(language).language == "en" else f"{figure[:-1].strip()}{NO_BREAK_SPACE}%"


def format_day(value: date, language: str) -> str:
    return _join_unbroken(format_date(value, "long", locale=get_locale(language)))


def format_timestamp(value: datetime, zone: str, language: str) -> str:
    """Format day and minute in the time zone `zone`.

    The UTC offset is included, which makes the time unambiguous.
    """
    local = value.astimezone(ZoneInfo(zone))
    minutes = int((local.utcoffset() or local - local).total_seconds()) // 60
    sign, minutes = ("−" if minutes < 0 else "+"), abs(minutes)
    offset = f"UTC{sign}{minutes // 60}" + (f":{minutes % 60:02}" if minutes % 60 else "")
    clock = format_datetime(local, "HH:mm", locale=get_locale(language))
    return f"{format_day(local.date(), language)}, {clock} ({offset})"


def get_language_name(code: str) -> str:
    """Get a language's name in that language, for its readers."""
    known = dict(settings.LANGUAGES)
    if code in known:
        return str(known[code])
    try:
        return (Locale.parse(code, sep="-").display_name or code).capitalize()
    except (UnknownLocaleError, ValueError):
        return code


def _join_unbroken(text: str) -> str:
    """Replace spaces by no-break spaces, which keeps a date together."""
    return str(text).replace(" ", NO_BREAK_SPACE)
