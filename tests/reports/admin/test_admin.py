"""The admin: the pages of every model, search, actions, and permissions by territory."""

import hashlib
import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from observer.models import Commission, Device, Election, EnrolmentCode, Grant, Observer, Trail, User
from reports.models import (
    Case,
    ChecklistVersion,
    Due,
    Evidence,
    Question,
    Report,
    Summary,
    Violation,
)
from reports.services.figures.refresh import recompute_due_summaries
from tests.support.desk import make_draft, make_report
from tests.support.world import DAY, make_texts

PROJECT_MODELS = [model for label in ("observer", "reports") for model in apps.get_app_config(label).get_models()]
MAX_QUERIES = 40
UNTRANSLATED_TEXTS = {"ordinary, hospital, military, abroad …"}  # shown untranslated


class TestPages:
    def test_every_model_is_registered(self):
        assert [model for model in PROJECT_MODELS if not admin.site.is_registered(model)] == []

    @pytest.mark.parametrize("language", ["kk", "ru"])
    def test_help_texts_are_translated(self, language):
        fields = [field for model in PROJECT_MODELS for field in model._meta.local_fields if field.help_text]
        with override(language):
            said = {str(field.help_text) for field in fields}
        foreign = {one for one in said if not re.search("[а-яё]", one, re.IGNORECASE)}
        assert all(one.startswith(("{", "[")) or one in UNTRANSLATED_TEXTS for one in foreign), foreign

    @pytest.mark.slow
    @pytest.mark.once  # the queries are the same, and few, on both
    @pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label)
    def test_list_add_and_change_answer_with_few_queries(self, model, full, desk):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.order_by("pk").first()
        assert row is not None, f"the fixture has no {model.__name__}"
        for page in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk]), reverse(f"{name}_add")):
            with CaptureQueriesContext(connection) as queries:
                answer = desk.get(page)
            read_only = page.endswith("/add/") and not admin.site.get_model_admin(model).has_add_permission(
                answer.wsgi_request
            )
            assert answer.status_code == (403 if read_only else 200), page
            assert len(queries) <= MAX_QUERIES, [q["sql"] for q in queries]
            if answer.status_code == 200:
                assert "<script>alert(1)" not in answer.content.decode()

    @pytest.mark.parametrize("model", [Report, Violation, Evidence, Observer, Device], ids=lambda m: m.__name__)
    def test_a_longer_list_takes_no_more_queries(self, model, full, desk):
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        desk.get(page)
        with CaptureQueriesContext(connection) as few:
            desk.get(page)
        for n in range(4):
            phone = full.enrol_phone(f"OB-55{n}5", "KZ-2-1-1")
            make_report(full, phone, commission="KZ-2-1-1", answers={"V03": "yes", "V15": "no", "V90": "bad"})
        with CaptureQueriesContext(connection) as more:
            desk.get(page)
        assert len(more) == len(few)

    def test_a_list_of_reports_reads_no_body(self, full, desk):
        with CaptureQueriesContext(connection) as queries:
            desk.get(reverse("admin:reports_report_changelist"))
        assert not any('"reports_report"."body"' in query["sql"] for query in queries)

    def test_a_report_is_shown_with_texts_and_marked_read(self, full, desk):
        report = Report.objects.filter(violations__code="FRD-05").first()
        page = desk.get(reverse("admin:reports_report_change", args=[report.pk])).content.decode()
        assert "V03 en" in page
        assert "⚑ FRD-05" in page
        assert 'name="_save"' not in page
        report.refresh_from_db()
        assert report.read_at is not None

    def test_no_list_has_bulk_deletion(self, full, desk):
        for model in PROJECT_MODELS:
            page = desk.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
            assert "delete_selected" not in page.content.decode(), model


