"""The client's translations, from `locale/*/LC_MESSAGES/djangojs.json`, which `scripts/messages.py compile` writes."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

# English is the source: a text without a translation stands for itself.
EMPTY = b'{"plural":["one","other"],"words":{}}'


def words_json(language: str) -> bytes:
    """`{"plural": […], "words": {…}}`.

    A word's translation is a text, or a list of forms for what is counted; `plural` names the form of
    each place by the categories of CLDR (what `Intl.PluralRules` says); any other category is the last.
    """
    path = settings.LOCALE_PATHS[0] / language / "LC_MESSAGES" / "djangojs.json"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return EMPTY


@lru_cache(maxsize=16)
def _read(path: Path, changed: int) -> bytes:
    return path.read_bytes()
