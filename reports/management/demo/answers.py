"""Answers of the demonstration: each is about as frequent as it was in 2022."""

from random import Random
from typing import Any

from reports.management.demo.seeded_random import make_random
from reports.services.checklists.compiled import NEGATIVE_RATINGS, Field, Form

# Share of "yes" where the observation as a whole is assessed positively.
YES_SHARES = {
    "O01": 0.96,
    "O02": 0.93,
    "O03": 0.88,
    "O04": 0.97,
    "O05": 0.98,
    "O06": 0.97,
    "V03": 0.05,
    "V04": 0.02,
    "V05": 0.006,
    "V06": 0.01,
    "V07": 0.005,
    "V08": 0.012,
    "V09": 0.03,
    "V09a": 0.3,
    "V10": 0.97,
    "V11": 0.95,
    "V12": 0.95,
    "V13": 0.05,
    "V14": 0.01,
    "V15": 0.04,
    "V16": 0.2,
    "V17": 0.86,
    "V18": 0.34,
    "V19": 0.96,
    "V20": 0.97,
    "V21": 0.46,
    "V22": 0.72,
    "V23": 0.68,
    "C01": 0.92,
    "C02": 0.83,
    "C03": 0.85,
    "C04": 0.95,
    "C05": 0.42,
    "C06": 0.7,
    "C07": 0.72,
    "C08": 0.74,
    "C09": 0.01,
    "C10": 0.72,
    "C11": 0.95,
    "C12": 0.94,
    "C13": 0.94,
    "C14": 0.72,
    "C15": 0.7,
    "T06": 0.93,
    "T07": 0.08,
    "T05": 0.85,
    "T03": 0.9,
    "T04": 0.1,
    "T01": 0.15,
    "T02": 0.04,
    "I03": 0.08,
    "I04": 0.25,
    "I05": 0.3,
    "I06": 0.45,
}
# Share of "yes" where it is assessed negatively.
YES_SHARES_IF_NEGATIVE = {
    "O01": 0.6,
    "O02": 0.45,
    "O03": 0.35,
    "O04": 0.7,
    "O05": 0.6,
    "O06": 0.6,
    "V03": 0.4,
    "V04": 0.2,
    "V05": 0.12,
    "V06": 0.14,
    "V07": 0.08,
    "V08": 0.14,
    "V09": 0.12,
    "V10": 0.7,
    "V13": 0.2,
    "V14": 0.08,
    "V15": 0.4,
    "V16": 0.6,
    "V19": 0.4,
    "V20": 0.45,
    "C01": 0.45,
    "C02": 0.3,
    "C03": 0.2,
    "C04": 0.4,
    "C05": 0.06,
    "C06": 0.3,
    "C07": 0.28,
    "C08": 0.3,
    "C09": 0.09,
    "C10": 0.2,
    "C11": 0.75,
    "C12": 0.72,
    "C13": 0.7,
    "C14": 0.25,
    "C15": 0.3,
    "T06": 0.55,
    "T07": 0.4,
    "T05": 0.3,
    "T03": 0.4,
    "T04": 0.5,
    "T01": 0.6,
    "T02": 0.25,
}
# Share of observations that are assessed negatively: 5 % of voting, 65 of 111 counts.
NEGATIVE_SHARES = {"opening": 0.07, "voting": 0.05, "counting": 65 / 111, "tabulation": 0.34}
# Answers that depend on the station only, and are the same at each visit.
STATION_QUESTIONS = frozenset({"V01", "V21", "V22", "V23"})
VIOLATION_WEIGHTS = {
    "ACC-01": 14,
    "ACC-02": 9,
    "ACC-03": 16,
    "ACC-04": 12,
    "ACC-05": 14,
    "ACC-06": 6,
    "SEC-03": 4,
    "FRD-01": 4,
    "FRD-02": 3,
    "FRD-03": 6,
    "FRD-04": 8,
    "LST-04": 6,
    "CMP-02": 4,
    "CMP-04": 4,
    "CMP-06": 5,
    "HOM-01": 3,
    "UNA-02": 5,
    "PRT-03": 7,
    "CPL-01": 6,
    "ELE-02": 3,
    "DIS-01": 4,
}
TEXT_ANSWERS = {
    "kk": "Көрсетілім мәтіні: байқағанымды ретімен жаздым.",
    "ru": "Текст для демонстрации: записано по порядку, что было видно.",
    "en": "Demonstration text: what was seen, written down in order.",
}


def draw_answers(form: Form, station: str, language: str, rng: Random) -> dict[str, Any]:
    """Draws the answers of one observation, in the order of the form."""
    is_negative = rng.random() < NEGATIVE_SHARES.get(form.code, 0.0)
    answers: dict[str, Any] = {}
    for field in form.fields.values():
        if field.relevant_question and answers.get(field.relevant_question) not in field.relevant_answers:
            continue
        field_rng = make_random(station, field.code) if field.code in STATION_QUESTIONS else rng
        answer = _draw_answer(field, is_negative, language, field_rng)
        if answer is not None:
            answers[field.code] = answer
    return answers


def _draw_answer(field: Field, is_negative: bool, language: str, rng: Random) -> Any:
    if field.type == "yes_no":
        return _draw_yes_no(field, is_negative, rng)
    if field.type == "rating":
        marks = NEGATIVE_RATINGS if is_negative else ("very_good", "good")
        return rng.choices(marks, (80, 20) if is_negative else (45, 55))[0]
    if field.type == "choice" and field.choices:
        return rng.choices(field.choices, _make_weights(len(field.choices)))[0]
    if field.type == "violation":
        return rng.choices(tuple(VIOLATION_WEIGHTS), tuple(VIOLATION_WEIGHTS.values()))[0]
    if field.type == "text" and rng.random() < 0.7:
        return TEXT_ANSWERS[language]
    return None


def _make_weights(choices: int) -> list[float]:
    return [0.63, *([0.37 / (choices - 1)] * (choices - 1))] if choices > 1 else [1.0]


def _draw_yes_no(field: Field, is_negative: bool, rng: Random) -> str:
    if rng.random() < 0.04:
        return rng.choice(("not_observed", "not_observed", "not_applicable"))
    yes_share = YES_SHARES.get(field.code, 0.5)
    if is_negative:
        yes_share = YES_SHARES_IF_NEGATIVE.get(field.code, yes_share)
    return "yes" if rng.random() < yes_share else "no"
