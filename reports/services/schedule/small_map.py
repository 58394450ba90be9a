"""A small map of a station and a phone. Pure.

It has no tiles. All positions are in a square of 100 by 100.
"""

from dataclasses import dataclass
from math import cos, log10, radians

from observer.geo import compute_distance_metres

CENTRE = 50.0
MAX_OFFSET = 36.0  # of the outermost point from the centre, in one direction
MIN_RADIUS_METRES = 100.0  # shown at least from the centre to MAX_OFFSET
METRES_PER_DEGREE = 111_195.0  # of latitude


@dataclass(frozen=True, slots=True)
class SmallMap:
    """Positions on the map; the station is in the centre.

    `x`, `y`: the phone; `around`: the radius of its accuracy; `distance`: from station to phone in metres;
    `bar`: metres of the scale bar, and `bar_length` its length on the map.
    """

    x: float
    y: float
    around: float
    distance: int
    bar: int
    bar_length: float


def build_small_map(*, station: tuple[float, float], phone: tuple[float, float], accuracy: float | None) -> SmallMap:
    north = (phone[0] - station[0]) * METRES_PER_DEGREE
    east = ((phone[1] - station[1] + 180) % 360 - 180) * METRES_PER_DEGREE * cos(radians(station[0]))
    radius_metres = max(abs(north), abs(east), MIN_RADIUS_METRES)
    scale = MAX_OFFSET / radius_metres
    bar = 10 ** int(log10(radius_metres))
    return SmallMap(
        x=round(CENTRE + east * scale, 1),
        y=round(CENTRE - north * scale, 1),
        around=round(min(max((accuracy or 0) * scale, 0.0), CENTRE), 1),
        distance=round(compute_distance_metres(*station, *phone)),
        bar=bar,
        bar_length=round(bar * scale, 1),
    )
