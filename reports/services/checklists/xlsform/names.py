"""Names that XML can bear for the codes of questions and sections; the same in the form and in what comes back."""

import re
from collections.abc import Iterable

NAME = re.compile(r"[^\W\d][\w.\-]*")
RESERVED = frozenset({"meta", "instanceid", "deprecatedid", "instancename"})


def names_of(codes: Iterable[str]) -> dict[str, str]:
    """A name for each code, all different: the code itself where it can be one.

    Names that begin with `_` are the platform's own questions, so no code is named so. Depends on
    the codes and their order only, so that it is the same for ever for a published version.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for code in codes:
        fits = NAME.fullmatch(code) and not code.startswith("_") and code.lower() not in RESERVED
        name = wanted = code if fits else f"q{code}"
        number = 2
        while name.lower() in taken:
            name, number = f"{wanted}-{number}", number + 1
        names[code] = name
        taken.add(name.lower())
    return names
