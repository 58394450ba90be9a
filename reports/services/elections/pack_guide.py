"""Reads the texts of a pack: the observer's guide (`guide.toml`) and documents to accept (`documents.toml`).

Every text is kept in all its languages, in the files, in the election and on the phone, because a phone may change
its language without a network.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from observer.models import Organisation
from observer.services.spreadsheets.tables import BadLine, BadTable, find_code_problem, read_file

CODE_OF_CONDUCT = "code-of-conduct"
# Fields of templates that a phone fills in; the rest is written by hand.
TEMPLATE_FIELDS = (
    "station",
    "commission",
    "address",
    "date",
    "time",
    "article",
    "violation",
    "organisation",
    "observer",
)
_FIELD_PATTERN = re.compile(r"\{([^{}]*)\}")


def read_guide(*, folder: Path, languages: Sequence[str]) -> tuple[dict[str, Any], int, list[BadLine]]:
    """Reads guide and documents: `{"law", "sections", "templates", "documents"}`, version of the code, problems.

    Both files are optional. Section: code, title, items (code, title, text, article, audience, since, until);
    template: code, title, text, fields; document: code, version, title, points. Titles, texts and the law's name are
    texts by language; points are lists of lines by language. With problems, the guide is empty and the version is 1.
    """
    guide, documents = _TomlFile("guide.toml", languages), _TomlFile("documents.toml", languages)
    guide.load(folder, {"law", "sections", "templates"})
    documents.load(folder, {"documents"})
    law = guide.content.get("law")
    if law is not None:
        guide.check_texts({"code": "guide", "law": law}, ("law",))
    sections = [_parse_section(section, guide) for section in guide.read_items(guide.content, "sections")]
    templates = [_parse_template(template, guide) for template in guide.read_items(guide.content, "templates")]
    documents_read = [
        _parse_document(document, documents) for document in documents.read_items(documents.content, "documents")
    ]
    version = next((document["version"] for document in documents_read if document["code"] == CODE_OF_CONDUCT), 1)
    errors = guide.errors + documents.errors
    if errors:
        return {}, 1, errors
    return {"law": law or {}, "sections": sections, "templates": templates, "documents": documents_read}, version, []


def _parse_section(section: dict[str, Any], file: "_TomlFile") -> dict[str, Any]:
    file.check_texts(section, ("title",))
    items = [_parse_item(item, file) for item in file.read_items(section, "items")]
    return {"code": section.get("code"), "title": file.get_texts(section, "title"), "items": items}


def _parse_item(item: dict[str, Any], file: "_TomlFile") -> dict[str, Any]:
    file.check_texts(item, ("title", "text") if "title" in item else ("text",))
    audience = item.get("audience", [])
    if not isinstance(audience, list) or any(kind not in Organisation.Kind.values for kind in audience):
        file.add_problem(_("%(code)s: its audience is unknown") % {"code": item.get("code")}, item)
    for name in ("since", "until"):
        if type(item.get(name, date.min)) is not date:
            file.add_problem(_("%(code)s: %(name)s is no date") % {"code": item.get("code"), "name": name}, item)
    return {
        "code": item.get("code"),
        "title": file.get_texts(item, "title"),
        "text": file.get_texts(item, "text"),
        "article": str(item.get("article", "")),
        "audience": audience,
        "since": str(item.get("since", "")),
        "until": str(item.get("until", "")),
    }


def _parse_template(template: dict[str, Any], file: "_TomlFile") -> dict[str, Any]:
    file.check_texts(template, ("title", "text"))
    texts = file.get_texts(template, "text")
    fields = list(dict.fromkeys(name for text in texts.values() for name in _FIELD_PATTERN.findall(text)))
    for name in fields:
        if name not in TEMPLATE_FIELDS:
            values = {"code": template.get("code"), "name": name, "known": ", ".join(TEMPLATE_FIELDS)}
            file.add_problem(_("%(code)s: {%(name)s} is unknown; there are %(known)s") % values, template)
    return {"code": template.get("code"), "title": file.get_texts(template, "title"), "text": texts, "fields": fields}


def _parse_document(document: dict[str, Any], file: "_TomlFile") -> dict[str, Any]:
    file.check_texts(document, ("title", "text"))
    number = document.get("version")
    if type(number) is not int or number < 1:
        file.add_problem(_("%(code)s has no version: 1, 2 …") % {"code": document.get("code")}, document)
        number = 1
    points = {language: text.splitlines() for language, text in file.get_texts(document, "text").items()}
    if len({len(lines) for lines in points.values()}) > 1:
        file.add_problem(
            _("%(code)s has more points in one language than in another") % {"code": document.get("code")}, document
        )
    return {
        "code": document.get("code"),
        "version": number,
        "title": file.get_texts(document, "title"),
        "points": points,
    }


@dataclass
class _TomlFile:
    """A TOML file of a pack, and the problems that were found in it."""

    name: str
    languages: Sequence[str]
    content: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    errors: list[BadLine] = field(default_factory=list)

    def load(self, folder: Path, known_keys: set[str]) -> None:
        """Reads the file, if it exists; reports keys other than `known_keys`."""
        if not (folder / self.name).exists():
            return
        try:
            self.text = read_file(path=folder / self.name).decode("utf-8-sig")
            self.content = tomllib.loads(self.text)
        except BadTable as error:
            self.errors.extend(error.lines)
        except UnicodeDecodeError:
            self.add_problem(_("is not UTF-8"))
        except tomllib.TOMLDecodeError as error:
            self.add_problem(_("is not TOML: %(why)s") % {"why": error})
        for key in sorted(self.content.keys() - known_keys):
            self.add_problem(_("%(key)s is unknown") % {"key": key})

    def read_items(self, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
        """Returns the list of tables under `key`; reports a code that is wrong or used twice."""
        listed = table.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            self.add_problem(_("%(key)s is not a list of tables") % {"key": key}, table)
            return []
        codes = [one.get("code") for one in listed]
        for one in listed:
            if reason := find_code_problem(str(one.get("code", ""))):
                self.add_problem(f"{key}: {reason}", one)
            elif codes.count(one["code"]) > 1:
                self.add_problem(_("%(key)s: code %(code)s is there twice") % {"key": key, "code": one["code"]}, one)
        return listed

    def get_texts(self, table: dict[str, Any], name: str) -> dict[str, str]:
        """Returns the text `name` by language; `check_texts` reports what is missing."""
        texts = table.get(name)
        by_language = texts if isinstance(texts, dict) else {}
        return {one: by_language[one].strip() for one in self.languages if isinstance(by_language.get(one), str)}

    def check_texts(self, table: dict[str, Any], texts: Sequence[str]) -> None:
        """Reports each of these texts that is missing in a language of the pack."""
        for name in texts:
            text = table.get(name)
            missing = [
                one
                for one in self.languages
                if not isinstance(text, dict) or not isinstance(text.get(one), str) or not text[one].strip()
            ]
            if missing:
                values = {"code": table.get("code"), "name": name, "languages": ", ".join(missing)}
                self.add_problem(_("%(code)s has no %(name)s in %(languages)s") % values, table)

    def add_problem(self, reason: str, table: dict[str, Any] | None = None) -> None:
        self.errors.append(BadLine(self.name, self._find_line(table), reason))

    def _find_line(self, table: dict[str, Any] | None) -> int:
        """Finds the line of a table's code by searching the text, because the TOML reader gives no line numbers."""
        code = f'code = "{table.get("code")}"' if table else None
        lines = self.text.splitlines()
        return next((n for n, line in enumerate(lines, 1) if code and line.strip().startswith(code)), 0)
