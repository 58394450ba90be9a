"""A station and where the phone was, on a small map without tiles: positions in a square of 100. Pure."""

from dataclasses import dataclass
from math import cos, log10, radians

from observer.geo import metres_between

HALF = 50.0
ROOM = 36.0  # how far from the middle the outermost point lies
LEAST = 100.0  # metres that are shown at least from the middle to the edge of that room
DEGREE = 111_195.0  # metres of a degree of latitude


@dataclass(frozen=True, slots=True)
class SmallMap:
    """`x`, `y` and `around`: the phone and its accuracy; the station is in the middle. `bar`: metres of a scale bar."""

    x: float
    y: float
    around: float
    distance: int
    bar: int
    bar_length: float


def small_map(*, station: tuple[float, float], phone: tuple[float, float], accuracy: float | None) -> SmallMap:
    north = (phone[0] - station[0]) * DEGREE
    east = ((phone[1] - station[1] + 180) % 360 - 180) * DEGREE * cos(radians(station[0]))
    reach = max(abs(north), abs(east), LEAST)
    scale = ROOM / reach
    bar = 10 ** int(log10(reach))
    return SmallMap(
        x=round(HALF + east * scale, 1),
        y=round(HALF - north * scale, 1),
        around=round(min(max((accuracy or 0) * scale, 0.0), HALF), 1),
        distance=round(metres_between(*station, *phone)),
        bar=bar,
        bar_length=round(bar * scale, 1),
    )
