"""Submissions as ODK Collect sends them: `loadgen.py` fills the form that the platform serves, made from `form.xml`.

`form.xml` is imported as a checklist by way of an XLSForm of the same questions, and the form is
downloaded as a phone would, so that what is sent has all that a report needs: station, time, place.
"""

import csv
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.country import NOON, Country
from reports.models import Checklist
from reports.services.checklists.publishing import xlsform_import
from reports.services.checklists.xlsform.rows import Row
from reports.services.checklists.xlsform.write import workbook_bytes

HERE = Path(__file__).parent
XF, XH = "{http://www.w3.org/2002/xforms}", "{http://www.w3.org/1999/xhtml}"
TYPES = {"int": "integer", "string": "text", "binary": "image"}
STATION = "station_code"  # the form's own question for it: the platform asks by itself
WITH_PHOTO = 200  # kB


def checklist_make(country: Country) -> None:
    """Imports `form.xml` into the country's election; a second time changes nothing."""
    if not Checklist.objects.filter(election=country.election, code="bench_checklist").exists():
        source = workbook_bytes({"survey": list(_survey()), "choices": _choices(), "settings": [_settings()]})
        xlsform_import(election=country.election, source=source, file="form.xlsx", files={}, now=NOON)


def submissions_time(
    *, country: Country, port: int, connections: int, seconds: float, photo: bool
) -> dict[str, object]:
    """What `loadgen.py` says of one run."""
    with tempfile.TemporaryDirectory() as folder:
        form, phones = Path(folder) / "form.xml", Path(folder) / "phones.csv"
        base = f"http://127.0.0.1:{port}/api/openrosa/k"
        with urllib.request.urlopen(f"{base}/{country.tokens[0]}/forms/bench_checklist/1.xml") as answer:
            form.write_bytes(answer.read())
        with phones.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("token", "station"))
            writer.writerows(zip(country.tokens, country.stations, strict=False))
        said = subprocess.run(
            [
                sys.executable,
                str(HERE / "loadgen.py"),
                f"{base}/${{ctx:token}}/submission",
                "--form",
                str(form),
                "--csv",
                str(phones),
                "-c",
                str(connections),
                "-d",
                str(seconds),
                "--warmup",
                "3",
                *_values(),
                *(("--photo-kb", str(WITH_PHOTO)) if photo else ()),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    told: dict[str, object] = json.loads(said.stdout.splitlines()[-1])
    return told


def _values() -> Iterator[str]:
    """What `loadgen.py` cannot find in the form: choices that stand in a list of their own, the platform's questions."""
    fixed = {
        "_station": "${ctx:station}",
        "_station_code": "",
        "_observed_at": "2022-11-20T12:00:00.000+06:00",
        "_location": "48.0 67.0 0 0",
        "_outside": "",
        "_photo": "",
        "_publishable": "OK",
    }
    body = _root().find(f"{XH}body")
    assert body is not None
    for one in body.findall(f"{XF}select1"):
        fixed[one.get("ref", "").split("/")[-1]] = "${choice:yes|no}"
    for name, value in fixed.items():
        yield from ("--set", f"{name}={value}")


def _root() -> ElementTree.Element:
    return ElementTree.parse(HERE / "form.xml").getroot()


def _survey() -> Iterator[Row]:
    root = _root()
    binds = {one.get("nodeset", ""): one.get("type", "") for one in root.iter(f"{XF}bind")}
    body = root.find(f"{XH}body")
    assert body is not None
    for one in body:
        path = one.get("ref", "")
        name = path.split("/")[-1]
        if name != STATION:
            kind = "select_one yes_no" if one.tag == f"{XF}select1" else TYPES[binds[path]]
            yield {"type": kind, "name": name, "label": one.findtext(f"{XF}label") or name}


def _choices() -> list[Row]:
    return [{"list_name": "yes_no", "name": name, "label": name.capitalize()} for name in ("yes", "no")]


def _settings() -> Row:
    return {"form_id": "bench_checklist", "form_title": "Election-day checklist", "stage": "voting", "repeat": "visit"}
