"""Region outlines of a country, from its pack."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from observer.models import Election


def load_map(election: Election) -> dict[str, Any] | None:
    """Load the GeoJSON of the election's pack (`*-regions.geojson`).

    None where there is none.
    """
    folder: Path = settings.PACKS_DIR / election.pack
    if not election.pack or not folder.is_dir():
        return None
    return _read_geojson(next(iter(sorted(folder.glob("*-regions.geojson"))), None))


@lru_cache(maxsize=8)
def _read_geojson(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def get_feature_codes(feature: dict[str, Any]) -> set[str]:
    """Get the commission codes that this feature may stand for.

    They are such as `KZ-10` and `10`.
    """
    return {str(one) for one in (feature.get("id"), feature.get("properties", {}).get("region")) if one}
