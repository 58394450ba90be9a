"""scripts/messages.py: extraction and translation of the phone client's texts."""

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
    (tmp_path / messages.CLIENT_DIR / "vendor").mkdir(parents=True)
    (tmp_path / messages.CLIENT_DIR / "main.js").write_text(SOURCE, encoding="utf-8")
    (tmp_path / messages.CLIENT_DIR / "vendor" / "lib.js").write_text('t("Not this")')
    return tmp_path


def test_texts_are_extracted_from_calls_with_literals(catalogues: Path) -> None:
    found = {message.id for message in messages.collect_client_messages() if message.id}
    assert found == {"Plain", ("{n} photo", "{n} photos"), 'A "quoted" one', "Broken in two", "In backticks"}


def test_missing_translations_are_reported_and_others_reach_the_client(catalogues: Path, capsys) -> None:
    assert messages.update_catalogs() == 1
    assert "djangojs, ru: not translated: 'Plain'" in capsys.readouterr().err
    catalogue = messages.get_catalog_path("djangojs", "ru")
    text = catalogue.read_text(encoding="utf-8").replace('msgid "Plain"\nmsgstr ""', 'msgid "Plain"\nmsgstr "Просто"')
    forms = ["{n} снимок", "{n} снимка", "{n} снимков"]
    for place, form in enumerate(forms):
        text = text.replace(f'msgstr[{place}] ""', f'msgstr[{place}] "{form}"')
    catalogue.write_text(text, encoding="utf-8")
    client_catalogue = json.loads(messages.build_client_json("ru"))
    assert client_catalogue == {"plural": ["one", "few", "many"], "words": {"Plain": "Просто", "{n} photo": forms}}
    assert json.loads(messages.build_client_json("en"))["words"] == {}
