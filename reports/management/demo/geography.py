"""Commissions of the demonstration: 20 real regions, with districts and precincts named as invented."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path

from reports.management.demo.seeded_random import make_random

ROOT_CODE = "KZ"
PRECINCT_COUNT = 1200
UNPUBLISHED_STATION_COUNT = 1831  # polling stations of the five regions for which no number was published, together
EXAMPLE_STATION = ("75", 375)  # the station of the documentation's examples
REGION_TIMEZONES = {
    "15": "Asia/Aqtobe",
    "23": "Asia/Atyrau",
    "27": "Asia/Oral",
    "43": "Asia/Qyzylorda",
    "47": "Asia/Aqtau",
}
LANGUAGES = ("kk", "ru", "en")
COLUMNS = (
    "code",
    "parent",
    "level",
    "name_kk",
    "name_ru",
    "name_en",
    "address_kk",
    "address_ru",
    "address_en",
    "lat",
    "lon",
    "voters",
    "type",
    "timezone",
)

Ring = Sequence[Sequence[float]]  # lon, lat


@dataclass(frozen=True)
class Region:
    """A real region: its number of polling stations, and its polygons (an outer ring, then holes)."""

    code: str
    names: Mapping[str, str]
    stations: int
    rings: Sequence[Sequence[Ring]]

    @property
    def outline(self) -> Ring:
        """The outer ring of the largest polygon."""
        return max((part[0] for part in self.rings), key=len)


def build_commissions_csv(pack: Path) -> bytes:
    """Builds the CSV for `import_commissions`: one root, 20 regions, their districts, 1,200 precincts."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(_make_rows(load_regions(pack)))
    return out.getvalue().encode()


