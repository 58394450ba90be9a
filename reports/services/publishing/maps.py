"""The outlines of a country's regions, where its pack brings them."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from observer.models import Election


def map_of(election: Election) -> dict[str, Any] | None:
    """The pack's GeoJSON (`*-regions.geojson`), or None where there is none."""
    folder: Path = settings.PACKS_DIR / election.pack
    if not election.pack or not folder.is_dir():
        return None
    return _read(next(iter(sorted(folder.glob("*-regions.geojson"))), None))


@lru_cache(maxsize=8)
def _read(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def shape_names(feature: dict[str, Any]) -> set[str]:
    """What a commission's code may be for this feature to be its outline: `KZ-10`, `10`."""
    return {str(one) for one in (feature.get("id"), feature.get("properties", {}).get("region")) if one}
