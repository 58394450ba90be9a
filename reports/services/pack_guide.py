"""The texts of a pack: the observer's guide (`guide.toml`) and the documents to agree to (`documents.toml`).

The files keep a text's languages side by side, as translators need them; what is kept with an
election is one guide per language, as a phone needs it.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from observer.services.tables import BadLine, BadTable, code_problem, file_read

CONDUCT = "code-of-conduct"


def guide_read(*, folder: Path, languages: Sequence[str]) -> tuple[dict[str, Any], int, list[BadLine]]:
    """`{language: {"sections", "templates", "documents"}}`, the code of conduct's version, and what is wrong.

    Both files are optional. Section: code, title, items (code, text, article); template: code,
    title, text; document: code, version, title, text.
    """
    guide, documents = _File("guide.toml", languages), _File("documents.toml", languages)
    guide.load(folder, {"sections", "templates"})
    documents.load(folder, {"documents"})
    sections = [(section, guide.items(section, "items")) for section in guide.items(guide.content, "sections")]
    templates = guide.items(guide.content, "templates")
    papers = documents.items(documents.content, "documents")
    for section, items in sections:
        guide.check(section, ("title",))
        for item in items:
            guide.check(item, ("text",))
    for template in templates:
        guide.check(template, ("title", "text"))
    version = 1
    for paper in papers:
        documents.check(paper, ("title", "text"))
        number = paper.get("version")
        if type(number) is not int or number < 1:
            documents.complain(_("%(code)s has no version: 1, 2 …") % {"code": paper.get("code")}, paper)
        elif paper.get("code") == CONDUCT:
            version = number
    bad = guide.bad + documents.bad
    if bad:
        return {}, version, bad
    return {one: _in_one_language(one, sections, templates, papers) for one in languages}, version, []


def _in_one_language(language: str, sections: Any, templates: Any, papers: Any) -> dict[str, Any]:
    def said(thing: Any, *names: str) -> dict[str, str]:
        return {"code": thing["code"]} | {name: thing[name][language].strip() for name in names}

    return {
        "sections": [
            said(section, "title")
            | {"items": [said(item, "text") | {"article": item.get("article", "")} for item in items]}
            for section, items in sections
        ],
        "templates": [said(template, "title", "text") for template in templates],
        "documents": [said(paper, "title", "text") | {"version": paper["version"]} for paper in papers],
    }


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

    def check(self, thing: dict[str, Any], texts: Sequence[str]) -> None:
        for name in texts:
            words = thing.get(name)
            missing = [
                one for one in self.languages
                if not isinstance(words, dict) or not isinstance(words.get(one), str) or not words[one].strip()
            ]  # fmt: skip
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
