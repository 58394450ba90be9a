"""Map outlines: GeoJSON projected to SVG paths in whole units. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, radians
from typing import Any

from reports.services.publishing.maps import get_feature_codes

MAP_WIDTH = 1000
MIN_OUTLINE_WIDTH = 46  # in SVG units; a narrower outline is a city and is drawn as a disc, which is easier to click

Ring = Sequence[Sequence[float]]
Point = tuple[int, int]


@dataclass(frozen=True)
class Shape:
    """One commission's outline.

    `x`, `y`: the position of its label. `disc`: drawn as a disc, larger than it is.
    """

    path: str
    x: int
    y: int
    disc: bool
    bottom: int


def build_shapes(geojson: Mapping[str, Any] | None, codes: Sequence[str]) -> dict[str, Shape]:
    """Build the shape of each commission that has an outline.

    None where fewer than half of them have one.
    """
    if not geojson or not codes:
        return {}
    features = {code: feature for feature in geojson["features"] for code in get_feature_codes(feature)}
    found = {code: features[code] for code in codes if code in features}
    if 2 * len(found) < len(codes) or len(found) < 2:
        return {}
    points = [point for feature in found.values() for part in _get_polygons(feature) for ring in part for point in ring]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    longitude_scale = cos(radians((south + north) / 2))
    scale = (MAP_WIDTH - 8) / ((east - west) * longitude_scale)

    def project(point: Sequence[float]) -> Point:
        return round(4 + (point[0] - west) * longitude_scale * scale), round(4 + (north - point[1]) * scale)

    shapes = {
        code: _build_shape([[list(map(project, ring)) for ring in part] for part in _get_polygons(one)])
        for code, one in found.items()
    }
    discs = [shape for shape in shapes.values() if shape.disc]
    return {code: shape if shape.disc else _move_label_aside(shape, discs) for code, shape in shapes.items()}


def _move_label_aside(shape: Shape, discs: Sequence[Shape]) -> Shape:
    """Move a shape's label away from a city's label.

    A city's label is above its disc.
    """
    for disc in discs:
        if abs(shape.x - disc.x) < 80 and -52 < shape.y - disc.y < 30:
            return replace(shape, y=disc.y + 40 if shape.y > disc.y - 10 else disc.y - 48)
    return shape


def _get_polygons(feature: Mapping[str, Any]) -> Sequence[Sequence[Ring]]:
    geometry = feature["geometry"]
    found: Sequence[Sequence[Ring]] = (
        geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    )
    return found


def _build_shape(parts: list[list[list[Point]]]) -> Shape:
    outer = max((part[0] for part in parts), key=lambda ring: abs(_compute_area(ring)))
    x, y = _compute_centroid(outer)
    width = max(p[0] for p in outer) - min(p[0] for p in outer)
    path = "".join(_build_path(ring) for part in parts for ring in part)
    return Shape(path, x, y, width < MIN_OUTLINE_WIDTH, max(p[1] for p in outer))


def _build_path(ring: list[Point]) -> str:
    """Build the SVG path of a ring.

    It has relative steps, and none of length zero.
    """
    (x, y), text = ring[0], f"M{ring[0][0]} {ring[0][1]}l"
    steps = []
    for point in ring[1:]:
        dx, dy = point[0] - x, point[1] - y
        if dx or dy:
            steps.append(f"{dx} {dy}")
            x, y = point
    return text + " ".join(steps).replace(" -", "-") + "z" if steps else ""


def _compute_area(ring: list[Point]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)) / 2


def _compute_centroid(ring: list[Point]) -> Point:
    area = _compute_area(ring)
    if not area:
        return ring[0]
    pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))
    x = sum((a[0] + b[0]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * area)
    y = sum((a[1] + b[1]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * area)
    return round(x), round(y)
