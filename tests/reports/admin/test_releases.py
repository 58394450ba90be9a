"""Releases by hand: who prepares, agrees and publishes, and what an analyst sees before."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from observer.models import Grant, User
from reports.models import Release
from reports.services.publishing.releases import release_prepare
from tests.support.door import stored
from tests.support.world import World, payload

pytestmark = pytest.mark.django_db
LIST = "admin:reports_release_changelist"


def staff(world: World, name: str, role: str, code: str = "KZ") -> Client:
    user = User.objects.create_user(name, is_staff=True)
    Grant.objects.create(user=user, role=role, commission=world.tree[code])
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, action: str, release: Release) -> None:
    client.post(reverse(LIST), {"action": action, "_selected_action": [release.pk]})
    release.refresh_from_db()


def test_a_release_goes_from_hand_to_hand(world, settings):
    settings.RELEASE_SECOND_YES = True
    analyst, publisher = staff(world, "analyst", "analyst"), staff(world, "publisher", "publisher")
    second = staff(world, "second", "analyst")
    moment = timezone.now()
    form = {"election": world.election.pk, "cutoff_0": f"{moment:%Y-%m-%d}", "cutoff_1": "00:00:00"}
    assert analyst.post(reverse("admin:reports_release_add"), form).status_code == 302
    release = Release.objects.get()
    assert (release.number, release.state, release.prepared_by.username) == (1, "prepared", "analyst")
    change = {"texts__en": "First.", "finding": "voting:V03", "remarks": "{}", "public_from_0": "", "public_from_1": ""}
    analyst.post(reverse("admin:reports_release_change", args=[release.pk]), change)
    act(analyst, "approve", release)
    assert release.state == "prepared"
    act(second, "approve", release)
    act(second, "publish", release)
    assert (release.state, release.texts) == ("approved", {"en": "First."})
    act(publisher, "publish", release)
    assert release.state == "published"
    change["texts__en"] = "Other."
    assert publisher.post(reverse("admin:reports_release_change", args=[release.pk]), change).status_code == 403


@pytest.mark.parametrize(("role", "code"), [("territorial", "KZ-1"), ("reader", "KZ"), ("analyst", "KZ-1")])
def test_it_is_for_analysts_of_the_whole_election(world, role, code):
    release = release_prepare(election=world.election, cutoff=timezone.now(), user=None, now=timezone.now())
    client = staff(world, "someone", role, code)
    listed = client.get(reverse(LIST))
    assert listed.status_code == 403 or not listed.context["cl"].result_list
    assert client.get(reverse("admin:reports_release_review", args=[release.pk])).status_code == 404
    act(client, "publish", release)
    assert release.state == "prepared"


def test_an_analyst_sees_who_said_it_where_and_in_which_words(world):
    stored(world.first, payload("voting", "KZ-1-1-1", answers={"V03": "yes"}, comment="Thirty alike."))
    stored(world.second, payload("voting", "KZ-1-1-2", answers={"V03": "no"}, comment="All well."))
    release = release_prepare(election=world.election, cutoff=timezone.now(), user=None, now=timezone.now())
    page = reverse("admin:reports_release_review", args=[release.pk])
    shown = staff(world, "analyst", "analyst").get(page, {"finding": "voting:V03"}).content.decode()
    assert "Thirty alike." in shown and "All well." not in shown
    for line in ("KZ-1</a></th><td>1 / 2", "org</th><td>1 / 2"):
        assert line in shown
