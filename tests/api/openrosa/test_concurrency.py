"""Several POSTs of one submission at the same moment.

A phone sends it again before the first answer, and two processes answer.
"""

import pytest

from reports.models import Evidence, Refusal, Report
from reports.services.storage.sealed_store import open_sealed_file
from tests.api.openrosa.collect import CollectClient, build_form_xml
from tests.support.threads import run_concurrently
from tests.support.world import World

KEY = "5a3c2f7e-2f0a-4a3c-8d53-7b1d0c9e6a11"
PHOTOS = {f"{n}.jpg": bytes([n]) * 100_000 for n in range(3)}
ANSWERS = "<V03>yes</V03><X11>0.jpg</X11>"

pytestmark = pytest.mark.slow


def test_simultaneous_posts_are_one_report_and_each_file_once(concurrent_world: World):
    phone = concurrent_world.first
    body = build_form_xml(ANSWERS, instance=KEY)
    answers = run_concurrently([lambda: CollectClient(phone).send(body, PHOTOS) for _ in range(8)])
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {201, 202, 503} and 201 in statuses
    assert Report.objects.count() == 1 and Refusal.objects.count() == 0
    assert CollectClient(phone).send(body, PHOTOS).status_code == 201
    rows = list(Evidence.objects.order_by("pk"))
    assert [row.state for row in rows] == ["stored"] * 3 and len({row.uuid for row in rows}) == 3
    for row in rows:
        with open_sealed_file(sha256=row.sha256) as file:
            assert file.read() in PHOTOS.values()


def test_of_simultaneous_posts_with_other_content_one_is_stored(concurrent_world: World):
    phone = concurrent_world.first
    bodies = [build_form_xml(f"<V03>yes</V03><X05>{n}</X05>", instance=KEY) for n in range(6)]
    answers = run_concurrently([lambda body=body: CollectClient(phone).send(body) for body in bodies])
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert Report.objects.count() == 1 and Refusal.objects.count() == 5
