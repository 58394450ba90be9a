"""The phone client's translations, read from `locale/*/LC_MESSAGES/djangojs.json`.

`scripts/messages.py compile` writes those files.
"""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

# English is the source: a text without a translation is shown as it is.
NO_TRANSLATIONS = b'{"plural":["one","other"],"words":{}}'


def load_translations(language: str) -> bytes:
    """Returns the translations of one language as JSON: `{"plural": […], "words": {…}}`.

    The translation of a word is a text, or a list of forms where something is counted. `plural` names the form at
    each place of such a list by its CLDR category (what `Intl.PluralRules` returns). Any other category takes the
    last form.
    """
    path = settings.LOCALE_PATHS[0] / language / "LC_MESSAGES" / "djangojs.json"
    try:
        return _read_file(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return NO_TRANSLATIONS


@lru_cache(maxsize=16)
def _read_file(path: Path, mtime_ns: int) -> bytes:
    return path.read_bytes()
