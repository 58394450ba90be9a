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
SOURCE_LANGUAGE = "en"
APPS = ("observer", "reports")  # their models' names are translated too
PYTHON_DIRS = ("api", "config", "observer", "reports")
TEMPLATE_DIRS = ("templates",)
CLIENT_DIR = "static/phone"
SKIPPED_DIRS = {"migrations", "__pycache__", "vendor"}
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
# `t("…")` and `tn("…", "…"` anywhere, also inside nested templates, where Babel's JavaScript
# extractor does not look. A text may be broken into parts joined by `+`.
LITERAL_PATTERN = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`)"""
LITERALS_PATTERN = rf"{LITERAL_PATTERN}(?:\s*\+\s*{LITERAL_PATTERN})*"
CALL_PATTERN = re.compile(
    rf"(?<![\w.$])(?:t\(\s*({LITERALS_PATTERN})|tn\(\s*({LITERALS_PATTERN})\s*,\s*({LITERALS_PATTERN}))"
)
COMMENT_PATTERN = re.compile(r"^\s*(?://|/?\*).*$", re.MULTILINE)
# The plural forms of each language as CLDR categories, in the order of its catalogue.
PLURAL_FORMS = {"kk": ("one", "other"), "ru": ("one", "few", "many"), "en": ("one", "other")}
PLACEHOLDER_PATTERN = re.compile(r"%\(\w+\)[sd]|%%|%[sd]|\{\w*\}")
MessageKey = tuple[str, str | None]


def read_sources() -> Iterator[tuple[str, bytes]]:
    """Yields every file that may have translatable texts, as Python source."""
    for folder in PYTHON_DIRS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not SKIPPED_DIRS & set(path.parts):
                yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    for folder in (*TEMPLATE_DIRS, *(f"{app}/templates" for app in PYTHON_DIRS)):
        for pattern in ("*.html", "*.txt"):
            for path in sorted((ROOT / folder).rglob(pattern)):
                lines = templatize(path.read_text(encoding="utf-8"), origin=str(path)).splitlines()
                # Indentation means nothing in a template, but the tokenizer would read it.
                yield path.relative_to(ROOT).as_posix(), "\n".join(line.strip() for line in lines).encode()


def collect_messages() -> Catalog:
    """Returns the messages of code and templates."""
    found = Catalog(charset="utf-8")
    for name, content in read_sources():
        for _line, text, comments, context in extract("python", io.BytesIO(content), KEYWORDS, ["Translators:"]):
            found.add(text, locations=[(name, 0)], auto_comments=comments, context=context)
    for name, text in collect_model_texts():
        found.add(text, locations=[(name, 0)])
    return found


def collect_model_texts() -> Iterator[tuple[str, str]]:
    """Yields the translatable texts of models, each with its file.

    These are names of models, and names, help texts and choices of fields; `observer/site.py` shows them
    translated.
    """
    for app in APPS:
        for model in django.apps.apps.get_app_config(app).get_models():
            meta = model._meta
            fields = [one for one in (*meta.local_fields, *meta.local_many_to_many) if one.name != "id"]
            choices = [label for one in fields for _value, label in one.choices or ()]
            labels = [text for one in fields for text in (one.verbose_name, one.help_text)]
            for text in (meta.verbose_name, str(meta.verbose_name_plural), *labels, *choices):
                if text and isinstance(text, str):  # Django translates its own
                    yield f"{model.__module__.replace('.', '/')}.py", text


def collect_client_messages() -> Catalog:
    """Returns the messages of the phone client."""
    found = Catalog(charset="utf-8")
    for path in sorted((ROOT / CLIENT_DIR).rglob("*.js")):
        if not SKIPPED_DIRS & set(path.parts):
            for one, single, many in CALL_PATTERN.findall(COMMENT_PATTERN.sub("", path.read_text(encoding="utf-8"))):
                text = parse_literal(one) if one else (parse_literal(single), parse_literal(many))
                found.add(text, locations=[(path.relative_to(ROOT).as_posix(), 0)])
    return found


def parse_literal(source: str) -> str:
    """Returns the text of one or more JavaScript literals.

    Python has the same escapes.
    """
    parts = re.findall(LITERAL_PATTERN, source)
    return "".join(ast.literal_eval(f'"""{one[1:-1]}"""' if one[0] == "`" else one) for one in parts)


COLLECTORS: dict[str, Callable[[], Catalog]] = {"django": collect_messages, "djangojs": collect_client_messages}


