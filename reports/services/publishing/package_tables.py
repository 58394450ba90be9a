"""Tables of a release's data package, built from its parts. Pure.

Field descriptions are in English, like the column names; names and questions are in all the election's languages.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.services.figures.csv_rows import build_summary_rows
from reports.services.publishing.codebook import Codebook

Row = Sequence[Any]
PartReader = Callable[[], Iterable[tuple[str, Any]]]


@dataclass(frozen=True)
class Table:
    """One CSV table.

    `fields`: (name, Table Schema type, description). `key`: the fields of the primary key.
    """

    name: str
    title: str
    fields: Sequence[tuple[str, str, str]]
    rows: Callable[[], Iterator[Row]]
    key: Sequence[str] = ()


PLACE_FIELD = ("place", "string", "code of the commission; of a report about a station, of the commission above it")
COUNT_FIELD = ("n", "integer", "how many such reports there are: equal rows stand once")
REPORT_FIELDS = [
    ("stage", "string", "stage of the election day"),
    ("checklist", "string", "code of the checklist"),
    ("contest", "string", "code of the contest, where the report is about one"),
    ("slot", "string", "reporting time or other slot, where the checklist has them"),
    ("verified", "boolean", "whether the mission checked the report"),
]


def build_package_tables(*, book: Codebook, places: PartReader, rows: PartReader) -> list[Table]:
    """Build all tables of the package.

    Each call of `places` or `rows` reads those parts again.
    """
    languages = [str(one) for one in book["election"]["languages"]]
    return [
        _build_figures_table(places),
        _build_commissions_table(places, languages),
        _build_stations_table(places),
        *(_build_reports_table(code, questions, rows) for code, questions in group_closed_questions(book).items()),
        _build_numbers_table(rows),
        _build_questions_table(book, languages),
        _build_violation_types_table(book, languages),
    ]


def group_closed_questions(book: Codebook) -> dict[str, list[Mapping[str, Any]]]:
    """Group the closed questions by checklist.

    Their answers are published report by report.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for stage in book["stages"]:
        for question in stage["questions"]:
            questions = found.setdefault(question["checklist"], [])
            if question["type"] in ("yes_no", "rating", "choice", "choices", "violation"):
                questions.append(question)
    return found


def get_report_file_name(checklist: str) -> str:
    return f"reports-{checklist}.csv"


def _build_figures_table(places: PartReader) -> Table:
    def rows() -> Iterator[Row]:
        for code, part in places():
            if "station" in part:
                continue
            for row in build_summary_rows(build_figures_document(part)):
                if row["part"] not in ("document", "commission"):
                    yield [code, *(row.get(name) for name in FIGURE_COLUMNS)]
            for hour, n in part["hours"].items():
                yield [code, "hours", "", "", "", "", hour, n, "", ""]

    return Table(
        "figures.csv",
        "Every figure of every commission but polling stations",
        [
            ("place", "string", "code of the commission"),
            ("part", "string", "coverage, stage, violations, child (the commissions below), hours"),
            ("stage", "string", "stage of the election day"),
            ("contest", "string", "code of the contest"),
            ("slot", "string", "reporting time or other slot"),
            ("item", "string", "code of the question, violation or commission below"),
            ("figure", "string", "what is counted"),
            ("value", "number", "the figure; of a finding, n"),
            ("of", "integer", "of a finding, the reports that answered yes or no"),
            ("text", "string", "a finding as it is printed: a percentage from 200 answers on, else the count"),
        ],
        rows,
    )


FIGURE_COLUMNS = ("part", "stage", "contest", "slot", "item", "figure", "value", "of", "text")


