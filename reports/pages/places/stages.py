"""The observations of one stage, made ready to be read: words, figures, and nothing to work out.

Input is `stages` of the summary document; a question's record says by its shape what it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext, pgettext

from observer.words import in_language
from reports.pages.http.formats import number, share
from reports.pages.places.names import Asked, Stage

FOREMOST = 3
RATING = ("very_good", "good", "bad", "very_bad")


@dataclass(frozen=True)
class Ratio:
    """`n` of `of`, as printed. `percent` is empty where the rule prints the count alone; `width` of the bar, 0 to 100.

    `total` is `of` to count with; `path` is where the figure stands in the open data: part|stage|item|figure.
    """

    n: str
    of: str
    percent: str
    width: str
    total: int
    path: str = ""


@dataclass(frozen=True)
class Finding:
    """One question whose answer may be a finding. `answer` is the word that makes it one."""

    code: str
    label: str
    answer: str
    ratio: Ratio
    verified: Ratio | None
    refuted: str
    stations: str
    stations_of: str
    conflicting: str
    path: str
    share: float
    url: str = ""

    @property
    def counted(self) -> bool:
        """Whether it was found at all."""
        return self.share > 0


@dataclass(frozen=True)
class Share:
    """One answer among several."""

    label: str
    ratio: Ratio
    place: int = 0


@dataclass(frozen=True)
class Spread:
    """How the answers to one question are spread. `answered`: the reports that answered it, in words."""

    code: str
    label: str
    answered: str
    shares: tuple[Share, ...]
    negative: Ratio | None = None
    verified: Ratio | None = None
    url: str = ""


@dataclass(frozen=True)
class Measure:
    """A number that was asked for: how many reports gave one, and what they add up to."""

    code: str
    label: str
    answered: str
    total: str
    least: str
    most: str
    path: str


@dataclass(frozen=True)
class StageView:
    """One stage as a page shows it."""

    code: str
    title: str
    reports: str
    commissions: str
    findings: tuple[Finding, ...]
    ratings: tuple[Spread, ...]
    spreads: tuple[Spread, ...]
    measures: tuple[Measure, ...]
    weight: int

    @property
    def foremost(self) -> tuple[Finding, ...]:
        """The findings met most often, for the sentences; the table has them all."""
        found = sorted((one for one in self.findings if one.counted), key=lambda one: -one.share)
        return tuple(found[:FOREMOST])


def answer_word(code: str) -> str:
    """An answer that every checklist shares, in the reader's language."""
    return {
        "yes": pgettext("answer", "yes"),
        "no": pgettext("answer", "no"),
        "not_observed": pgettext("answer", "not observed"),
        "not_applicable": pgettext("answer", "not applicable"),
        "very_good": pgettext("rating", "very good"),
        "good": pgettext("rating", "good"),
        "bad": pgettext("rating", "bad"),
        "very_bad": pgettext("rating", "very bad"),
    }.get(code, code)


def ratio(n: int, of: int, text: str, language: str, path: str = "") -> Ratio:
    """`text` is the figure's short text by the rule; the bar is measured from zero."""
    width = f"{min(100 * n / of, 100):.2f}" if of else "0"
    return Ratio(number(n, language), number(of, language), share(text, language), width, of, path)


Address = Callable[[str, str], str]


def nowhere(stage: str, question: str) -> str:
    """Where there is no page behind a figure."""
    return ""


def stage_views(
    stages: Mapping[str, Any],
    known: Mapping[str, Stage],
    language: str,
    order: tuple[str, ...],
    address: Address = nowhere,
) -> list[StageView]:
    """The stages that have figures, in the order of the checklists; unknown ones last.

    `address`: of the page behind a question's finding.
    """
    codes = [code for code in known if code in stages] + sorted(code for code in stages if code not in known)
    return [_view(code, stages[code], known.get(code, Stage({})), language, order, address) for code in codes]


def _view(
    code: str, figures: Mapping[str, Any], stage: Stage, language: str, order: tuple[str, ...], address: Address
) -> StageView:
    records: Mapping[str, Any] = figures.get("questions", {})
    asked = [*(one for one in stage.questions.values() if one.code in records)]
    asked += [Asked(one, "", {}, {}, ()) for one in sorted(records) if one not in stage.questions]
    sorter = _Sorter(code, language, order, address)
    for question in asked:
        sorter.add(question, records[question.code])
    return StageView(
        code=code,
        title=in_language(stage.titles, language, order) or code,
        reports=number(figures.get("reports", 0), language),
        commissions=number(figures.get("commissions", 0), language),
        findings=tuple(sorter.findings),
        ratings=tuple(sorter.ratings),
        spreads=tuple(sorter.spreads),
        measures=tuple(sorter.measures),
        weight=figures.get("reports", 0),
    )


