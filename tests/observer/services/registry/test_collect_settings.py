"""The QR code that sets up ODK Collect."""

import base64
import json
import zlib

from django.utils.translation import override

from observer.models import Election, Observer
from observer.services.registry import collect_settings as module
from observer.services.registry.collect_settings import collect_settings


def test_carries_what_collect_reads(monkeypatch):
    drawn: list[str] = []

    def make(content: str, **options: object) -> object:
        drawn.append(content)
        return real(content, **options)

    real = module.segno.make
    monkeypatch.setattr(module.segno, "make", make)
    address = "https://observe.example.org/api/openrosa/k/" + "A" * 43
    election = Election(slug="kz", names={"kk": "Сайлау", "ru": "Выборы"}, languages=["kk", "ru"])
    with override("en"):
        made = collect_settings(observer=Observer(language="ru"), election=election, address=address)
    said = json.loads(zlib.decompress(base64.b64decode(drawn[0])))
    assert said["general"]["server_url"] == address
    assert said["general"]["form_update_mode"] == "match_exactly"
    assert said["general"]["autosend"] == "wifi_and_cellular"
    assert said["general"]["analytics"] is False
    assert said["project"] == {"name": "Выборы"}
    assert set(said) == {"general", "admin", "project"}
    assert made.address == address and made.qr.startswith("data:image/svg+xml")
