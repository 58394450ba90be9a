"""Makes XLSForms, and brings them in."""

from typing import Any

import pytest

from observer.services.spreadsheets.tables import BadTable
from reports.models import Checklist, ChecklistVersion, Question
from reports.services.checklists.publishing import xlsform_import
from reports.services.checklists.xlsform.write import workbook_bytes
from tests.support.world import DAY, World

SETTINGS = {"form_id": "harbour", "form_title": "Harbour"}
YES_NO = [{"list_name": "yn", "name": name, "label": name} for name in ("yes", "no")]


def book(survey: list[dict[str, Any]], choices: Any = YES_NO, setup: dict[str, str] | None = None) -> bytes:
    return workbook_bytes({"survey": survey, "choices": list(choices), "settings": [SETTINGS | (setup or {})]})


def row(type_: str, name: str, **more: str) -> dict[str, str]:
    return {
        "type": type_,
        "name": name,
        "label": f"About {name}",
        **{k.replace("__", "::"): v for k, v in more.items()},
    }


def bring(world: World, source: bytes, files: dict[str, bytes] | None = None) -> ChecklistVersion:
    done = xlsform_import(election=world.election, source=source, file="form.xlsx", files=files or {}, now=DAY)
    return done.new[0]


def questions(version: ChecklistVersion) -> dict[str, Question]:
    return {one.code: one for one in version.questions.select_related("section")}


def complaints(world: World, source: bytes, files: dict[str, bytes] | None = None) -> list[str]:
    with pytest.raises(BadTable) as refused:
        bring(world, source, files)
    assert not Checklist.objects.filter(code="harbour").exists()
    return [str(line) for line in refused.value.lines]


EVERYTHING = book(
    [
        {"type": "start", "name": "start"},
        {"type": "deviceid", "name": "deviceid"},
        {
            "type": "begin_group",
            "name": "first",
            "label": "First",
            "appearance": "field-list",
            "relevant": "${H01} = 'yes' or ${H01} = 'no'",
        },
        row("select_one yn", "H02", hint="Look twice", violation_answer="no", violation_code="ACC-03", required="yes"),
        row("select_one boats", "H03", relevant="${H02} = 'yes'", appearance="minimal"),
        {"type": "end_group"},
        row("select_one yn", "H01", media__image="box.jpg", guidance_hint="For trainers"),
        row("select_multiple boats", "H04"),
        row("integer", "H05", constraint=". >= 0 and . <= 50", constraint_message="Too many", control_figure="A"),
        row("decimal", "H06", constraint=". > ${H05}", relevant="${H05} > 3", required="${H05} > 5"),
        row("text", "H07", relevant="selected(${H04}, 'red') or selected(${H04}, 'blue')", default="none"),
        row("date", "H08"),
        row("time", "H09"),
        row("image", "H10", parameters="max-pixels=1000"),
        row("audio", "H11", media__audio="hum.mp3"),
        row("file", "H12"),
        row("geopoint", "H13"),
        row("note", "H14"),
        row("barcode", "H15"),
        row("select_one violations", "H16", violation_answer="*"),
        row("select_one rating", "H17"),
        row("text", "H18", sms_code="T"),
    ],
    [
        *YES_NO,
        {"list_name": "boats", "name": "red", "label": "Red", "media::image": "box.jpg"},
        {"list_name": "boats", "name": "blue", "label": "Blue"},
        *({"list_name": "rating", "name": name, "label": name} for name in ("very_good", "good", "bad", "very_bad")),
        {"list_name": "violations", "name": "ACC-01", "label": "Access"},
    ],
    {
        "stage": "docks",
        "repeat": "once",
        "place_level": "any",
        "checklist_title::English (en)": "The harbour",
        "checklist_title::Русский (ru)": "Порт",
        "checklist_title::kk": "Айлақ",
        "order": "7",
    },
)