def build_figures_document(part: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a territory's part for the summary's CSV rows."""
    children = [one | {"name": None} for one in part["children"] if "coverage" in one]
    return {
        "commission": {"code": part["facts"]["code"], "name": None, "level": part["facts"]["level"]},
        "coverage": part["coverage"],
        "stages": part["stages"],
        "violations": part["violations"],
        "children": children,
    }


def _build_commissions_table(places: PartReader, languages: Sequence[str]) -> Table:
    def rows() -> Iterator[Row]:
        for code, part in places():
            facts = part["facts"]
            lat, lon = facts["place"] or (None, None)
            yield [
                code,
                facts["above"][-1]["code"] if facts["above"] else None,
                facts["level"],
                facts["kind"],
                *(facts["names"].get(one) for one in languages),
                *(facts["address"].get(one) for one in languages),
                facts["voters"],
                facts["type"],
                lat,
                lon,
                facts["zone"],
            ]

    return Table(
        "commissions.csv",
        "The tree of commissions",
        [
            ("code", "string", "code of the commission"),
            ("parent", "string", "code of the commission above"),
            ("level", "string", "level of the commission"),
            ("kind", "string", "central, territorial or precinct"),
            *((f"name_{one}", "string", f"name, {one}") for one in languages),
            *((f"address_{one}", "string", f"address, {one}") for one in languages),
            ("voters", "integer", "voters on the list, where known"),
            ("type", "string", "type of polling station"),
            ("lat", "number", "latitude, WGS84"),
            ("lon", "number", "longitude, WGS84"),
            ("timezone", "string", "time zone"),
        ],
        rows,
        ("code",),
    )


def _build_stations_table(places: PartReader) -> Table:
    def rows() -> Iterator[Row]:
        for code, part in places():
            if station := part.get("station"):
                for stage in station["stages"]:
                    yield [code, "stage", stage, 1]
                for violation, n in station["confirmed"].items():
                    yield [code, "confirmed", violation, n]

    return Table(
        "stations.csv",
        "Polling stations that are shown by themselves; the others are in their district's figures",
        [
            ("place", "string", "code of the station"),
            ("what", "string", "stage: it was observed at this stage; confirmed: cases of this violation"),
            ("item", "string", "code of the stage or violation"),
            ("value", "integer", "1, or the number of confirmed cases"),
        ],
        rows,
    )


def _build_reports_table(code: str, questions: Sequence[Mapping[str, Any]], parts: PartReader) -> Table:
    names = [_strip_checklist(code, question["code"]) for question in questions]

    def rows() -> Iterator[Row]:
        for place, part in parts():
            for n, row in part["reports"]:
                if row["checklist"] == code:
                    answers = row["answers"]
                    claims = " ".join(f"{violation}:{state}" for violation, state in row["violations"])
                    yield [
                        place,
                        n,
                        row["stage"],
                        row["checklist"],
                        row["contest"],
                        row["slot"],
                        row["verified"],
                        row["version"],
                        claims,
                        *(_format_answer(answers.get(name)) for name in names),
                    ]

    return Table(
        get_report_file_name(code),
        f"Counted reports on the checklist {code}",
        [
            PLACE_FIELD,
            COUNT_FIELD,
            *REPORT_FIELDS,
            ("version", "integer", "version of the checklist"),
            ("claims", "string", "violations the report tells of, each with its state"),
            *(
                (name, "string", str(question["labels"].get("en") or next(iter(question["labels"].values()), "")))
                for name, question in zip(names, questions, strict=True)
            ),
        ],
        rows,
    )


def _strip_checklist(checklist: str, question: str) -> str:
    """Remove the checklist's prefix from a question's code.

    The codebook adds it where two checklists of a stage use the same code.
    """
    return question.removeprefix(f"{checklist}:")


def _format_answer(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else value or ""


def _build_numbers_table(parts: PartReader) -> Table:
    def rows() -> Iterator[Row]:
        for place, part in parts():
            for n, row in part["numbers"]:
                yield [
                    place,
                    n,
                    row["stage"],
                    row["checklist"],
                    row["contest"],
                    row["slot"],
                    row["verified"],
                    row["question"],
                    row["value"],
                ]

    return Table(
        "numbers.csv",
        "Numbers that were asked for, apart from the reports they stood in",
        [
            PLACE_FIELD,
            COUNT_FIELD,
            *REPORT_FIELDS,
            ("question", "string", "code of the question"),
            ("value", "number", "the answer"),
        ],
        rows,
    )


def _build_questions_table(book: Codebook, languages: Sequence[str]) -> Table:
    def rows() -> Iterator[Row]:
        for stage in book["stages"]:
            for one in stage["questions"]:
                yield [
                    stage["code"],
                    one["checklist"],
                    one["code"],
                    one["type"],
                    " ".join(one["findings"]),
                    one["violation"],
                    " ".join(code for code, _labels in one["choices"]),
                    *(one["labels"].get(language) for language in languages),
                ]

    return Table(
        "questions.csv",
        "What was asked, in the latest wording",
        [
            ("stage", "string", "stage of the election day"),
            ("checklist", "string", "code of the checklist"),
            ("question", "string", "code of the question"),
            ("type", "string", "type of the question"),
            ("findings", "string", "answers that are a finding"),
            ("violation", "string", "code of the violation that such an answer raises"),
            ("choices", "string", "codes that may be chosen"),
            *((f"label_{one}", "string", f"wording, {one}") for one in languages),
        ],
        rows,
        ("stage", "checklist", "question"),
    )


def _build_violation_types_table(book: Codebook, languages: Sequence[str]) -> Table:
    def rows() -> Iterator[Row]:
        for group in book["groups"]:
            for one in group["types"]:
                yield [
                    one["code"],
                    group["code"],
                    one["severity"],
                    *(one["names"].get(language) for language in languages),
                ]

    return Table(
        "violation-types.csv",
        "Possible violations; a code is never a finding of guilt",
        [
            ("code", "string", "code of the violation"),
            ("group", "string", "code of its group"),
            ("severity", "string", "critical, major or minor"),
            *((f"name_{one}", "string", f"name, {one}") for one in languages),
        ],
        rows,
        ("code",),
    )
