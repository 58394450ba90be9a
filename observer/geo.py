"""Distances on Earth."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_METRES = 6_371_000


def compute_distance_metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance in metres between two places given in degrees."""
    a, b = radians(lat), radians(other_lat)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_METRES * asin(min(1.0, sqrt(half)))
