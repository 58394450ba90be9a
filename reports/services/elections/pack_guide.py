"""The texts of a pack: the observer's guide (`guide.toml`) and the documents to agree to (`documents.toml`).

A text's languages stand side by side, in the files, with the election and on the phone, which may
change its language where there is no network.
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
from observer.services.spreadsheets.tables import BadLine, BadTable, code_problem, file_read

CONDUCT = "code-of-conduct"
# What a phone can fill in by itself; names and the rest are written by hand.
FIELDS = ("station", "commission", "address", "date", "time", "article", "violation", "organisation", "observer")
_FIELD = re.compile(r"\{([^{}]*)\}")


def guide_read(*, folder: Path, languages: Sequence[str]) -> tuple[dict[str, Any], int, list[BadLine]]:
    """`{"law", "sections", "templates", "documents"}`, the code of conduct's version, and what is wrong.

    Both files are optional. Section: code, title, items (code, title, text, article, audience, since,
    until); template: code, title, text, fields; document: code, version, title, points. Titles, texts and
    the law's name are texts by language; points are lists of lines by language.
    """
    guide, documents = _File("guide.toml", languages), _File("documents.toml", languages)
    guide.load(folder, {"law", "sections", "templates"})
    documents.load(folder, {"documents"})
    law = guide.content.get("law")
    if law is not None:
        guide.check({"code": "guide", "law": law}, ("law",))
    sections = [_section(section, guide) for section in guide.items(guide.content, "sections")]
    templates = [_template(template, guide) for template in guide.items(guide.content, "templates")]
    papers = [_paper(paper, documents) for paper in documents.items(documents.content, "documents")]
    version = next((paper["version"] for paper in papers if paper["code"] == CONDUCT), 1)
    bad = guide.bad + documents.bad
    if bad:
        return {}, 1, bad
    return {"law": law or {}, "sections": sections, "templates": templates, "documents": papers}, version, []


def _section(section: dict[str, Any], file: "_File") -> dict[str, Any]:
    file.check(section, ("title",))
    items = [_item(item, file) for item in file.items(section, "items")]
    return {"code": section.get("code"), "title": file.words(section, "title"), "items": items}


def _item(item: dict[str, Any], file: "_File") -> dict[str, Any]:
    file.check(item, ("title", "text") if "title" in item else ("text",))
    audience = item.get("audience", [])
    if not isinstance(audience, list) or any(kind not in Organisation.Kind.values for kind in audience):
        file.complain(_("%(code)s: its audience is unknown") % {"code": item.get("code")}, item)
    for name in ("since", "until"):
        if type(item.get(name, date.min)) is not date:
            file.complain(_("%(code)s: %(name)s is no date") % {"code": item.get("code"), "name": name}, item)
    return {
        "code": item.get("code"),
        "title": file.words(item, "title"),
        "text": file.words(item, "text"),
        "article": str(item.get("article", "")),
        "audience": audience,
        "since": str(item.get("since", "")),
        "until": str(item.get("until", "")),
    }


def _template(template: dict[str, Any], file: "_File") -> dict[str, Any]:
    file.check(template, ("title", "text"))
    texts = file.words(template, "text")
    fields = list(dict.fromkeys(name for text in texts.values() for name in _FIELD.findall(text)))
    for name in fields:
        if name not in FIELDS:
            values = {"code": template.get("code"), "name": name, "known": ", ".join(FIELDS)}
            file.complain(_("%(code)s: {%(name)s} is unknown; there are %(known)s") % values, template)
    return {"code": template.get("code"), "title": file.words(template, "title"), "text": texts, "fields": fields}


def _paper(paper: dict[str, Any], file: "_File") -> dict[str, Any]:
    file.check(paper, ("title", "text"))
    number = paper.get("version")
    if type(number) is not int or number < 1:
        file.complain(_("%(code)s has no version: 1, 2 …") % {"code": paper.get("code")}, paper)
        number = 1
    points = {language: text.splitlines() for language, text in file.words(paper, "text").items()}
    if len({len(lines) for lines in points.values()}) > 1:
        file.complain(
            _("%(code)s has more points in one language than in another") % {"code": paper.get("code")}, paper
        )
    return {"code": paper.get("code"), "version": number, "title": file.words(paper, "title"), "points": points}


@dataclass
class _File:
    name: str
    languages: Sequence[str]
    content: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    bad: list[BadLine] = field(default_factory=list)

    def load(self, folder: Path, known: set[str]) -> None:
        if not (folder / self.name).exists():
            return
        try:
            self.text = file_read(path=folder / self.name).decode("utf-8-sig")
            self.content = tomllib.loads(self.text)
        except BadTable as error:
            self.bad.extend(error.lines)
        except UnicodeDecodeError:
            self.complain(_("is not UTF-8"))
        except tomllib.TOMLDecodeError as error:
            self.complain(_("is not TOML: %(why)s") % {"why": error})
        for key in sorted(self.content.keys() - known):
            self.complain(_("%(key)s is unknown") % {"key": key})

    def items(self, thing: dict[str, Any], key: str) -> list[dict[str, Any]]:
        listed = thing.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            self.complain(_("%(key)s is not a list of tables") % {"key": key}, thing)
            return []
        codes = [one.get("code") for one in listed]
        for one in listed:
            if reason := code_problem(str(one.get("code", ""))):
                self.complain(f"{key}: {reason}", one)
            elif codes.count(one["code"]) > 1:
                self.complain(_("%(key)s: code %(code)s is there twice") % {"key": key, "code": one["code"]}, one)
        return listed

    def words(self, thing: dict[str, Any], name: str) -> dict[str, str]:
        """The text of `name` in each of the languages; what is missing, `check` told."""
        words = thing.get(name)
        given = words if isinstance(words, dict) else {}
        return {one: given[one].strip() for one in self.languages if isinstance(given.get(one), str)}

    def check(self, thing: dict[str, Any], texts: Sequence[str]) -> None:
        for name in texts:
            words = thing.get(name)
            missing = [
                one
                for one in self.languages
                if not isinstance(words, dict) or not isinstance(words.get(one), str) or not words[one].strip()
            ]
            if missing:
                values = {"code": thing.get("code"), "name": name, "languages": ", ".join(missing)}
                self.complain(_("%(code)s has no %(name)s in %(languages)s") % values, thing)

    def complain(self, reason: str, thing: dict[str, Any] | None = None) -> None:
        self.bad.append(BadLine(self.name, self._line(thing), reason))

    def _line(self, thing: dict[str, Any] | None) -> int:
        """The line of a table's code. TOML tells no lines of what it read, so it is looked for."""
        code = f'code = "{thing.get("code")}"' if thing else None
        lines = self.text.splitlines()
        return next((n for n, line in enumerate(lines, 1) if code and line.strip().startswith(code)), 0)
