"""The settings of ODK Collect (and KoboCollect) as the QR code that its "Scan QR code" takes.

The format is Collect's: JSON, zlib, base64 (https://docs.getodk.org/collect-import-export/).
"""

import base64
import json
import zlib
from dataclasses import dataclass

import segno

from observer.models import Election, Observer
from observer.words import in_language


@dataclass(frozen=True, slots=True)
class CollectSettings:
    """What is shown once: the address, which holds the device's token, and the picture that carries it."""

    address: str
    qr: str  # an SVG as a data URI


def collect_settings(*, observer: Observer, election: Election, address: str) -> CollectSettings:
    """Forms are taken as they are published, reports are sent as soon as there is a network, nothing is told to others."""
    content = {
        "general": {
            "protocol": "odk_default",
            "server_url": address,
            "form_update_mode": "match_exactly",
            "periodic_form_updates_check": "every_one_hour",
            "autosend": "wifi_and_cellular",
            "app_language": observer.language,
            "analytics": False,
        },
        "admin": {},
        "project": {"name": in_language(election.names, observer.language, election.languages) or election.slug},
    }
    packed = base64.b64encode(zlib.compress(json.dumps(content, ensure_ascii=False).encode(), 9)).decode()
    code = segno.make(packed, error="l", micro=False)
    return CollectSettings(address, code.svg_data_uri(scale=4, border=4, light="white"))
