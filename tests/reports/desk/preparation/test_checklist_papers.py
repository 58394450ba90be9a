"""Checklists as PDF, in a chosen language, and the page that lists them."""

import io

import pytest
from django.urls import reverse
from pypdf import PdfReader

from reports.models import ChecklistVersion, Section
from tests.reports.desk.preparation.test_enrolment_sheets import LONG_KAZAKH_NAME, read_pages
from tests.support.desk import make_draft
from tests.support.world import DAY, World, make_texts

pytestmark = pytest.mark.once


def download_pdf(client, version: ChecklistVersion, language: str = "en"):
    return client.get(reverse("desk:paper", args=["test-2022", version.pk, language]))


class TestChecklistPdf:
    def test_has_every_question_with_its_code_answers_limits_and_condition(self, world: World, desk):
        text = " ".join(read_pages(download_pdf(desk, world.versions["voting"])))
        for code in ("V01", "V03", "V16", "V30", "V90", "X05", "X06", "X07", "X08", "X09", "X10", "X11", "X12"):
            assert f"{code} en" in text, code
        for expected in (
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
            assert expected in text, expected

    @pytest.mark.parametrize(("language", "expected"), [("kk", "Тек V15"), ("ru", "Только если V15: да")])
    def test_is_in_the_chosen_language_not_the_readers(self, world: World, desk, language, expected):
        text = " ".join(read_pages(download_pdf(desk, world.versions["voting"], language)))
        assert expected in text and f"V03 {language}" in text and "V03 en" not in text

    def test_lists_violation_codes_where_a_question_needs_them(self, world: World, desk):
        assert "Codes of violations" in read_pages(download_pdf(desk, world.versions["incident"]))[-1]
        assert "FRD-05" in read_pages(download_pdf(desk, world.versions["incident"]))[-1]
        assert "Codes of violations" not in " ".join(read_pages(download_pdf(desk, world.versions["voting"])))

    def test_shows_the_number_of_pages(self, world: World, desk):
        text = read_pages(download_pdf(desk, world.versions["voting"]))
        assert [f"{number} / {len(text)}" in one for number, one in enumerate(text, 1)] == [True] * len(text)

    def test_very_long_texts_are_printed(self, world: World, desk):
        draft = make_draft(world)
        section = Section.objects.create(version=draft, code="A", titles={"en": LONG_KAZAKH_NAME * 20})
        draft.questions.create(
            code="L" * 40,
            type="choices",
            labels={"en": LONG_KAZAKH_NAME * 200},
            hints={"en": "Ұ" * 5000},
            section=section,
            choices=[{"code": f"c{number}", "labels": {"en": LONG_KAZAKH_NAME * 4}} for number in range(60)],
        )
        draft.questions.create(code="N", order=1, type="decimal", labels=make_texts("N"), minimum="0.50", maximum="100")
        draft.published_at = DAY
        draft.save()
        answer = download_pdf(desk, draft)
        assert len(PdfReader(io.BytesIO(answer.content)).pages) > 2
        assert "from 0.5 to 100" in " ".join(read_pages(answer))


class TestPdfList:
    def test_has_the_version_in_force_in_every_language(self, world: World, desk):
        later = make_draft(world)
        page = desk.get("/desk/test-2022/papers/").content.decode()
        for version in world.versions.values():
            for language in ("kk", "ru", "en"):
                assert reverse("desk:paper", args=["test-2022", version.pk, language]) in page
        assert reverse("desk:paper", args=["test-2022", later.pk, "kk"]) not in page

    def test_is_linked_from_the_page_of_a_version(self, world: World, desk):
        version = world.versions["voting"]
        page = desk.get(f"/admin/reports/checklistversion/{version.pk}/change/").content.decode()
        assert reverse("desk:paper", args=["test-2022", version.pk, "kk"]) in page

    def test_has_no_drafts_and_no_other_languages(self, world: World, desk):
        assert download_pdf(desk, make_draft(world)).status_code == 404
        assert download_pdf(desk, world.versions["voting"], "de").status_code == 404