def get_catalog_path(domain: str, language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def read_catalog(domain: str, language: str) -> Catalog:
    path = get_catalog_path(domain, language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def get_message_key(message: Message) -> MessageKey:
    return (message.id if isinstance(message.id, str) else message.id[0], message.context)


def update_catalogs() -> int:
    for domain, gather in COLLECTORS.items():
        template = gather()
        for language in LANGUAGES:
            update_catalog(domain, language, template)
    return check_catalogs()


def update_catalog(domain: str, language: str, template: Catalog) -> None:
    old = {get_message_key(message): message for message in read_catalog(domain, language) if message.id}
    new = Catalog(
        locale=language, charset="utf-8", project="Baqylau", fuzzy=False, header_comment=f"# Baqylau in {language}."
    )
    for message in template:
        if message.id:
            known = old.get(get_message_key(message))
            same = known is not None and isinstance(known.id, str) == isinstance(message.id, str)
            text = known.string if known is not None and same else None
            files = [(name, 0) for name in sorted({name for name, _line in message.locations})]
            new.add(message.id, text, locations=files, flags=message.flags - {"fuzzy"}, context=message.context)
    get_catalog_path(domain, language).parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    write_po(buffer, new, width=110, sort_output=True, include_lineno=False, omit_header=False)
    # Dates and tool versions would change the files at every run.
    lines = buffer.getvalue().decode().splitlines(keepends=True)
    volatile = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator', '"Report-Msgid')
    text = "".join(line for line in lines if not line.startswith(volatile))
    get_catalog_path(domain, language).write_text(text, encoding="utf-8")


def check_catalogs() -> int:
    problems: list[str] = []
    texts = 0
    for domain, gather in COLLECTORS.items():
        template = {get_message_key(message): message for message in gather() if message.id}
        texts += len(template)
        for language in LANGUAGES:
            problems += (
                f"{domain}, {language}: {problem}" for problem in find_catalog_problems(domain, language, template)
            )
    for problem in sorted(problems):
        print(problem, file=sys.stderr)
    print(f"{texts} texts, {len(problems)} problems")
    return 1 if problems else 0


def find_catalog_problems(domain: str, language: str, template: dict[MessageKey, Message]) -> Iterator[str]:
    catalog = read_catalog(domain, language)
    there = {get_message_key(message): message for message in catalog if message.id}
    for missing in template.keys() - there.keys():
        yield f"not in the catalogue: {missing[0]!r}"
    for extra in [*(there.keys() - template.keys()), *(get_message_key(m) for m in catalog.obsolete.values())]:
        yield f"no longer used: {extra[0]!r}"
    if language != SOURCE_LANGUAGE:
        for message in there.values():
            yield from (
                f"{problem}: {get_message_key(message)[0]!r}" for problem in find_message_problems(message, catalog)
            )


def find_message_problems(message: Message, catalog: Catalog) -> Iterator[str]:
    """Yields the problems of one translation."""
    forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
    if message.fuzzy:
        yield "fuzzy"
    if not all(forms) or (isinstance(message.id, list | tuple) and len(forms) != catalog.num_plurals):
        yield "not translated"
        return
    # Any form may be shown for a number, so each has the placeholders of the plural.
    expected = find_placeholders(message.id if isinstance(message.id, str) else message.id[-1])
    if any(find_placeholders(str(text)) != expected for text in forms):
        yield "other placeholders"


def find_placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER_PATTERN.findall(text))


def compile_catalogs() -> int:
    for language in LANGUAGES:
        buffer = io.BytesIO()
        write_mo(buffer, read_catalog("django", language))
        write_atomically(get_catalog_path("django", language).with_suffix(".mo"), buffer.getvalue())
        write_atomically(get_catalog_path("djangojs", language).with_suffix(".json"), build_client_json(language))
    return 0


def build_client_json(language: str) -> bytes:
    """Returns the client's translated messages.

    A text, or forms in the order of `plural`.
    """
    translations = {
        get_message_key(message)[0]: message.string for message in read_catalog("djangojs", language) if message.id
    }
    complete = {
        text: translations[text] for text in sorted(translations) if translations[text] and all(translations[text])
    }
    body = {"plural": PLURAL_FORMS[language], "words": complete}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def write_atomically(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    draft.replace(path)


def main() -> int:
    sys.path.insert(0, str(ROOT))
    needed = ("django.contrib.auth", "django.contrib.contenttypes")
    settings.configure(USE_I18N=True, INSTALLED_APPS=[*needed, *APPS], AUTH_USER_MODEL="observer.User", TEMPLATES=[])
    django.setup()
    commands = {"update": update_catalogs, "check": check_catalogs, "compile": compile_catalogs}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    return commands[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
