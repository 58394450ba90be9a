"""Measures submissions as ODK Collect sends them, with `loadgen.py`.

`form.xml` is imported as a checklist by way of an XLSForm of the same questions, and the form that the platform
serves is downloaded as a phone would, so that what is sent has all that a report needs: station, time, place.
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
from reports.services.checklists.publishing import import_xlsform
from reports.services.checklists.xlsform.rows import Row
from reports.services.checklists.xlsform.write import write_workbook

FOLDER = Path(__file__).parent
XF, XH = "{http://www.w3.org/2002/xforms}", "{http://www.w3.org/1999/xhtml}"
QUESTION_TYPES = {"int": "integer", "string": "text", "binary": "image"}
STATION_QUESTION = "station_code"  # left out, because the platform asks for the station itself
PHOTO_KB = 200


def import_checklist(country: Country) -> None:
    """Imports `form.xml` into the country's election; a second time changes nothing."""
    if not Checklist.objects.filter(election=country.election, code="bench_checklist").exists():
        source = write_workbook(
            {
                "survey": list(_build_survey_rows()),
                "choices": _build_choices_rows(),
                "settings": [_build_settings_row()],
            }
        )
        import_xlsform(election=country.election, source=source, file="form.xlsx", files={}, now=NOON)


def measure_submissions(
    *, country: Country, port: int, connections: int, seconds: float, photo: bool
) -> dict[str, object]:
    """Returns the result of one run of `loadgen.py`."""
    with tempfile.TemporaryDirectory() as folder:
        form, phones = Path(folder) / "form.xml", Path(folder) / "phones.csv"
        base = f"http://127.0.0.1:{port}/api/openrosa/k"
        with urllib.request.urlopen(f"{base}/{country.tokens[0]}/forms/bench_checklist/1.xml") as answer:
            form.write_bytes(answer.read())
        with phones.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("token", "station"))
            writer.writerows(zip(country.tokens, country.stations, strict=False))
        process = subprocess.run(
            [
                sys.executable,
                str(FOLDER / "loadgen.py"),
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
                *_build_value_arguments(),
                *(("--photo-kb", str(PHOTO_KB)) if photo else ()),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    result: dict[str, object] = json.loads(process.stdout.splitlines()[-1])
    return result


def _build_value_arguments() -> Iterator[str]:
    """Yields the values that `loadgen.py` cannot find in the form.

    These are choices in a list of their own, and the platform's questions.
    """
    fixed = {
        "_station": "${ctx:station}",
        "_station_code": "",
        "_observed_at": "2022-11-20T12:00:00.000+06:00",
        "_location": "48.0 67.0 0 0",
        "_outside": "",
        "_photo": "",
        "_publishable": "OK",
    }
    body = _parse_form().find(f"{XH}body")
    assert body is not None
    for one in body.findall(f"{XF}select1"):
        fixed[one.get("ref", "").split("/")[-1]] = "${choice:yes|no}"
    for name, value in fixed.items():
        yield from ("--set", f"{name}={value}")


def _parse_form() -> ElementTree.Element:
    return ElementTree.parse(FOLDER / "form.xml").getroot()


def _build_survey_rows() -> Iterator[Row]:
    root = _parse_form()
    binds = {one.get("nodeset", ""): one.get("type", "") for one in root.iter(f"{XF}bind")}
    body = root.find(f"{XH}body")
    assert body is not None
    for one in body:
        path = one.get("ref", "")
        name = path.split("/")[-1]
        if name != STATION_QUESTION:
            kind = "select_one yes_no" if one.tag == f"{XF}select1" else QUESTION_TYPES[binds[path]]
            yield {"type": kind, "name": name, "label": one.findtext(f"{XF}label") or name}


def _build_choices_rows() -> list[Row]:
    return [{"list_name": "yes_no", "name": name, "label": name.capitalize()} for name in ("yes", "no")]


def _build_settings_row() -> Row:
    return {"form_id": "bench_checklist", "form_title": "Election-day checklist", "stage": "voting", "repeat": "visit"}
