"""Parses the XML of a submission into plain values.

It is read as a stream, within limits, by a parser that expands no entities: a document type declaration is refused,
so only the five entities of XML itself exist. Elements in a foreign namespace are no answers. Nesting is ignored,
because the names in a form are unique.
"""

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from django.utils.translation import gettext as _

from reports.problems import Rejected

MAX_DEPTH = 12
MAX_ELEMENTS = 5_000
MAX_NAME_LENGTH = 200
XFORMS_NAMESPACE = "http://www.w3.org/2002/xforms"
OPENROSA_NAMESPACE = "http://openrosa.org/xforms"
_ACCEPTED_NAMESPACES = frozenset({"", XFORMS_NAMESPACE, OPENROSA_NAMESPACE})


@dataclass
class Instance:
    """The content of one XML form instance.

    `values` are the texts of its leaf elements by name; `duplicates` are names that occurred more than once.
    """

    form: str = ""
    version: str = ""
    instance_id: str = ""
    deprecated_id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    duplicates: set[str] = field(default_factory=set)


def parse_instance(body: bytes) -> Instance:
    """Parses `body`.

    Raises Rejected `malformed` for what is no XML, or is XML beyond what any form needs.
    """
    reader = _InstanceParser()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        values = {"line": error.lineno, "why": expat.errors.messages[error.code]}
        raise _make_malformed(_("This is not XML: line %(line)d, %(why)s.") % values) from None
    except (ValueError, LookupError):  # an unknown encoding
        raise _make_malformed(_("This XML is in an unknown encoding.")) from None
    return reader.instance


def _make_malformed(detail: str) -> Rejected:
    return Rejected("malformed", detail)


class _InstanceParser:
    """The handlers of one parse.

    `open_elements` are the names of the open elements; `foreign_depth` counts those that are inside a foreign one.
    """

    def __init__(self) -> None:
        self.instance = Instance()
        self.open_elements: list[str] = []
        self.texts: list[str] = []
        self.is_leaf = False
        self.foreign_depth = 0
        self.elements = 0
        self.parser: Any = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.texts.append

    def _doctype(self, *_arguments: Any) -> None:
        raise _make_malformed(_("A document type declaration is not taken."))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        namespace, _blank, local = name.rpartition(" ")
        if len(self.open_elements) >= MAX_DEPTH or self.elements > MAX_ELEMENTS or len(name) > MAX_NAME_LENGTH:
            raise _make_malformed(_("No form is nested so deeply or has so many fields."))
        if self.foreign_depth or namespace not in _ACCEPTED_NAMESPACES:
            if not self.open_elements:
                raise _make_malformed(_("The root element is in an unknown namespace."))
            self.foreign_depth += 1
        elif not self.open_elements:
            self.instance.form = attributes.get("id", "")
            self.instance.version = attributes.get("version", "")
        self.open_elements.append(local)
        self.texts.clear()
        self.is_leaf = True

    def _end(self, _name: str) -> None:
        local = self.open_elements.pop()
        if self.foreign_depth:
            self.foreign_depth -= 1
        elif self.is_leaf and self.open_elements:
            self._store_value(local, "".join(self.texts))
        self.texts.clear()
        self.is_leaf = False

    def _store_value(self, local: str, text: str) -> None:
        found = self.instance
        if self.open_elements[-1] == "meta":
            if local == "instanceID":
                found.instance_id = found.instance_id or text.strip()
            elif local == "deprecatedID":
                found.deprecated_id = found.deprecated_id or text.strip()
            return
        if local in found.values:
            found.duplicates.add(local)
        found.values[local] = text
