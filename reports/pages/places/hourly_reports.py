"""Bar chart of reports by hour of the day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_date

from reports.pages.http.formats import format_number, get_locale

CHART_WIDTH, CHART_HEIGHT, BASELINE_Y, TOP_Y = 720, 220, 180, 24
MAX_HOURS = 60  # more than two days and a half of bars cannot be read


@dataclass(frozen=True)
class HourBar:
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
    bars: tuple[HourBar, ...]
    most: str
    most_y: int
    base: int
    width: int
    height: int
    outside: str


def build_hours_view(hours: Mapping[str, int], language: str) -> HoursView | None:
    """Build the bar chart; None where there are no reports.

    `hours`: report counts by hour, such as `{"2022-11-20T07": 16}`.

    Hours without reports between others are included. Only hours within 30 hours of the busiest one are drawn;
    `outside` is the number of the other reports.
    """
    if not hours:
        return None
    times = sorted(datetime.strptime(hour, "%Y-%m-%dT%H") for hour in hours)
    # A few reports may be far from election day: the chart shows that day, and the page gives their number.
    busiest = max(hours, key=lambda hour: (hours[hour], hour))
    centre = datetime.strptime(busiest, "%Y-%m-%dT%H")
    first, last = max(times[0], centre - timedelta(hours=30)), min(times[-1], centre + timedelta(hours=30))
    moments = [first + timedelta(hours=n) for n in range(int((last - first).total_seconds()) // 3600 + 1)]
    shown = {moment: hours.get(f"{moment:%Y-%m-%dT%H}", 0) for moment in moments}
    most = max(shown.values())
    step = CHART_WIDTH / len(moments)
    bars = []
    for index, (moment, n) in enumerate(shown.items()):
        bar_height = (BASELINE_Y - TOP_Y) * n / most
        label_step = 3 if len(moments) > 18 else 2
        bars.append(
            HourBar(
                x=f"{index * step + step * 0.1:.1f}",
                y=f"{BASELINE_Y - bar_height:.1f}",
                width=f"{step * 0.8:.1f}",
                height=f"{bar_height:.1f}",
                hour=f"{moment:%H}",
                count=format_number(n, language),
                value=n,
                day=format_date(moment.date(), "d MMM", locale=get_locale(language)),
                middle=f"{index * step + step / 2:.1f}",
                labelled=moment.hour % label_step == 0,
                key=f"{moment:%Y-%m-%dT%H}",
            )
        )
    outside = sum(hours.values()) - sum(shown.values())
    return HoursView(
        tuple(bars),
        format_number(most, language),
        TOP_Y,
        BASELINE_Y,
        CHART_WIDTH,
        CHART_HEIGHT,
        format_number(outside, language) if outside else "",
    )
