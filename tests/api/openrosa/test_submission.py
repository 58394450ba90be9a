"""Submissions as ODK Collect sends them: stored once, merged over several POSTs, refused with words."""

import random
from uuid import uuid4

from reports.models import Report
from tests.api.openrosa.collect import Collect, xml
from tests.world import World

PHOTOS = {f"166892{n}.jpg": random.Random(n).randbytes(70_000) for n in range(3)}
WITH_PHOTO = "<V03>no</V03><X11>{}</X11>"


class TestReport:
    def test_is_stored_and_answered_201(self, world: World, collect: Collect):
        key = uuid4()
        answer = collect.send(xml(instance=str(key)))
        assert answer.status_code == 201, answer.content
        assert answer["X-OpenRosa-Version"] == "1.0" and answer["Date"]
        assert b'nature="submit_success"' in answer.content
        report = Report.objects.get(uuid=key)
        assert (report.channel, report.answers) == ("openrosa", {"V03": "no", "V15": "no", "V90": "good"})
        assert report.commission == world.tree["KZ-1-1-1"] and report.device == world.first.device
