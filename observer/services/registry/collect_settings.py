"""Settings for ODK Collect and KoboCollect as a QR code.

"Scan QR code" in the app reads them. The format is Collect's: JSON, compressed by zlib, in base64
(https://docs.getodk.org/collect-import-export/).
"""

import base64
import json
import zlib
from dataclasses import dataclass

import segno

from observer.models import Election, Observer
from observer.words import get_translation


@dataclass(frozen=True, slots=True)
class CollectSettings:
    """The server address with the device's token, and the QR code.

    Both are shown once.
    """

    address: str
    qr: str  # an SVG as a data URI


def build_collect_settings(*, observer: Observer, election: Election, address: str) -> CollectSettings:
    """Builds the settings with which the app uses this server.

    The app gets forms as they are published, sends reports as soon as there is a network, and sends no analytics.
    """
    settings = {
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
        "project": {"name": get_translation(election.names, observer.language, election.languages) or election.slug},
    }
    encoded = base64.b64encode(zlib.compress(json.dumps(settings, ensure_ascii=False).encode(), 9)).decode()
    code = segno.make(encoded, error="l", micro=False)
    return CollectSettings(address, code.svg_data_uri(scale=4, border=4, light="white"))
