"""The layout of desk pages and their security policy."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from observer.models import Trail, User
from tests.support.world import make_election, make_tree

pytestmark = pytest.mark.once

INLINE = re.compile(r"""\sstyle=["']|\son[a-z]+=["']|<script(?![^>]*\ssrc=)[^>]*>|<style|javascript:""")


class TestPolicy:
    def test_nothing_inline_and_nothing_foreign(self, world, desk):
        for address in ("/admin/", "/admin/observer/observer/", "/admin/login/", "/desk/", "/desk/nothing/here/"):
            policy = desk.get(address)["Content-Security-Policy"]
            assert "unsafe" not in policy and "http" not in policy and "*" not in policy
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy

    def test_it_holds_on_the_desk_only(self, world, desk):
        theirs = desk.get("/admin/")["Content-Security-Policy"]
        for address in ("/en/", "/phone/", "/api/docs/", "/healthz"):
            assert desk.get(address).get("Content-Security-Policy", "") != theirs

    def test_no_template_and_no_code_has_inline_styles_or_scripts(self):
        root = Path(settings.BASE_DIR)
        files = [*(root / "templates" / "admin").rglob("*.html"), *(root / "templates" / "desk").rglob("*.html")]
        for folder in ("observer/admin", "reports/admin", "observer/desk", "reports/desk"):
            files += (root / folder).rglob("*.py")
        assert {
            str(file): INLINE.findall(file.read_text("utf-8"))
            for file in files
            if INLINE.search(file.read_text("utf-8"))
        } == {}

    def test_no_page_is_cached(self, world, desk):
        assert "no-store" in desk.get("/admin/")["Cache-Control"]
        assert "no-store" in desk.get("/desk/")["Cache-Control"]


class TestNavigation:
    def test_it_shows_what_the_role_may_open(self, as_role):
        page = as_role("territorial").get("/admin/").content.decode()
        assert "/admin/observer/observer/" in page and "/admin/reports/report/" in page
        page = as_role("reader").get("/admin/").content.decode()
        assert "/admin/reports/report/" in page and "/admin/observer/observer/" not in page

    def test_every_link_of_it_opens(self, as_role):
        for role in ("administrator", "verifier", "reader", "publisher", "lawyer"):
            client = as_role(role)
            nav = client.get("/admin/").content.decode().split('id="desk-nav"')[1].split("</nav>")[0]
            for address in re.findall(r'href="([^"]+)"', nav):
                assert client.get(address.replace("&amp;", "&")).status_code == 200, (role, address)

    def test_the_election_is_switched_and_remembered(self, world, desk):
        make_tree(make_election("another"))
        desk.get("/desk/", {"election": "another"})
        assert 'value="another" selected' in desk.get("/admin/").content.decode()

    def test_an_election_of_others_is_unknown(self, as_role):
        make_election("another")
        assert as_role("national").get("/desk/", {"election": "another"}).status_code == 404
        assert "another" not in as_role("reader").get("/admin/").content.decode()

    def test_without_a_grant_the_desk_is_empty(self, world, client):
        client.force_login(User.objects.create_user("nothing", is_staff=True))
        page = client.get("/desk/", follow=True).content.decode()
        assert 'id="desk-nav"' not in page
        assert "test-2022" not in page


class TestLanguages:
    def test_the_switch_is_for_this_browser_and_this_user(self, world, desk, root):
        answer = desk.post("/desk/language/", {"language": "kk", "next": "/admin/"})
        assert answer["Location"] == "/admin/"
        assert '<html lang="kk"' in desk.get("/admin/").content.decode()
        root.refresh_from_db()
        assert root.language == "kk"

    def test_it_leads_to_no_other_host_and_takes_no_other_language(self, world, desk, root):
        answer = desk.post("/desk/language/", {"language": "xx\0", "next": "https://evil.example/"})
        assert answer["Location"] == "/desk/"
        root.refresh_from_db()
        assert root.language == "ru"


class TestTrail:
    def test_is_searched_by_administrators_of_its_election_only(self, world, as_role, root):
        today = timezone.now()
        other = make_election("another")
        lines = [
            (today, "report.reject", world.election),
            (today - timedelta(days=2), "report.hold", world.election),
            (today, "report.verify", other),
        ]
        for now, action, election in lines:
            Trail.objects.create(at=now, user=root, action=action, subject="report:x", election=election)
        client = as_role("administrator", "KZ")

        def found(**query: str) -> set[str]:
            page = client.get("/admin/observer/trail/", query)
            return {line.action for line in page.context["cl"].result_list}

        assert found() == {"report.reject", "report.hold"}
        assert found(when="24") == {"report.reject"}
        assert found(q="report.hold") == {"report.hold"}
        assert found(q="root") == found(q="report:x") == found()
        for role in ("national", "territorial", "verifier"):
            assert as_role(role, "KZ").get("/admin/observer/trail/").status_code == 403


class TestModelNames:
    @pytest.mark.parametrize(
        ("language", "translations"), [("ru", ("Дата", "готовятся")), ("kk", ("Күні", "дайындалуда"))]
    )
    def test_fields_and_choices_are_translated(self, desk, world, language, translations):
        world.election.state = "draft"
        world.election.save()
        desk.cookies["django_language"] = language
        change = f"/admin/observer/election/{world.election.pk}/change/"
        shown = "".join(desk.get(page).content.decode() for page in ("/admin/", "/admin/observer/election/", change))
        assert [word for word in translations if word not in shown] == []
        assert [word for word in ("in preparation", "Enrolment codes", "Publication:") if word in shown] == []
