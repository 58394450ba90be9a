"""The QR code with the settings for ODK Collect."""

import base64
import json
import zlib

from django.utils.translation import override

from observer.models import Election, Observer
from observer.services.registry import collect_settings as module
from observer.services.registry.collect_settings import build_collect_settings


def test_carries_what_collect_reads(monkeypatch):
    encoded: list[str] = []

    def make(content: str, **options: object) -> object:
        encoded.append(content)
        return real(content, **options)

    real = module.segno.make
    monkeypatch.setattr(module.segno, "make", make)
    address = "https://observe.example.org/api/openrosa/k/" + "A" * 43
    election = Election(slug="kz", names={"kk": "Сайлау", "ru": "Выборы"}, languages=["kk", "ru"])
    with override("en"):
        made = build_collect_settings(observer=Observer(language="ru"), election=election, address=address)
    settings = json.loads(zlib.decompress(base64.b64decode(encoded[0])))
    assert settings["general"]["server_url"] == address
    assert settings["general"]["form_update_mode"] == "match_exactly"
    assert settings["general"]["autosend"] == "wifi_and_cellular"
    assert settings["general"]["analytics"] is False
    assert settings["project"] == {"name": "Выборы"}
    assert set(settings) == {"general", "admin", "project"}
    assert made.address == address and made.qr.startswith("data:image/svg+xml")
