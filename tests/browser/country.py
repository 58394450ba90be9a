"""Election data for tests of the phone's screens.

The pack of Kazakhstan, places with long names, and a checklist with every type of question.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command

from observer.models import Assignment, Commission, Election, Observer, Organisation
from observer.services.devices.enrolment import create_enrolment_code
from reports.models import Message
from tests.support.world import make_observer

SLUG = "kz-test"
NAMES = ["kk=Кезектен тыс президент сайлауы", "ru=Внеочередные выборы Президента", "en=Early presidential election"]
PLACES = [
    (
        "KZ",
        "",
        "central",
        "Орталық сайлау комиссиясы",
        "Центральная избирательная комиссия",
        "Central Election Commission",
    ),
    ("KZ-59", "KZ", "region", "Солтүстік Қазақстан облысы", "Северо-Казахстанская область", "North Kazakhstan"),
    ("KZ-59-01", "KZ-59", "district", "Қызылжар ауданы", "Кызылжарский район", "Kyzylzhar district"),
    *(
        (
            f"KZ-59-01-{n:04}",
            "KZ-59-01",
            "precinct",
            f"№ {n} сайлау учаскесі, Бескөл ауылының №{n} орта мектебі",
            f"Избирательный участок № {n}, средняя школа № {n} села Бесколь",
            f"Polling station No. {n}, Beskol secondary school No. {n}",
        )
        for n in range(373, 379)
    ),
]
STATION = "KZ-59-01-0375"
TITLES = {
    "opening": {"en": "Opening of the polling station", "ru": "Открытие участка", "kk": "Сайлау учаскесінің ашылуы"},
    "voting": {"en": "Voting", "ru": "Голосование", "kk": "Дауыс беру"},
    "counting": {"en": "Counting of votes", "ru": "Подсчёт голосов", "kk": "Дауыс санау"},
    "incident": {"en": "Incident", "ru": "Происшествие", "kk": "Оқиға"},
    "every": {"en": "Every kind of question", "ru": "Все виды вопросов", "kk": "Сұрақтардың барлық түрі"},
}
# One of each type, in two sections, with a condition, a note, limits and hints.
EVERY_QUESTION_TYPE = [
    (
        "N01",
        "note",
        "Жәшіктерді көргенше кіріспеңіз.",
        "Не начинайте, пока не увидите урны.",
        "Do not begin before you have seen the boxes.",
        {},
    ),
    (
        "E01",
        "yes_no",
        "Сайлаушылар тізімінде бірдей болып көрінетін қолтаңбалар бар ма?",
        "Есть ли в списке избирателей подписи, кажущиеся одинаковыми?",
        "Are there seemingly identical signatures on the voter list?",
        {"required": "yes"},
    ),
    (
        "E02",
        "text",
        "Кім қол қойды?",
        "Кто подписывал?",
        "Who signed?",
        {"relevant_question": "E01", "relevant_answer": "yes"},
    ),
    (
        "E03",
        "choice",
        "Төрағаның жынысы қандай?",
        "Пол председателя?",
        "What is the sex of the chairperson?",
        {"choices": "f:Female:Женский:Әйел;m:Male:Мужской:Ер"},
    ),
    (
        "E04",
        "choices",
        "Кімдер болды?",
        "Кто присутствовал?",
        "Who was present?",
        {
            "choices": "p:Police:Полиция:Полиция;a:Akimat's officials:Работники акимата:Әкімдік қызметкерлері;x:Persons whom nobody could name:Люди, которых никто не смог назвать:Ешкім атын айта алмаған адамдар"
        },
    ),
    ("E05", "rating", "Жалпы баға", "Общая оценка", "Overall assessment", {}),
    (
        "E06",
        "integer",
        "Тізімде қанша сайлаушы бар?",
        "Сколько избирателей в списке?",
        "How many voters are on the list?",
        {"min": "0", "max": "3000", "required": "yes"},
    ),
    ("E07", "decimal", "Бөлменің ұзындығы, метр", "Длина помещения, м", "Length of the room, metres", {}),
    ("E08", "time", "Учаске қашан ашылды?", "Когда открылся участок?", "When did the station open?", {"section": "s2"}),
    ("E09", "date", "Хаттама күні", "Дата протокола", "Date of the protocol", {"section": "s2"}),
    ("E10", "location", "Қай жерде?", "Где это?", "Where is it?", {"section": "s2"}),
    ("E11", "photo", "Хаттаманы түсіріңіз", "Сфотографируйте протокол", "Photograph the protocol", {"section": "s2"}),
    ("E12", "file", "Бейне не дыбыс", "Видео или звук", "Video or sound", {"section": "s2"}),
    ("E13", "violation", "Не болды?", "Что произошло?", "What happened?", {"section": "s2", "violation_answer": "*"}),
]


@dataclass(frozen=True, slots=True)
class Country:
    """An election today with one observer; `new_code` gives an enrolment code for one more phone."""

    election: Election
    observer: Observer

    def new_code(self) -> str:
        return create_enrolment_code(observer=self.observer, election=self.election, now=datetime.now(UTC))


def make_country(folder: Path) -> Country:
    names = [part for name in NAMES for part in ("--name", name)]
    call_command("create_election", SLUG, *names, "--date", datetime.now(UTC).date().isoformat(), verbosity=0)
    header = ("code", "parent", "level", "name_kk", "name_ru", "name_en")
    _write_csv(folder / "places.csv", [header, *PLACES])
    call_command("import_commissions", str(folder / "places.csv"), election=SLUG, verbosity=0)
    _write_checklist(folder / "every")
    call_command("import_checklist", str(folder / "every"), election=SLUG, verbosity=0)
    election = Election.objects.get(slug=SLUG)
    Commission.objects.filter(code=STATION).update(lat=54.76, lon=69.12)
    titles = {"kk": "Тәуелсіз байқаушылар", "ru": "Независимые наблюдатели", "en": "Independent observers"}
    organisation = Organisation.objects.create(code="independent", names=titles)
    observer = make_observer("OB-7F3K", organisation, language="kk")
    place = Commission.objects.get(election=election, code=STATION)
    Assignment.objects.create(election=election, commission=place).observers.add(observer)
    texts = {
        "kk": "Сағат 12:00-ге дейін сайлаушылардың келуі туралы мәлімет жіберіңіз.",
        "ru": "Пришлите сведения о явке до 12:00.",
        "en": "Send the turnout figures before 12:00.",
    }
    Message.objects.create(election=election, texts=texts, sent_at=datetime.now(UTC))
    return Country(election, observer)


def _write_checklist(folder: Path) -> None:
    folder.mkdir()
    index = ("code", "stage", "title_en", "title_ru", "title_kk", "place_level", "repeat")
    title = (
        "every",
        "voting",
        "Every kind of question",
        "Все виды вопросов",
        "Сұрақтардың барлық түрі",
        "precinct",
        "visit",
    )
    _write_csv(folder / "index.csv", [index, title])
    extra = ("section", "choices", "required", "relevant_question", "relevant_answer", "min", "max", "violation_answer")
    header = (
        "code",
        "type",
        "label_kk",
        "label_ru",
        "label_en",
        "section_kk",
        "section_ru",
        "section_en",
        "hint_kk",
        "hint_ru",
        "hint_en",
        *extra,
    )
    titles = {"s1": ("Дауыс беру", "Голосование", "Voting"), "s2": ("Хаттама", "Протокол", "Protocol")}
    hint = (
        "Тізімнің соңғы бетін қараңыз.",
        "Посмотрите на последнюю страницу списка.",
        "Look at the last page of the list.",
    )
    rows = []
    for code, kind, kk, ru, en, more in EVERY_QUESTION_TYPE:
        cells = {"section": "s1"} | more
        hints = hint if code == "E06" else ("", "", "")
        rows.append(
            (code, kind, kk, ru, en, *titles[cells["section"]], *hints, *(cells.get(name, "") for name in extra))
        )
    _write_csv(folder / "every.csv", [header, *rows])


def _write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
