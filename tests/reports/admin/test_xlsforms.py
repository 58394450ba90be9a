"""The admin's import page of XLSForms: preview of the changes, then publishing."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from reports.models import Checklist, ChecklistVersion
from tests.support.files import make_jpeg
from tests.support.world import World
from tests.support.xlsforms import FULL_FORM, import_form, make_row, make_workbook

pytestmark = pytest.mark.once


class TestImportPage:
    def preview(self, desk: Any, world: World, source: bytes, *media: tuple[str, bytes]) -> Any:
        return desk.post(
            reverse("admin:reports_checklist_import"),
            {
                "election": world.election.pk,
                "file": SimpleUploadedFile("form.xlsx", source),
                "shown": [SimpleUploadedFile(*one) for one in media],
            },
        )

    def publish(self, desk: Any, shown: Any, **more: str) -> Any:
        data = {"publish": shown.context["token"], "seen": shown.context["preview"].seen} | more
        return desk.post(reverse("admin:reports_checklist_import"), data)

    def import_form(self, desk: Any, world: World, source: bytes, *media: tuple[str, bytes]) -> Any:
        return self.publish(desk, self.preview(desk, world, source, *media))

    def test_previews_changes_by_question_and_publishes_them(self, world: World, admin_client):
        import_form(
            world,
            make_workbook(
                [make_row("integer", "H1"), make_row("text", "H2"), make_row("text", "H3"), make_row("text", "H4")]
            ),
        )
        again = [
            make_row("text", "H5"),
            make_row("text", "H3"),
            make_row("integer", "H1", hint="Look <b>twice</b>"),
            make_row("text", "H2"),
        ]
        shown = self.preview(admin_client, world, make_workbook(again))
        preview = shown.context["preview"]
        kinds = {one.code: one.kind for one in preview.changes}
        assert kinds == {"H5": "new", "H3": "moved", "H1": "changed", "H4": "gone"} and preview.same == 1
        hint = next(one for one in preview.changes if one.code == "H1").cells[0]
        assert (hint.field, hint.before, hint.after) == ("hints", "", "Look <b>twice</b>")
        assert b"<b>twice" not in shown.content
        assert ChecklistVersion.objects.filter(checklist__code="harbour").count() == 1
        assert self.publish(admin_client, shown).status_code == 302
        assert ChecklistVersion.objects.filter(checklist__code="harbour").count() == 2
        assert self.publish(admin_client, shown).context["preview"].identical  # pressed twice
        assert ChecklistVersion.objects.filter(checklist__code="harbour").count() == 2

    def test_refuses_a_preview_against_an_older_version(self, world: World, admin_client):
        shown = self.preview(admin_client, world, make_workbook([make_row("text", "H1")]))
        import_form(world, make_workbook([make_row("text", "H2")]))
        answer = self.publish(admin_client, shown)
        assert [one.code for one in answer.context["preview"].changes] == ["H1", "H2"]
        assert ChecklistVersion.objects.filter(checklist__code="harbour").count() == 1

    def test_publishes_only_what_this_user_previewed(self, world: World, admin_client, root):
        shown = self.preview(admin_client, world, make_workbook([make_row("text", "H1")]))
        other = Client()
        other.force_login(root)
        for desk, more in (
            (other, {}),
            (admin_client, {"publish": "x" * 22}),
            (admin_client, {"publish": "a b\n"}),
            (admin_client, {"seen": "-1"}),
            (admin_client, {"seen": "9" * 30}),
        ):
            answer = self.publish(desk, shown, **more)
            assert answer.status_code == 200
        assert not Checklist.objects.filter(code="harbour").exists()

    def test_imports_a_form_and_shows_what_it_cannot_check(self, world: World, admin_client):
        page = admin_client.get(reverse("admin:reports_checklist_changelist")).content.decode()
        assert reverse("admin:reports_checklist_import") in page
        answer = self.import_form(admin_client, world, FULL_FORM, ("box.jpg", make_jpeg()), ("hum.mp3", b"hum"))
        version = ChecklistVersion.objects.get(checklist__code="harbour")
        assert answer.status_code == 302 and answer["Location"].endswith(f"/{version.pk}/change/")
        page = admin_client.get(answer["Location"]).content.decode()
        assert (
            "The phone judges these" in page and "<td>H06</td><td>relevant</td><td><code>${H05} &gt; 3</code>" in page
        )
        sheet = admin_client.get(reverse("admin:reports_checklistversion_xlsx", args=[version.pk]))
        assert sheet["Content-Disposition"] == 'attachment; filename="harbour-1.xlsx"'
        again = self.preview(admin_client, world, sheet.content, ("box.jpg", make_jpeg()), ("hum.mp3", b"hum"))
        assert again.context["preview"].identical and version.checklist.versions.count() == 1

    def test_shows_every_error(self, world: World, admin_client):
        answer = self.preview(
            admin_client, world, make_workbook([make_row("geotrace", "T1"), make_row("calculate", "T2")])
        )
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "sheet survey, line 2" in page and "sheet survey, line 3" in page

    def test_own_checklists_have_no_unchecked_conditions(self, world: World, admin_client):
        version = world.versions["voting"]
        page = admin_client.get(reverse("admin:reports_checklistversion_change", args=[version.pk])).content.decode()
        assert "Nothing: it knows" in page and "The phone judges these" not in page

    def test_is_for_superusers_only(self, world: World, client, django_user_model):
        client.force_login(django_user_model.objects.create_user("staff", is_staff=True))
        assert client.get(reverse("admin:reports_checklist_import")).status_code == 403
        address = reverse("admin:reports_checklistversion_xlsx", args=[world.versions["voting"].pk])
        assert client.get(address).status_code == 404