def load_regions(pack: Path) -> list[Region]:
    """Loads the 20 real regions in the order of their codes, with their polygons."""
    shapes = json.loads((pack / "kazakhstan-regions.geojson").read_text("utf-8"))["features"]
    outlines = {shape["properties"]["region"]: shape["geometry"] for shape in shapes}
    with (pack / "regions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    unknown = sum(not row["polling_stations_2022"] for row in rows)
    return [
        Region(
            code=row["code"],
            names={language: row[f"name_{language}"] for language in LANGUAGES},
            stations=int(row["polling_stations_2022"] or UNPUBLISHED_STATION_COUNT // unknown),
            rings=_get_polygons(outlines[row["code"]]),
        )
        for row in rows
    ]


def _get_polygons(geometry: Mapping[str, Sequence]) -> Sequence[Sequence[Ring]]:  # type: ignore[type-arg]
    return geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]


def _make_rows(all_regions: Sequence[Region]) -> Iterator[dict[str, object]]:
    yield {
        "code": ROOT_CODE,
        "parent": "",
        "level": "central",
        "name_kk": "Қазақстан",
        "name_ru": "Казахстан",
        "name_en": "Kazakhstan",
    }
    shares = apportion([region.stations for region in all_regions], PRECINCT_COUNT)
    for region, number in zip(all_regions, shares, strict=True):
        code = f"{ROOT_CODE}-{region.code}"
        yield {
            "code": code,
            "parent": ROOT_CODE,
            "level": "region",
            "timezone": REGION_TIMEZONES.get(region.code, ""),
            **{f"name_{language}": region.names[language] for language in LANGUAGES},
        }
        yield from _make_region_rows(region, code, number)


def _make_region_rows(region: Region, code: str, precincts: int) -> Iterator[dict[str, object]]:
    districts = max(3, min(12, round(precincts / 18)))
    centres = []
    for district in range(1, districts + 1):
        centres.append(pick_point(region, code, district))
        yield {
            "code": f"{code}-{district:02}",
            "parent": code,
            "level": "district",
            "name_kk": f"{district}-аудандық комиссия, {region.names['kk']} (көрсетілім)",
            "name_ru": f"Районная комиссия {district}, {region.names['ru']} (демонстрация)",
            "name_en": f"District commission {district}, {region.names['en']} (demonstration)",
            "timezone": REGION_TIMEZONES.get(region.code, ""),
        }
    for number in _choose_station_numbers(region, precincts):
        district = (number - 1) * districts // region.stations + 1
        yield _make_precinct_row(region, f"{code}-{district:02}", number, centres[district - 1])


def _choose_station_numbers(region: Region, precincts: int) -> list[int]:
    """Chooses station numbers, spread evenly over those that the region really has."""
    numbers = [floor((place + 0.5) * region.stations / precincts) + 1 for place in range(precincts)]
    if region.code == EXAMPLE_STATION[0] and EXAMPLE_STATION[1] not in numbers:
        numbers[min(range(precincts), key=lambda place: abs(numbers[place] - EXAMPLE_STATION[1]))] = EXAMPLE_STATION[1]
    return numbers


def _make_precinct_row(region: Region, parent: str, number: int, centre: tuple[float, float]) -> dict[str, object]:
    code = f"{parent}-{number:04}"
    rng = make_random("precinct", code)
    lon, lat = pick_point_near(region, centre, rng.random(), code)
    kind = rng.choices(("ordinary", "hospital", "military", "remote"), (94, 3, 1, 2))[0]
    house = rng.randint(1, 120)
    return {
        "code": code,
        "parent": parent,
        "level": "precinct",
        "type": kind,
        "lat": f"{lat:.6f}",
        "lon": f"{lon:.6f}",
        "voters": min(3000, round(rng.triangular(120, 2600, 760))),
        "timezone": REGION_TIMEZONES.get(region.code, ""),
        "name_kk": f"№ {number} сайлау учаскесі (ойдан шығарылған)",
        "name_ru": f"Избирательный участок № {number} (вымышленный)",
        "name_en": f"Polling station No. {number} (synthetic)",
        "address_kk": f"Көрсетілім көшесі, {house}",
        "address_ru": f"улица Демонстрационная, {house}",
        "address_en": f"Demonstration street {house}",
    }


def apportion(weights: Sequence[int], total: int) -> list[int]:
    """Splits `total` in proportion to `weights` by the method of largest remainders."""
    exact = [weight * total / sum(weights) for weight in weights]
    shares = [floor(one) for one in exact]
    by_remainder = sorted(range(len(weights)), key=lambda place: (shares[place] - exact[place], place))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


def is_inside(region: Region, lon: float, lat: float) -> bool:
    """Says whether a point lies in the region: inside a polygon and in none of its holes."""
    return any(
        _is_in_ring(part[0], lon, lat) and not any(_is_in_ring(hole, lon, lat) for hole in part[1:])
        for part in region.rings
    )


def _is_in_ring(ring: Ring, lon: float, lat: float) -> bool:
    crossings = False
    previous = ring[-1]
    for current in ring:
        if (current[1] > lat) != (previous[1] > lat):
            crossing_lon = (previous[0] - current[0]) * (lat - current[1]) / (previous[1] - current[1]) + current[0]
            crossings ^= lon < crossing_lon
        previous = current
    return crossings


def pick_point(region: Region, *seed: object) -> tuple[float, float]:
    """Picks a random point of the region, the same for the same `seed`."""
    rng = make_random("inside", *seed)
    lons, lats = [point[0] for point in region.outline], [point[1] for point in region.outline]
    while True:
        lon, lat = rng.uniform(min(lons), max(lons)), rng.uniform(min(lats), max(lats))
        if is_inside(region, lon, lat):
            return lon, lat


def pick_point_near(region: Region, centre: tuple[float, float], spread: float, *seed: object) -> tuple[float, float]:
    """Picks a random point of the region near a district's centre, the same for the same `seed`.

    `spread` (0 to 1) widens the area. Stations lie where people live, not evenly over the region.
    """
    rng = make_random("near", *seed)
    lons, lats = [point[0] for point in region.outline], [point[1] for point in region.outline]
    lon_deviation, lat_deviation = (max(lons) - min(lons)) / 12, (max(lats) - min(lats)) / 12
    while True:
        lon = rng.gauss(centre[0], lon_deviation * (0.2 + spread))
        lat = rng.gauss(centre[1], lat_deviation * (0.2 + spread))
        if is_inside(region, lon, lat):
            return lon, lat
