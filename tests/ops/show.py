"""Prints all rows of a deployment, decrypted, one per line, and the hash of every file."""

import hashlib

from django.apps import apps
from django.conf import settings

from observer import crypto

for model in sorted(apps.get_models(), key=lambda model: model._meta.label):
    if model._meta.label in ("sessions.Session",):
        continue
    for row in model.objects.order_by("pk").values():
        if model._meta.label in ("reports.Report", "reports.Refusal"):
            row["body"] = crypto.decrypt_body(bytes(row["body"]))
        print(model._meta.label, {key: bytes(v) if isinstance(v, memoryview) else v for key, v in row.items()})
for folder in (settings.SEALED_DIR, settings.PUBLIC_DIR, settings.PARTS_DIR):
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("lock."):
            print(path.relative_to(settings.DATA_DIR), hashlib.sha256(path.read_bytes()).hexdigest())