class TestSearch:
    def test_an_observer_is_found_by_code_phone_and_mail_but_not_by_name(self, world, desk):
        page = reverse("admin:observer_observer_changelist")
        Observer.objects.filter(code="OB-3333").update(phone_lookup="")
        for term, found in (
            ("OB-22", True),
            ("+7 701 000-00-00", True),
            ("OB-2222@example.org", True),
            ("ob-2222@EXAMPLE.org", True),
            ("Name of OB-2222", False),
            ("@example.org", False),
        ):
            answer = desk.get(page, {"q": term})
            assert [o.code for o in answer.context["cl"].result_list] == (["OB-2222"] if found else []), term

    def test_a_report_is_found_by_id_observer_and_commission(self, full, desk):
        report = Report.objects.filter(commission__code="KZ-1-1-3").first()
        page = reverse("admin:reports_report_changelist")
        for term, number in ((str(report.uuid), 1), (report.observer.code, 1), ("KZ-1-1-3", 6), ("nothing", 0)):
            assert len(desk.get(page, {"q": term}).context["cl"].result_list) == number, term


def run_action(desk, model, action: str, *rows, **fields):
    """Runs an action on rows and returns the response, which may be a page that asks for more."""
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return desk.post(page, {"action": action, "_selected_action": [row.pk for row in rows]} | fields)


class TestDecisions:
    def test_a_rejection_asks_for_a_reason_first(self, world, desk, root):
        report = make_report(world)
        assert run_action(desk, Report, "reject", report).status_code == 200
        report.refresh_from_db()
        assert report.state == "received"
        run_action(desk, Report, "reject", report, answered="1", reason="Sent twice")
        report.refresh_from_db()
        assert (report.state, report.state_reason, report.decided_by) == ("rejected", "Sent twice", root)
        assert Trail.objects.filter(action="report.reject", user=root).exists()
        run_action(desk, Report, "restore", report)
        assert Report.objects.counted().filter(pk=report.pk).exists()

    def test_verify_hold_and_rehearsal(self, world, desk):
        report = make_report(world)
        run_action(desk, Report, "verify", report)
        report.refresh_from_db()
        assert report.state == "verified"
        run_action(desk, Report, "set_rehearsal", report)
        assert not Report.objects.counted().filter(pk=report.pk).exists()
        run_action(desk, Report, "count_in_earnest", report)
        run_action(desk, Report, "hold", report, answered="1", reason="Strange")
        report.refresh_from_db()
        assert (report.state, report.rehearsal) == ("held", False)

    def test_an_action_started_on_a_page_returns_to_it(self, world, desk):
        report = make_report(world)
        answer = run_action(desk, Report, "verify", report, stay=str(report.pk))
        assert answer["Location"] == reverse("admin:reports_report_change", args=[report.pk])

    def test_violations_are_decided_and_added_to_a_case(self, full, desk):
        first, second = Violation.objects.filter(code="FRD-05")[:2]
        case = Case.objects.get()
        run_action(desk, Violation, "confirm", first, second, answered="1", case=str(case.pk), note="Seen by two")
        assert list(case.violations.values_list("state", flat=True)) == ["confirmed", "confirmed"]
        for action, state in (
            ("refute", "refuted"),
            ("solve", "solved"),
            ("pass_on", "passed_on"),
            ("reopen", "reported"),
        ):
            run_action(desk, Violation, action, first, answered="1")
            first.refresh_from_db()
            assert first.state == state

    def test_an_observer_is_quarantined_and_restored(self, world, desk):
        report = make_report(world)
        chosen = {"answered": "1", "election": str(world.election.pk)}
        run_action(desk, Observer, "quarantine", world.first.observer, **chosen)
        assert not Report.objects.counted().exists()
        run_action(desk, Observer, "restore", world.first.observer, **chosen)
        assert Report.objects.counted().get() == report

    def test_a_device_is_revoked(self, world, desk):
        run_action(desk, Device, "revoke", world.first.device)
        world.first.device.refresh_from_db()
        assert world.first.device.revoked_at is not None

    def test_an_enrolment_code_is_shown_once(self, world, desk):
        answer = run_action(
            desk, Observer, "make_enrolment_code", world.first.observer, answered="1", election=str(world.election.pk)
        )
        shown = answer.content.decode().split('class="code">')[1][:9]
        assert shown[4] == "-"
        assert "no-store" in answer["Cache-Control"]
        assert EnrolmentCode.objects.filter(observer=world.first.observer).count() == 1
        assert shown not in str(list(EnrolmentCode.objects.values())) + str(list(Trail.objects.values()))

    def test_odk_collect_settings_are_offered_next_to_the_code(self, world, desk):
        chosen = {"answered": "1", "election": str(world.election.pk)}
        page = run_action(desk, Observer, "make_enrolment_code", world.first.observer, **chosen).content.decode()
        assert 'name="action" value="make_collect_settings"' in page
        page = run_action(desk, Observer, "make_collect_settings", world.first.observer, **chosen).content.decode()
        address = re.search(r"http://testserver(/api/openrosa/k/[\w-]{43})<", page)
        assert address and "data:image/svg+xml" in page
        assert desk.get(f"{address[1]}/formList").status_code == 200
        assert address[1][-43:] not in str(list(Device.objects.values())) + str(list(Trail.objects.values()))

    def test_publication_is_an_action_with_a_trail(self, world, desk):
        run_action(desk, Election, "publish_nothing", world.election)
        world.election.refresh_from_db()
        assert world.election.publication == "closed"
        assert Trail.objects.get(action="election.publish").detail == {"from": "live", "to": "closed"}

    def test_recomputing_queues_a_row(self, world, desk):
        make_report(world)
        recompute_due_summaries(now=lambda: DAY)
        run_action(desk, Summary, "recompute", Summary.objects.first())
        assert Due.objects.count() == 1


