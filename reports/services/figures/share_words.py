"""Words for shares, such as "in most observations".

The thresholds are declared here and printed with the method. Pure: no database.
"""

from collections.abc import Callable

from django.utils.translation import gettext as _

# code, lower and upper bound of the share (in percent, exact), and the text of the threshold
SHARE_STEPS: tuple[tuple[str, float, float, Callable[[], str]], ...] = (
    ("none", 0, 0, lambda: _("none at all")),
    ("few", 0, 5, lambda: _("some, but under 5 %")),
    ("several", 5, 15, lambda: _("from 5 to under 15 %")),
    ("many", 15, 35, lambda: _("from 15 to under 35 %")),
    ("large", 35, 50, lambda: _("from 35 to 50 %")),
    ("half", 50, 75, lambda: _("over 50 and under 75 %")),
    ("most", 75, 100, lambda: _("75 % and more, but not all")),
    ("all", 100, 100, lambda: _("all of them")),
)


def get_share_code(n: int, of: int) -> str:
    """Returns the code of the word for "n of N".

    Exactly a half is not over half.
    """
    if n <= 0 or of <= 0:
        return "none"
    if n >= of:
        return "all"
    for code, low, high, _describe in SHARE_STEPS[1:-1]:
        if low * of <= 100 * n < high * of or (code == "large" and 2 * n == of):
            return code
    return "most"


def get_share_words(code: str) -> str:
    """Returns the words for a code of `get_share_code`, in the active language."""
    return {
        "none": _("in none of the observations"),
        "few": _("in a few observations"),
        "several": _("in several observations"),
        "many": _("in many observations"),
        "large": _("in a large number of observations"),
        "half": _("in over half of the observations"),
        "most": _("in most observations"),
        "all": _("in all observations"),
    }[code]
