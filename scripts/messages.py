"""The catalogues of translations, kept with Babel so that no other program is needed.

    python scripts/messages.py update     gathers the words into locale/*/LC_MESSAGES/*.po
    python scripts/messages.py check      fails on words missing, fuzzy, left over or with wrong placeholders
    python scripts/messages.py compile    writes what is read at run time

Two catalogues a language: `django.po` has the words of code and templates, compiled to `django.mo`;
`djangojs.po` has those of the phone client, compiled to `djangojs.json` for it to read.
English is the source: its catalogues stay empty and are complete by that.
"""

import ast
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import django.apps
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("kk", "ru", "en")
SOURCE = "en"
APPS = ("observer", "reports")  # whose models' names are words too
PYTHON = ("api", "config", "observer", "reports")
TEMPLATES = ("templates",)
CLIENT = "static/phone"
SKIPPED = {"migrations", "__pycache__", "vendor"}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# `t("…")` and `tn("…", "…"` wherever they stand, also within nested templates, where Babel's reader of
# JavaScript does not look. A text may be broken into parts joined by `+`.
LITERAL = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`)"""
LITERALS = rf"{LITERAL}(?:\s*\+\s*{LITERAL})*"
CALL = re.compile(rf"(?<![\w.$])(?:t\(\s*({LITERALS})|tn\(\s*({LITERALS})\s*,\s*({LITERALS}))")
COMMENT = re.compile(r"^\s*(?://|/?\*).*$", re.MULTILINE)
# The forms of each language's plurals in the order of its catalogue, by the categories of CLDR.
PLURALS = {"kk": ("one", "other"), "ru": ("one", "few", "many"), "en": ("one", "other")}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|%[sd]|\{\w*\}")
Key = tuple[str, str | None]


def sources() -> Iterator[tuple[str, bytes]]:
    """Every file that may hold a word for a reader, as Python."""
    for folder in PYTHON:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not SKIPPED & set(path.parts):
                yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    for folder in (*TEMPLATES, *(f"{app}/templates" for app in PYTHON)):
        for pattern in ("*.html", "*.txt"):
            for path in sorted((ROOT / folder).rglob(pattern)):
                lines = templatize(path.read_text(encoding="utf-8"), origin=str(path)).splitlines()
                # The tokenizer minds indentation, which in a template means nothing.
                yield path.relative_to(ROOT).as_posix(), "\n".join(line.strip() for line in lines).encode()


def words() -> Catalog:
    """What code and templates say now."""
    found = Catalog(charset="utf-8")
    for name, content in sources():
        for _line, text, comments, context in extract("python", io.BytesIO(content), KEYWORDS, ["Translators:"]):
            found.add(text, locations=[(name, 0)], auto_comments=comments, context=context)
    for name, text in model_words():
        found.add(text, locations=[(name, 0)])
    return found


def model_words() -> Iterator[tuple[str, str]]:
    """Names of nouns, of their fields and choices, what is said of fields, and where; `observer/site.py` shows them translated."""
    for app in APPS:
        for model in django.apps.apps.get_app_config(app).get_models():
            meta = model._meta
            fields = [one for one in (*meta.local_fields, *meta.local_many_to_many) if one.name != "id"]
            choices = [label for one in fields for _value, label in one.choices or ()]
            said = [word for one in fields for word in (one.verbose_name, one.help_text)]
            for word in (meta.verbose_name, str(meta.verbose_name_plural), *said, *choices):
                if word and isinstance(word, str):  # Django translates its own
                    yield f"{model.__module__.replace('.', '/')}.py", word


def client_words() -> Catalog:
    """What the phone client says now."""
    found = Catalog(charset="utf-8")
    for path in sorted((ROOT / CLIENT).rglob("*.js")):
        if not SKIPPED & set(path.parts):
            for one, single, many in CALL.findall(COMMENT.sub("", path.read_text(encoding="utf-8"))):
                text = literal(one) if one else (literal(single), literal(many))
                found.add(text, locations=[(path.relative_to(ROOT).as_posix(), 0)])
    return found


def literal(source: str) -> str:
    """The text of one or more JavaScript literals; their escapes are those of Python."""
    parts = re.findall(LITERAL, source)
    return "".join(ast.literal_eval(f'"""{one[1:-1]}"""' if one[0] == "`" else one) for one in parts)


