"""Tests of the statement: every figure has a footnote.

The DOCX can be opened.
"""

import io
import re
import zipfile

import pytest
from docx import Document

from observer.models import Election
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.figures.share_words import get_share_code
from tests.support.intake import store_report
from tests.support.releases import download_package, find_numbers, make_release, read_table
from tests.support.world import World, payload

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("n", "of", "word"),
    [
        (0, 10, "none"),
        (1, 1000, "few"),
        (49, 1000, "few"),
        (5, 100, "several"),
        (14, 100, "several"),
        (15, 100, "many"),
        (34, 100, "many"),
        (35, 100, "large"),
        (50, 100, "large"),
        (51, 100, "half"),
        (74, 100, "half"),
        (75, 100, "most"),
        (99, 100, "most"),
        (100, 100, "all"),
        (0, 0, "none"),
        (1, 2, "large"),
        (2, 3, "half"),
        (999, 1000, "most"),
    ],
)
def test_a_word_follows_its_declared_threshold(n, of, word):
    assert get_share_code(n, of) == word


@pytest.fixture
def released(client, db) -> str:
    world = World()
    Election.objects.update(publication="released")
    world.election.refresh_from_db()
    for n, station in enumerate(code for code in world.tree if code.count("-") == 3):
        answers = {"V03": "yes" if n < 2 else "no", "V15": "no", "V90": "bad" if n == 0 else "good"}
        store_report(world.first, payload("voting", station, answers=answers))
    recompute_due_summaries()
    make_release(world.election, remarks={"voting": {"en": "Written by <the> analyst."}})
    return "/{}/test-2022/releases/1/statement"


@pytest.mark.django_db
class TestAStatement:
    @pytest.mark.parametrize("language", ["en", "ru", "kk"])
    def test_every_sentence_has_a_note_with_question_n_and_of(self, client, released, language):
        html = client.get(released.format(language) + "/").content.decode()
        sentence_ids = re.findall(r'id="said-(\d+)"', html)
        notes = dict(re.findall(r'<li id="note-(\d+)">(.*?) <a', html, re.S))
        assert sentence_ids == sorted(sentence_ids, key=int) and set(sentence_ids) == set(notes)
        found = {
            (row["item"], row["figure"]): row
            for row in read_table(download_package(client, "test-2022", 1), "figures.csv")
            if row["place"] == "KZ" and row["figure"] == "finding"
        }
        figure_notes = [note for note in notes.values() if "n = " in note]
        assert len(figure_notes) == 2
        for note in figure_notes:
            question = note.split(" ", 1)[0]
            row = found[question, "finding"]
            assert find_numbers(note.rpartition("n = ")[2]) == [row["value"], row["of"]]

    def test_its_sentences_use_words_for_shares(self, client, released):
        text = re.sub(r"<[^>]+>|\s+", " ", client.get(released.format("en") + "/").content.decode())
        assert "It was assessed negatively in several observations." in text
        assert "In many observations the answer to “V03 en” was “yes”." in text
        assert "Written by &lt;the&gt; analyst." in text

    @pytest.mark.parametrize("language", ["en", "ru", "kk"])
    def test_the_document_opens_and_has_real_footnotes(self, client, released, language):
        response = client.get(released.format(language) + ".docx")
        assert response["Content-Type"].endswith("wordprocessingml.document")
        document = Document(io.BytesIO(response.content))
        assert document.paragraphs[0].text == f"test-2022 {language}"
        with zipfile.ZipFile(io.BytesIO(response.content)) as parts:
            marks = re.findall(
                r"footnoteReference w:id=\"(\d+)\"|footnoteReference [^>]*w:id=\"(\d+)\"",
                parts.read("word/document.xml").decode(),
            )
            notes = re.findall(r'<w:footnote w:id="(\d+)"', parts.read("word/footnotes.xml").decode())
        assert [one or other for one, other in marks] == notes
