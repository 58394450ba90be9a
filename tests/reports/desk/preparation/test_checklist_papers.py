"""Checklists on paper: every question with its code, box by box, in a chosen language, for reading out."""

import io

import pytest
from django.urls import reverse
from pypdf import PdfReader

from reports.models import ChecklistVersion, Section
from tests.reports.desk.preparation.test_enrolment_sheets import KAZAKH, pages
from tests.support.desk import make_draft
from tests.support.world import DAY, World, words

pytestmark = pytest.mark.once


def paper(client, version: ChecklistVersion, language: str = "en"):
    return client.get(reverse("desk:paper", args=["test-2022", version.pk, language]))


class TestAPaper:
    def test_has_every_question_with_its_code_answers_limits_and_condition(self, world: World, desk):
        read = " ".join(pages(paper(desk, world.versions["voting"])))
        for code in ("V01", "V03", "V16", "V30", "V90", "X05", "X06", "X07", "X08", "X09", "X10", "X11", "X12"):
            assert f"{code} en" in read, code
        for said in (
            "voting, version 1",
            "Station",
            "Observer",
            "Only if V15 is: yes",
            "V03 en *",
            "from 0 to 3000",
            "female female en",
            "not applicable",
            "very bad",
            "cannot be read out",
        ):
            assert said in read, said

    @pytest.mark.parametrize(("language", "said"), [("kk", "Тек V15"), ("ru", "Только если V15: да")])
    def test_speaks_the_language_that_was_chosen_whoever_reads(self, world: World, desk, language, said):
        read = " ".join(pages(paper(desk, world.versions["voting"], language)))
        assert said in read and f"V03 {language}" in read and "V03 en" not in read

    def test_brings_the_codes_that_a_question_asks_for(self, world: World, desk):
        assert "Codes of violations" in pages(paper(desk, world.versions["incident"]))[-1]
        assert "FRD-05" in pages(paper(desk, world.versions["incident"]))[-1]
        assert "Codes of violations" not in " ".join(pages(paper(desk, world.versions["voting"])))

    def test_says_how_many_pages_it_has(self, world: World, desk):
        read = pages(paper(desk, world.versions["voting"]))
        assert [f"{number} / {len(read)}" in one for number, one in enumerate(read, 1)] == [True] * len(read)

    def test_of_endless_words_is_written_all_the_same(self, world: World, desk):
        draft = make_draft(world)
        section = Section.objects.create(version=draft, code="A", titles={"en": KAZAKH * 20})
        draft.questions.create(
            code="L" * 40,
            type="choices",
            labels={"en": KAZAKH * 200},
            hints={"en": "Ұ" * 5000},
            section=section,
            choices=[{"code": f"c{number}", "labels": {"en": KAZAKH * 4}} for number in range(60)],
        )
        draft.questions.create(code="N", order=1, type="decimal", labels=words("N"), minimum="0.50", maximum="100")
        draft.published_at = DAY
        draft.save()
        answer = paper(desk, draft)
        assert len(PdfReader(io.BytesIO(answer.content)).pages) > 2
        assert "from 0.5 to 100" in " ".join(pages(answer))


class TestTheList:
    def test_has_the_wording_in_force_of_each_in_every_language(self, world: World, desk):
        later = make_draft(world)
        shown = desk.get("/desk/test-2022/papers/").content.decode()
        for version in world.versions.values():
            for language in ("kk", "ru", "en"):
                assert reverse("desk:paper", args=["test-2022", version.pk, language]) in shown
        assert reverse("desk:paper", args=["test-2022", later.pk, "kk"]) not in shown

    def test_is_reached_from_the_page_of_a_version(self, world: World, desk):
        version = world.versions["voting"]
        shown = desk.get(f"/admin/reports/checklistversion/{version.pk}/change/").content.decode()
        assert reverse("desk:paper", args=["test-2022", version.pk, "kk"]) in shown

    def test_has_no_drafts_and_no_other_languages(self, world: World, desk):
        assert paper(desk, make_draft(world)).status_code == 404
        assert paper(desk, world.versions["voting"], "de").status_code == 404