class TestEvidence:
    def test_the_staff_sees_the_copy_and_a_superuser_the_original(self, full, desk):
        evidence = Evidence.objects.get()
        assert evidence.copy
        page = desk.get(reverse("admin:reports_evidence_change", args=[evidence.pk])).content.decode()
        address = reverse("admin:reports_evidence_picture", args=[evidence.pk])
        assert address in page
        assert b"".join(desk.get(address).streaming_content)[:2] == b"\xff\xd8"
        original = desk.get(reverse("admin:reports_evidence_original", args=[evidence.pk]))
        assert hashlib.sha256(b"".join(original.streaming_content)).hexdigest() == evidence.sha256
        assert original["Content-Disposition"].startswith("attachment")

    def test_a_picture_is_approved_and_withdrawn(self, full, desk, root):
        evidence = Evidence.objects.get()
        run_action(desk, Evidence, "approve", evidence)
        evidence.refresh_from_db()
        assert evidence.approved_by == root
        run_action(desk, Evidence, "withdraw", evidence)
        evidence.refresh_from_db()
        assert evidence.approved_at is None


class TestChecklists:
    def test_a_published_version_is_read_only(self, world, desk):
        version = world.versions["voting"]
        page = desk.get(reverse("admin:reports_checklistversion_change", args=[version.pk])).content.decode()
        assert "V03" in page
        assert 'name="questions-0-code"' not in page
        assert 'name="_save"' not in page

    def test_a_draft_is_edited_with_one_input_a_language(self, world, desk):
        draft = make_draft(world)
        Question.objects.create(version=draft, code="Q1", type="yes_no", labels=make_texts("Q1"))
        page = desk.get(reverse("admin:reports_checklistversion_change", args=[draft.pk])).content.decode()
        assert 'name="questions-0-labels__kk"' in page

    def test_a_draft_is_published_for_ever(self, world, desk):
        draft = make_draft(world)
        Question.objects.create(version=draft, code="Q1", type="yes_no", labels=make_texts("Q1"))
        run_action(desk, ChecklistVersion, "publish", draft)
        draft.refresh_from_db()
        assert draft.published_at is not None


