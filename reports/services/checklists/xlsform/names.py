"""Valid XML names for the codes of questions and sections.

The names are the same in the form and in the submission.
"""

import re
from collections.abc import Iterable

XML_NAME_PATTERN = re.compile(r"[^\W\d][\w.\-]*")
RESERVED_NAMES = frozenset({"meta", "instanceid", "deprecatedid", "instancename"})


def build_xml_names(codes: Iterable[str]) -> dict[str, str]:
    """Builds a unique XML name for each code.

    It is the code itself where that is a valid name. Names that begin with `_` are reserved for the
    platform's own questions. The result depends only on the codes and their order, so that it never
    changes for a published version.
    """
    names: dict[str, str] = {}
    used: set[str] = set()
    for code in codes:
        is_valid = XML_NAME_PATTERN.fullmatch(code) and not code.startswith("_") and code.lower() not in RESERVED_NAMES
        name = base = code if is_valid else f"q{code}"
        number = 2
        while name.lower() in used:
            name, number = f"{base}-{number}", number + 1
        names[code] = name
        used.add(name.lower())
    return names