DOMAINS: dict[str, Callable[[], Catalog]] = {"django": words, "djangojs": client_words}


def po(domain: str, language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def read(domain: str, language: str) -> Catalog:
    path = po(domain, language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def key(message: Message) -> Key:
    return (message.id if isinstance(message.id, str) else message.id[0], message.context)


def update() -> int:
    for domain, gather in DOMAINS.items():
        template = gather()
        for language in LANGUAGES:
            update_one(domain, language, template)
    return check()


def update_one(domain: str, language: str, template: Catalog) -> None:
    old = {key(message): message for message in read(domain, language) if message.id}
    new = Catalog(
        locale=language, charset="utf-8", project="Baqylau", fuzzy=False, header_comment=f"# Baqylau in {language}."
    )
    for message in template:
        if message.id:
            known = old.get(key(message))
            same = known is not None and isinstance(known.id, str) == isinstance(message.id, str)
            text = known.string if known is not None and same else None
            files = [(name, 0) for name in sorted({name for name, _line in message.locations})]
            new.add(message.id, text, locations=files, flags=message.flags - {"fuzzy"}, context=message.context)
    po(domain, language).parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    write_po(buffer, new, width=110, sort_output=True, include_lineno=False, omit_header=False)
    # Dates and tool versions would make every run a change.
    lines = buffer.getvalue().decode().splitlines(keepends=True)
    idle = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator', '"Report-Msgid')
    text = "".join(line for line in lines if not line.startswith(idle))
    po(domain, language).write_text(text, encoding="utf-8")


def check() -> int:
    problems: list[str] = []
    texts = 0
    for domain, gather in DOMAINS.items():
        template = {key(message): message for message in gather() if message.id}
        texts += len(template)
        for language in LANGUAGES:
            problems += (f"{domain}, {language}: {problem}" for problem in check_one(domain, language, template))
    for problem in sorted(problems):
        print(problem, file=sys.stderr)
    print(f"{texts} texts, {len(problems)} problems")
    return 1 if problems else 0


def check_one(domain: str, language: str, template: dict[Key, Message]) -> Iterator[str]:
    catalog = read(domain, language)
    there = {key(message): message for message in catalog if message.id}
    for missing in template.keys() - there.keys():
        yield f"not in the catalogue: {missing[0]!r}"
    for extra in [*(there.keys() - template.keys()), *(key(m) for m in catalog.obsolete.values())]:
        yield f"no longer used: {extra[0]!r}"
    if language != SOURCE:
        for message in there.values():
            yield from (f"{problem}: {key(message)[0]!r}" for problem in faults(message, catalog))


def faults(message: Message, catalog: Catalog) -> Iterator[str]:
    """What is wrong with one translation."""
    given = message.string if isinstance(message.string, list | tuple) else (message.string,)
    if message.fuzzy:
        yield "fuzzy"
    if not all(given) or (isinstance(message.id, list | tuple) and len(given) != catalog.num_plurals):
        yield "not translated"
        return
    # Any form may be shown for a number, so each has the placeholders of the plural.
    expected = placeholders(message.id if isinstance(message.id, str) else message.id[-1])
    if any(placeholders(str(text)) != expected for text in given):
        yield "other placeholders"


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def compile_all() -> int:
    for language in LANGUAGES:
        buffer = io.BytesIO()
        write_mo(buffer, read("django", language))
        replace(po("django", language).with_suffix(".mo"), buffer.getvalue())
        replace(po("djangojs", language).with_suffix(".json"), client_json(language))
    return 0


def client_json(language: str) -> bytes:
    """The client's words that are translated: a text, or a list of forms in the order of `plural`."""
    said = {key(message)[0]: message.string for message in read("djangojs", language) if message.id}
    told = {text: said[text] for text in sorted(said) if said[text] and all(said[text])}
    body = {"plural": PLURALS[language], "words": told}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def replace(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    draft.replace(path)


def main() -> int:
    sys.path.insert(0, str(ROOT))
    needed = ("django.contrib.auth", "django.contrib.contenttypes")
    settings.configure(USE_I18N=True, INSTALLED_APPS=[*needed, *APPS], AUTH_USER_MODEL="observer.User", TEMPLATES=[])
    django.setup()
    commands = {"update": update, "check": check, "compile": compile_all}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    return commands[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