class TestCommissionTree:
    def test_a_commission_is_added_moved_and_removed_and_the_figures_follow(self, world, desk):
        recompute_due_summaries(now=lambda: DAY)
        level = world.tree["KZ-1-1-1"].level
        fields = {
            "election": world.election.pk,
            "parent": world.tree["KZ-1-1"].pk,
            "level": level.pk,
            "code": "KZ-1-1-9",
            "names__en": "Ninth",
            "names__ru": "Девятый",
        }
        answer = desk.post(reverse("admin:observer_commission_add"), fields)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        made = Commission.objects.get(code="KZ-1-1-9")
        assert (made.path, made.names) == ("KZ/KZ-1/KZ-1-1/KZ-1-1-9/", {"en": "Ninth", "ru": "Девятый"})
        assert Due.objects.filter(commission=world.tree["KZ-1-1"]).exists()
        run_action(desk, Commission, "move", made, answered="1", to="KZ-2-1")
        made.refresh_from_db()
        assert made.path == "KZ/KZ-2/KZ-2-1/KZ-1-1-9/"
        run_action(desk, Commission, "remove", made, world.tree["KZ-1"])
        assert not Commission.objects.filter(code="KZ-1-1-9").exists()
        assert Commission.objects.filter(code="KZ-1").exists()

    def test_an_invalid_commission_is_refused_with_a_message(self, world, desk):
        fields = {
            "election": world.election.pk,
            "parent": world.tree["KZ-1-1-1"].pk,
            "level": world.tree["KZ-1-1-1"].level.pk,
            "code": "KZ-1-1-1-1",
            "names__en": "Below a precinct",
        }
        answer = desk.post(reverse("admin:observer_commission_add"), fields, follow=True)
        assert "Nothing can be below a precinct" in answer.content.decode()
        assert not Commission.objects.filter(code="KZ-1-1-1-1").exists()


class TestPermissionsByTerritory:
    """A staff user who is not a superuser sees only the territory of their grants."""

    @pytest.fixture
    def clerk(self, full, client):
        user = User.objects.create_user("clerk", password="a long password indeed", is_staff=True)
        client.force_login(user)
        client.user = user
        return client

    def test_without_a_grant_nothing_is_seen(self, clerk):
        for model in PROJECT_MODELS:
            page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            assert clerk.get(page).status_code == 403, model

    def test_a_grant_opens_its_territory_only(self, full, clerk):
        there = make_report(full, full.enrol_phone("OB-6666", "KZ-2-1-1"), commission="KZ-2-1-1")
        Grant.objects.create(user=clerk.user, role="territorial", commission=full.tree["KZ-2"])
        answer = clerk.get(reverse("admin:reports_report_changelist"))
        assert list(answer.context["cl"].result_list) == [there]
        other = Report.objects.exclude(pk=there.pk).first()
        assert clerk.get(reverse("admin:reports_report_change", args=[other.pk])).status_code == 302
        run_action(clerk, Report, "verify", there, other)
        assert list(Report.objects.filter(state="verified")) == [there]
        assert clerk.get(reverse("admin:reports_report_body", args=[there.pk])).status_code == 404
        codes = [o.code for o in clerk.get(reverse("admin:observer_observer_changelist")).context["cl"].result_list]
        assert codes == ["OB-6666"]

    def test_a_reader_decides_nothing_and_sees_no_people(self, full, clerk):
        report = Report.objects.first()
        Grant.objects.create(user=clerk.user, role="reader", commission=full.tree["KZ"])
        run_action(clerk, Report, "verify", report)
        report.refresh_from_db()
        assert report.state == "received"
        assert clerk.get(reverse("admin:observer_observer_changelist")).status_code == 403

    def test_a_grant_may_be_limited_to_an_organisation(self, full, clerk):
        other = full.organisation.__class__.objects.create(code="other", names=make_texts("other"))
        Grant.objects.create(user=clerk.user, role="territorial", commission=full.tree["KZ"], organisation=other)
        assert not clerk.get(reverse("admin:reports_report_changelist")).context["cl"].result_list
