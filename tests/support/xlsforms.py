"""XLSForms for tests: making and importing them."""

from typing import Any

import pytest

from observer.services.spreadsheets.tables import BadTable
from reports.models import Checklist, ChecklistVersion, Question
from reports.services.checklists.publishing import import_xlsform
from reports.services.checklists.xlsform.write import write_workbook
from tests.support.world import DAY, World

SETTINGS = {"form_id": "harbour", "form_title": "Harbour"}
YES_NO = [{"list_name": "yn", "name": name, "label": name} for name in ("yes", "no")]


def make_workbook(survey: list[dict[str, Any]], choices: Any = YES_NO, setup: dict[str, str] | None = None) -> bytes:
    return write_workbook({"survey": survey, "choices": list(choices), "settings": [SETTINGS | (setup or {})]})


def make_row(type_: str, name: str, **more: str) -> dict[str, str]:
    return {
        "type": type_,
        "name": name,
        "label": f"About {name}",
        **{k.replace("__", "::"): v for k, v in more.items()},
    }


def import_form(world: World, source: bytes, files: dict[str, bytes] | None = None) -> ChecklistVersion:
    done = import_xlsform(election=world.election, source=source, file="form.xlsx", files=files or {}, now=DAY)
    return done.new[0]


def load_questions(version: ChecklistVersion) -> dict[str, Question]:
    return {one.code: one for one in version.questions.select_related("section")}


def list_import_errors(world: World, source: bytes, files: dict[str, bytes] | None = None) -> list[str]:
    with pytest.raises(BadTable) as refused:
        import_form(world, source, files)
    assert not Checklist.objects.filter(code="harbour").exists()
    return [str(line) for line in refused.value.lines]


FULL_FORM = make_workbook(
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
        make_row(
            "select_one yn", "H02", hint="Look twice", violation_answer="no", violation_code="ACC-03", required="yes"
        ),
        make_row("select_one boats", "H03", relevant="${H02} = 'yes'", appearance="minimal"),
        {"type": "end_group"},
        make_row("select_one yn", "H01", media__image="box.jpg", guidance_hint="For trainers"),
        make_row("select_multiple boats", "H04"),
        make_row("integer", "H05", constraint=". >= 0 and . <= 50", constraint_message="Too many", control_figure="A"),
        make_row("decimal", "H06", constraint=". > ${H05}", relevant="${H05} > 3", required="${H05} > 5"),
        make_row("text", "H07", relevant="selected(${H04}, 'red') or selected(${H04}, 'blue')", default="none"),
        make_row("date", "H08"),
        make_row("time", "H09"),
        make_row("image", "H10", parameters="max-pixels=1000"),
        make_row("audio", "H11", media__audio="hum.mp3"),
        make_row("file", "H12"),
        make_row("geopoint", "H13"),
        make_row("note", "H14"),
        make_row("barcode", "H15"),
        make_row("select_one violations", "H16", violation_answer="*"),
        make_row("select_one rating", "H17"),
        make_row("text", "H18", sms_code="T"),
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
