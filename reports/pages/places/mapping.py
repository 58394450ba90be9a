"""Outlines on a flat page: GeoJSON as SVG paths in whole units. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, radians
from typing import Any

from reports.services.publishing.maps import shape_names

WIDTH = 1000
SMALL = 46  # an outline narrower than this is a city: it gets a disc to point at

Ring = Sequence[Sequence[float]]
Point = tuple[int, int]


@dataclass(frozen=True)
class Shape:
    """One commission's outline. `x`, `y`: where its figure stands. `disc`: a city, drawn larger than it is."""

    path: str
    x: int
    y: int
    disc: bool
    bottom: int


def shapes_of(geojson: Mapping[str, Any] | None, codes: Sequence[str]) -> dict[str, Shape]:
    """The outline of each commission that has one; none where not even half of them have."""
    if not geojson or not codes:
        return {}
    features = {name: feature for feature in geojson["features"] for name in shape_names(feature)}
    found = {code: features[code] for code in codes if code in features}
    if 2 * len(found) < len(codes) or len(found) < 2:
        return {}
    points = [point for feature in found.values() for part in _parts(feature) for ring in part for point in ring]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    narrow = cos(radians((south + north) / 2))
    scale = (WIDTH - 8) / ((east - west) * narrow)

    def place(point: Sequence[float]) -> Point:
        return round(4 + (point[0] - west) * narrow * scale), round(4 + (north - point[1]) * scale)

    shapes = {
        code: _shape([[list(map(place, ring)) for ring in part] for part in _parts(one)]) for code, one in found.items()
    }
    discs = [shape for shape in shapes.values() if shape.disc]
    return {code: shape if shape.disc else _aside(shape, discs) for code, shape in shapes.items()}


def _aside(shape: Shape, discs: Sequence[Shape]) -> Shape:
    """Its figure moved out of the way of a city's, which stands above its disc."""
    for disc in discs:
        if abs(shape.x - disc.x) < 80 and -52 < shape.y - disc.y < 30:
            return replace(shape, y=disc.y + 40 if shape.y > disc.y - 10 else disc.y - 48)
    return shape


def _parts(feature: Mapping[str, Any]) -> Sequence[Sequence[Ring]]:
    geometry = feature["geometry"]
    found: Sequence[Sequence[Ring]] = (
        geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    )
    return found


def _shape(parts: list[list[list[Point]]]) -> Shape:
    outer = max((part[0] for part in parts), key=lambda ring: abs(_area(ring)))
    x, y = _centre(outer)
    wide = max(p[0] for p in outer) - min(p[0] for p in outer)
    path = "".join(_path(ring) for part in parts for ring in part)
    return Shape(path, x, y, wide < SMALL, max(p[1] for p in outer))


def _path(ring: list[Point]) -> str:
    """Relative steps, and none that goes nowhere."""
    (x, y), text = ring[0], f"M{ring[0][0]} {ring[0][1]}l"
    steps = []
    for there in ring[1:]:
        dx, dy = there[0] - x, there[1] - y
        if dx or dy:
            steps.append(f"{dx} {dy}")
            x, y = there
    return text + " ".join(steps).replace(" -", "-") + "z" if steps else ""


def _area(ring: list[Point]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)) / 2


def _centre(ring: list[Point]) -> Point:
    area = _area(ring)
    if not area:
        return ring[0]
    pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))
    x = sum((a[0] + b[0]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * area)
    y = sum((a[1] + b[1]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * area)
    return round(x), round(y)
