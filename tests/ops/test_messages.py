"""scripts/messages.py: the phone client's words, found wherever they stand."""

import json
from pathlib import Path

import pytest

from scripts import messages

SOURCE = """
// In a comment: t("Not this").
import { html } from "./vendor/lit.js";
export const page = (n) => html`<p>${t("Plain")} ${n ? html`<b>${tn("{n} photo", "{n} photos", n)}</b>` : ""}</p>`;
const said = [t('A "quoted" one'), t("Broken " +
  "in two"), t(`In backticks`), format("Not this"), at("Nor this"), x.t("Nor that"), t(variable)];
"""


@pytest.fixture
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    (tmp_path / messages.CLIENT / "vendor").mkdir(parents=True)
    (tmp_path / messages.CLIENT / "main.js").write_text(SOURCE, encoding="utf-8")
    (tmp_path / messages.CLIENT / "vendor" / "lib.js").write_text('t("Not this")')
    return tmp_path


def test_words_are_gathered_from_calls_with_literals(catalogues: Path) -> None:
    found = {message.id for message in messages.client_words() if message.id}
    assert found == {"Plain", ("{n} photo", "{n} photos"), 'A "quoted" one', "Broken in two", "In backticks"}


def test_what_is_not_translated_is_told_and_what_is_reaches_the_client(catalogues: Path, capsys) -> None:
    assert messages.update() == 1
    assert "djangojs, ru: not translated: 'Plain'" in capsys.readouterr().err
    catalogue = messages.po("djangojs", "ru")
    text = catalogue.read_text(encoding="utf-8").replace('msgid "Plain"\nmsgstr ""', 'msgid "Plain"\nmsgstr "Просто"')
    forms = ["{n} снимок", "{n} снимка", "{n} снимков"]
    for place, form in enumerate(forms):
        text = text.replace(f'msgstr[{place}] ""', f'msgstr[{place}] "{form}"')
    catalogue.write_text(text, encoding="utf-8")
    told = json.loads(messages.client_json("ru"))
    assert told == {"plural": ["one", "few", "many"], "words": {"Plain": "Просто", "{n} photo": forms}}
    assert json.loads(messages.client_json("en"))["words"] == {}
