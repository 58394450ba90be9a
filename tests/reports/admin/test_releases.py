"""Releases in the admin: preparing, reviewing, approving and publishing, by role."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from observer.models import Grant, User
from reports.models import Release
from reports.services.publishing.releases import prepare_release
from tests.support.intake import store_report
from tests.support.world import World, payload

pytestmark = pytest.mark.django_db
LIST_URL_NAME = "admin:reports_release_changelist"


def make_staff_client(world: World, name: str, role: str, code: str = "KZ") -> Client:
    user = User.objects.create_user(name, is_staff=True)
    Grant.objects.create(user=user, role=role, commission=world.tree[code])
    client = Client()
    client.force_login(user)
    return client


def run_action(client: Client, action: str, release: Release) -> None:
    client.post(reverse(LIST_URL_NAME), {"action": action, "_selected_action": [release.pk]})
    release.refresh_from_db()


def test_a_release_is_prepared_approved_and_published(world, settings):
    settings.RELEASE_SECOND_YES = True
    analyst, publisher = (
        make_staff_client(world, "analyst", "analyst"),
        make_staff_client(world, "publisher", "publisher"),
    )
    second = make_staff_client(world, "second", "analyst")
    moment = timezone.now()
    form = {"election": world.election.pk, "cutoff_0": f"{moment:%Y-%m-%d}", "cutoff_1": "00:00:00"}
    assert analyst.post(reverse("admin:reports_release_add"), form).status_code == 302
    release = Release.objects.get()
    assert (release.number, release.state, release.prepared_by.username) == (1, "prepared", "analyst")
    change = {"texts__en": "First.", "finding": "voting:V03", "remarks": "{}", "public_from_0": "", "public_from_1": ""}
    analyst.post(reverse("admin:reports_release_change", args=[release.pk]), change)
    run_action(analyst, "approve", release)
    assert release.state == "prepared"
    run_action(second, "approve", release)
    run_action(second, "publish", release)
    assert (release.state, release.texts) == ("approved", {"en": "First."})
    run_action(publisher, "publish", release)
    assert release.state == "published"
    change["texts__en"] = "Other."
    assert publisher.post(reverse("admin:reports_release_change", args=[release.pk]), change).status_code == 403


@pytest.mark.parametrize(("role", "code"), [("territorial", "KZ-1"), ("reader", "KZ"), ("analyst", "KZ-1")])
def test_releases_are_only_for_analysts_of_the_whole_election(world, role, code):
    release = prepare_release(election=world.election, cutoff=timezone.now(), user=None, now=timezone.now())
    client = make_staff_client(world, "someone", role, code)
    listed = client.get(reverse(LIST_URL_NAME))
    assert listed.status_code == 403 or not listed.context["cl"].result_list
    assert client.get(reverse("admin:reports_release_review", args=[release.pk])).status_code == 404
    run_action(client, "publish", release)
    assert release.state == "prepared"


def test_review_shows_comments_and_counts_behind_a_finding(world):
    store_report(world.first, payload("voting", "KZ-1-1-1", answers={"V03": "yes"}, comment="Thirty alike."))
    store_report(world.second, payload("voting", "KZ-1-1-2", answers={"V03": "no"}, comment="All well."))
    release = prepare_release(election=world.election, cutoff=timezone.now(), user=None, now=timezone.now())
    page = reverse("admin:reports_release_review", args=[release.pk])
    page_content = make_staff_client(world, "analyst", "analyst").get(page, {"finding": "voting:V03"}).content.decode()
    assert "Thirty alike." in page_content and "All well." not in page_content
    for line in ("KZ-1</a></th><td>1 / 2", "org</th><td>1 / 2"):
        assert line in page_content
