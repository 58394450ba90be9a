"""The tree: twenty real regions, and below them districts and precincts that say they are invented."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path

from reports.management.demo.chance import chance

ROOT = "KZ"
PRECINCTS = 1200
UNPUBLISHED = 1831  # polling stations of the five regions for which no number was published, together
EXAMPLE = ("75", 375)  # the station of the documentation's examples
ZONES = {"15": "Asia/Aqtobe", "23": "Asia/Atyrau", "27": "Asia/Oral", "43": "Asia/Qyzylorda", "47": "Asia/Aqtau"}
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
    code: str
    names: Mapping[str, str]
    stations: int
    rings: Sequence[Sequence[Ring]]

    @property
    def outer(self) -> Ring:
        """The outline of the largest part."""
        return max((part[0] for part in self.rings), key=len)


def commissions_csv(pack: Path) -> bytes:
    """What `import_commissions` takes: one root, 20 regions, their districts, 1,200 precincts."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(_rows(regions(pack)))
    return out.getvalue().encode()


def regions(pack: Path) -> list[Region]:
    """The 20 real regions in the order of their codes, with outlines."""
    shapes = json.loads((pack / "kazakhstan-regions.geojson").read_text("utf-8"))["features"]
    outlines = {shape["properties"]["region"]: shape["geometry"] for shape in shapes}
    with (pack / "regions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    unknown = sum(not row["polling_stations_2022"] for row in rows)
    return [
        Region(
            code=row["code"],
            names={language: row[f"name_{language}"] for language in LANGUAGES},
            stations=int(row["polling_stations_2022"] or UNPUBLISHED // unknown),
            rings=_parts(outlines[row["code"]]),
        )
        for row in rows
    ]


def _parts(geometry: Mapping[str, Sequence]) -> Sequence[Sequence[Ring]]:  # type: ignore[type-arg]
    return geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]


def _rows(all_regions: Sequence[Region]) -> Iterator[dict[str, object]]:
    yield {
        "code": ROOT,
        "parent": "",
        "level": "central",
        "name_kk": "Қазақстан",
        "name_ru": "Казахстан",
        "name_en": "Kazakhstan",
    }
    shares = apportioned([region.stations for region in all_regions], PRECINCTS)
    for region, number in zip(all_regions, shares, strict=True):
        code = f"{ROOT}-{region.code}"
        yield {
            "code": code,
            "parent": ROOT,
            "level": "region",
            "timezone": ZONES.get(region.code, ""),
            **{f"name_{language}": region.names[language] for language in LANGUAGES},
        }
        yield from _below(region, code, number)


def _below(region: Region, code: str, precincts: int) -> Iterator[dict[str, object]]:
    districts = max(3, min(12, round(precincts / 18)))
    centres = []
    for district in range(1, districts + 1):
        centres.append(inside(region, code, district))
        yield {
            "code": f"{code}-{district:02}",
            "parent": code,
            "level": "district",
            "name_kk": f"{district}-аудандық комиссия, {region.names['kk']} (көрсетілім)",
            "name_ru": f"Районная комиссия {district}, {region.names['ru']} (демонстрация)",
            "name_en": f"District commission {district}, {region.names['en']} (demonstration)",
            "timezone": ZONES.get(region.code, ""),
        }
    for number in _numbers(region, precincts):
        district = (number - 1) * districts // region.stations + 1
        yield _precinct(region, f"{code}-{district:02}", number, centres[district - 1])


def _numbers(region: Region, precincts: int) -> list[int]:
    """Numbers of the stations shown, spread over those the region really has."""
    numbers = [floor((place + 0.5) * region.stations / precincts) + 1 for place in range(precincts)]
    if region.code == EXAMPLE[0] and EXAMPLE[1] not in numbers:
        numbers[min(range(precincts), key=lambda place: abs(numbers[place] - EXAMPLE[1]))] = EXAMPLE[1]
    return numbers


def _precinct(region: Region, parent: str, number: int, centre: tuple[float, float]) -> dict[str, object]:
    code = f"{parent}-{number:04}"
    luck = chance("precinct", code)
    lon, lat = near(region, centre, luck.random(), code)
    kind = luck.choices(("ordinary", "hospital", "military", "remote"), (94, 3, 1, 2))[0]
    house = luck.randint(1, 120)
    return {
        "code": code,
        "parent": parent,
        "level": "precinct",
        "type": kind,
        "lat": f"{lat:.6f}",
        "lon": f"{lon:.6f}",
        "voters": min(3000, round(luck.triangular(120, 2600, 760))),
        "timezone": ZONES.get(region.code, ""),
        "name_kk": f"№ {number} сайлау учаскесі (ойдан шығарылған)",
        "name_ru": f"Избирательный участок № {number} (вымышленный)",
        "name_en": f"Polling station No. {number} (synthetic)",
        "address_kk": f"Көрсетілім көшесі, {house}",
        "address_ru": f"улица Демонстрационная, {house}",
        "address_en": f"Demonstration street {house}",
    }


def apportioned(weights: Sequence[int], total: int) -> list[int]:
    """`total` split in proportion to `weights`, by largest remainders."""
    exact = [weight * total / sum(weights) for weight in weights]
    shares = [floor(one) for one in exact]
    by_remainder = sorted(range(len(weights)), key=lambda place: (shares[place] - exact[place], place))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


def contains(region: Region, lon: float, lat: float) -> bool:
    """Whether a point lies in the region: inside a part and in none of its holes."""
    return any(
        _in_ring(part[0], lon, lat) and not any(_in_ring(hole, lon, lat) for hole in part[1:]) for part in region.rings
    )


def _in_ring(ring: Ring, lon: float, lat: float) -> bool:
    crossings = False
    before = ring[-1]
    for here in ring:
        if (here[1] > lat) != (before[1] > lat):
            reach = (before[0] - here[0]) * (lat - here[1]) / (before[1] - here[1]) + here[0]
            crossings ^= lon < reach
        before = here
    return crossings


def inside(region: Region, *about: object) -> tuple[float, float]:
    """A point of the region, the same for the same `about`."""
    luck = chance("inside", *about)
    lons, lats = [point[0] for point in region.outer], [point[1] for point in region.outer]
    while True:
        lon, lat = luck.uniform(min(lons), max(lons)), luck.uniform(min(lats), max(lats))
        if contains(region, lon, lat):
            return lon, lat


def near(region: Region, centre: tuple[float, float], spread: float, *about: object) -> tuple[float, float]:
    """A point of the region about its district's centre: where people live, not evenly over the steppe."""
    luck = chance("near", *about)
    lons, lats = [point[0] for point in region.outer], [point[1] for point in region.outer]
    wide, high = (max(lons) - min(lons)) / 12, (max(lats) - min(lats)) / 12
    while True:
        lon = luck.gauss(centre[0], wide * (0.2 + spread))
        lat = luck.gauss(centre[1], high * (0.2 + spread))
        if contains(region, lon, lat):
            return lon, lat
