"""The XML of a submission as plain values: read as a stream, within bounds, by a parser that expands nothing.

A document type declaration is refused, so there are no entities but the five of XML itself. What
stands in a foreign namespace is no answer. Nesting means nothing: a form's names are unique.
"""

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from django.utils.translation import gettext as _

from reports.problems import Rejected

DEPTH_MAX = 12
ELEMENTS_MAX = 5_000
NAME_MAX = 200
XFORMS = "http://www.w3.org/2002/xforms"
OPENROSA = "http://openrosa.org/xforms"
_OURS = frozenset({"", XFORMS, OPENROSA})


@dataclass
class Instance:
    """What one XML says. `values` are the texts of its leaves by name; `twice` are names that came more than once."""

    form: str = ""
    version: str = ""
    instance_id: str = ""
    deprecated_id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)


def instance_read(body: bytes) -> Instance:
    """What `body` says. Raises Rejected `malformed` for what is no XML, or is XML that nobody fills in a form."""
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        values = {"line": error.lineno, "why": expat.errors.messages[error.code]}
        raise _malformed(_("This is not XML: line %(line)d, %(why)s.") % values) from None
    except (ValueError, LookupError):  # an encoding that nobody knows
        raise _malformed(_("This XML is in an unknown encoding.")) from None
    return reader.found


def _malformed(detail: str) -> Rejected:
    return Rejected("malformed", detail)


class _Reader:
    """Handlers of one parse. `trail` are the names of the open elements; `foreign` counts those within a foreign one."""

    def __init__(self) -> None:
        self.found = Instance()
        self.trail: list[str] = []
        self.texts: list[str] = []
        self.leaf = False
        self.foreign = 0
        self.elements = 0
        self.parser: Any = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.texts.append

    def _doctype(self, *_arguments: Any) -> None:
        raise _malformed(_("A document type declaration is not taken."))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        space, _blank, local = name.rpartition(" ")
        if len(self.trail) >= DEPTH_MAX or self.elements > ELEMENTS_MAX or len(name) > NAME_MAX:
            raise _malformed(_("No form is nested so deeply or has so many fields."))
        if self.foreign or space not in _OURS:
            if not self.trail:
                raise _malformed(_("The root element is in an unknown namespace."))
            self.foreign += 1
        elif not self.trail:
            self.found.form = attributes.get("id", "")
            self.found.version = attributes.get("version", "")
        self.trail.append(local)
        self.texts.clear()
        self.leaf = True

    def _end(self, _name: str) -> None:
        local = self.trail.pop()
        if self.foreign:
            self.foreign -= 1
        elif self.leaf and self.trail:
            self._take(local, "".join(self.texts))
        self.texts.clear()
        self.leaf = False

    def _take(self, local: str, text: str) -> None:
        found = self.found
        if self.trail[-1] == "meta":
            if local == "instanceID":
                found.instance_id = found.instance_id or text.strip()
            elif local == "deprecatedID":
                found.deprecated_id = found.deprecated_id or text.strip()
            return
        if local in found.values:
            found.twice.add(local)
        found.values[local] = text