class _Sorter:
    """Puts each question where its kind belongs."""

    def __init__(self, stage: str, language: str, order: tuple[str, ...], address: Address) -> None:
        self.stage, self.language, self.order, self.address = stage, language, order, address
        self.findings: list[Finding] = []
        self.ratings: list[Spread] = []
        self.spreads: list[Spread] = []
        self.measures: list[Measure] = []

    def add(self, question: Asked, record: Mapping[str, Any]) -> None:
        label = in_language(question.labels, self.language, self.order) or question.code
        if question.type == "violation":
            return  # the violations have tables of their own, with what the mission decided
        if "very_good" in record:
            self.ratings.append(self._rating(question, label, record))
        elif "yes" in record and record.get("finding"):
            self.findings.append(self._finding(question, label, record))
        elif "yes" in record:
            self.spreads.append(self._yes_no(question, label, record))
        elif "choices" in record:
            self.spreads.append(self._choices(question, label, record))
        elif record.get("answered"):
            self.measures.append(self._measure(question, label, record))

    def _path(self, question: Asked, figure: str = "") -> str:
        return f"stage|{self.stage}|{question.code}|{figure}"

    def _figure(self, figure: Mapping[str, Any], path: str) -> Ratio:
        return ratio(figure.get("n", 0), figure.get("of", 0), str(figure.get("text", "")), self.language, path)

    def _beside(self, question: Asked, record: Mapping[str, Any]) -> Ratio | None:
        verified = record.get("verified")
        return self._figure(verified, self._path(question, "verified")) if verified and verified.get("of") else None

    def _finding(self, question: Asked, label: str, record: Mapping[str, Any]) -> Finding:
        finding, stations = record["finding"], record.get("stations") or {}
        answer = question.findings[0] if question.findings else "yes"
        of = sum(stations.get(one, 0) for one in ("yes", "no", "conflicting"))
        conflicting, refuted = stations.get("conflicting", 0), finding.get("refuted", 0)
        return Finding(
            code=question.code,
            label=label,
            answer=answer_word(answer),
            ratio=self._figure(finding, self._path(question, "finding")),
            verified=self._beside(question, record),
            refuted=number(refuted, self.language) if refuted else "",
            stations=number(stations.get(answer, 0), self.language),
            stations_of=number(of, self.language) if of else "",
            conflicting=number(conflicting, self.language) if conflicting else "",
            path=self._path(question),
            share=finding.get("n", 0) / finding["of"] if finding.get("of") else 0.0,
            url=self.address(self.stage, question.code),
        )

    def _spread(self, question: Asked, label: str, shares: list[tuple[str, str, int]], of: int) -> Spread:
        """Shares of a spread are printed as counts: their percentages are no findings, so the bar is enough."""
        return Spread(
            code=question.code,
            label=label,
            answered=gettext("Reports that answered: %(n)s") % {"n": number(of, self.language)},
            shares=tuple(
                Share(word, ratio(n, of, "", self.language, self._path(question, figure)), place)
                for place, (figure, word, n) in enumerate(shares, 1)
            ),
        )

    def _rating(self, question: Asked, label: str, record: Mapping[str, Any]) -> Spread:
        of = sum(record.get(one, 0) for one in RATING)
        plain = self._spread(question, label, [(one, answer_word(one), record.get(one, 0)) for one in RATING], of)
        path = self._path(question, "finding")
        negative = self._figure(record["finding"], path) if record.get("finding") else None
        return replace(
            plain,
            negative=negative,
            verified=self._beside(question, record),
            url=self.address(self.stage, question.code),
        )

    def _yes_no(self, question: Asked, label: str, record: Mapping[str, Any]) -> Spread:
        words = [(one, answer_word(one), record.get(one, 0)) for one in ("yes", "no")]
        return self._spread(question, label, words, sum(n for _, _word, n in words))

    def _choices(self, question: Asked, label: str, record: Mapping[str, Any]) -> Spread:
        counts: Mapping[str, int] = record["choices"]
        codes = [one for one in question.choices if one in counts]
        codes += sorted(one for one in counts if one not in question.choices)
        shares = [
            (
                f"choices.{one}",
                in_language(question.choices.get(one, {}), self.language, self.order) or one,
                counts[one],
            )
            for one in codes
        ]
        spread = self._spread(question, label, shares, sum(counts.values()))
        if question.type == "choices":
            # Where several may be chosen they add up to more than the reports that answered.
            chosen = gettext("Answers chosen: %(n)s") % {"n": number(sum(counts.values()), self.language)}
            spread = replace(spread, answered=chosen)
        return spread

    def _measure(self, question: Asked, label: str, record: Mapping[str, Any]) -> Measure:
        total, least, most = (
            number(Decimal(str(record[one])), self.language) if record.get(one) is not None else gettext("missing")
            for one in ("sum", "min", "max")
        )
        answered = number(record["answered"], self.language)
        return Measure(question.code, label, answered, total, least, most, self._path(question))
