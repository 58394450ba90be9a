"""Reports that came before there was a queue: those that somebody must look at are put into it."""

import hashlib
import hmac

from django.conf import settings
from django.db import migrations
from django.db.models import Exists, OuterRef

SHARE = 5  # percent, as in services/checks.py


def fill(apps, schema_editor):
    Report, Check = apps.get_model("reports", "Report"), apps.get_model("reports", "Check")
    Violation, Kind = apps.get_model("reports", "Violation"), apps.get_model("reports", "ViolationType")
    critical = Violation.objects.filter(
        report=OuterRef("pk"),
        code__in=Kind.objects.filter(election=OuterRef(OuterRef("commission__election")), severity="critical").values(
            "code"
        ),
    )
    rows = Report.objects.filter(state__in=("received", "held")).annotate(critical=Exists(critical)).order_by("pk")
    made = []
    for pk, uuid, election, flags, is_critical in rows.values_list(
        "pk", "uuid", "commission__election", "flags", "critical"
    ).iterator(5000):
        keyed = hmac.new(settings.LOOKUP_KEY.encode(), f"check:{uuid}".encode(), hashlib.sha256).hexdigest()
        drawn = int(keyed[:8], 16) % 100 < SHARE
        why = 0 if is_critical else 1 if flags else 2 if drawn else None
        if why is not None:
            made.append(Check(report_id=pk, election_id=election, why=why))
        if len(made) == 2000:
            Check.objects.bulk_create(made, ignore_conflicts=True)
            made = []
    Check.objects.bulk_create(made, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("reports", "0010_cases")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
