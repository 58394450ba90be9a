"""Reports over the day as a picture: one bar an hour, from zero, with its numbers beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_date

from reports.pages.http.formats import locale_of, number

WIDTH, HEIGHT, BASE, TOP = 720, 220, 180, 24
HOURS_MAX = 60  # more than two days and a half of bars cannot be read


@dataclass(frozen=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    hour: str
    day: str
    count: str
    middle: str
    labelled: bool
    value: int
    key: str


@dataclass(frozen=True)
class HoursView:
    bars: tuple[Bar, ...]
    most: str
    most_y: int
    base: int
    width: int
    height: int
    outside: str


def hours_view(hours: Mapping[str, int], language: str) -> HoursView | None:
    """Of `{"2022-11-20T07": 16}`, hours without reports between included. None where there are none."""
    if not hours:
        return None
    times = sorted(datetime.strptime(hour, "%Y-%m-%dT%H") for hour in hours)
    # Where a few reports lie far from the day, the day is shown and their number said.
    middle = max(hours, key=lambda hour: (hours[hour], hour))
    centre = datetime.strptime(middle, "%Y-%m-%dT%H")
    first, last = max(times[0], centre - timedelta(hours=30)), min(times[-1], centre + timedelta(hours=30))
    listed = [first + timedelta(hours=n) for n in range(int((last - first).total_seconds()) // 3600 + 1)]
    shown = {moment: hours.get(f"{moment:%Y-%m-%dT%H}", 0) for moment in listed}
    most = max(shown.values())
    step = WIDTH / len(listed)
    bars = []
    for place, (moment, n) in enumerate(shown.items()):
        high = (BASE - TOP) * n / most
        every = 3 if len(listed) > 18 else 2
        bars.append(
            Bar(
                x=f"{place * step + step * 0.1:.1f}",
                y=f"{BASE - high:.1f}",
                width=f"{step * 0.8:.1f}",
                height=f"{high:.1f}",
                hour=f"{moment:%H}",
                count=number(n, language),
                value=n,
                day=format_date(moment.date(), "d MMM", locale=locale_of(language)),
                middle=f"{place * step + step / 2:.1f}",
                labelled=moment.hour % every == 0,
                key=f"{moment:%Y-%m-%dT%H}",
            )
        )
    outside = sum(hours.values()) - sum(shown.values())
    return HoursView(
        tuple(bars), number(most, language), TOP, BASE, WIDTH, HEIGHT, number(outside, language) if outside else ""
    )
