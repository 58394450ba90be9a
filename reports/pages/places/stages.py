"""Views of the stages on a page: findings, ratings, distributions, numbers.

Input is `stages` of the summary document; the keys of a question's record show of which kind it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext, pgettext

from observer.words import get_translation
from reports.pages.http.formats import format_number, format_percent
from reports.pages.places.names import CodebookQuestion, CodebookStage

MAX_FOREMOST_FINDINGS = 3
RATING_ANSWERS = ("very_good", "good", "bad", "very_bad")


@dataclass(frozen=True)
class Ratio:
    """A figure `n` of `of`, formatted.

    `percent` is empty where the rule prints only the count. `width` is the width of the bar, 0 to 100. `total` is
    `of` as an integer. `path` is the figure's place in the open data: part|stage|item|figure.
    """

    n: str
    of: str
    percent: str
    width: str
    total: int
    path: str = ""


@dataclass(frozen=True)
class Finding:
    """One question whose answer may be a finding.

    `answer`: the answer that is one, in words.
    """

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
    def is_found(self) -> bool:
        """Whether at least one report has the finding."""
        return self.share > 0


@dataclass(frozen=True)
class AnswerShare:
    """One answer in a distribution. `place`: its position, from 1."""

    label: str
    ratio: Ratio
    place: int = 0


@dataclass(frozen=True)
class AnswerDistribution:
    """The distribution of the answers to one question.

    `answered`: the number of reports that answered, in words.
    """

    code: str
    label: str
    answered: str
    shares: tuple[AnswerShare, ...]
    negative: Ratio | None = None
    verified: Ratio | None = None
    url: str = ""


@dataclass(frozen=True)
class NumberSummary:
    """The answers to a number question.

    `answered`: how many there are; `total`: their sum; `least` and `most`: the smallest and the largest.
    """

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
    ratings: tuple[AnswerDistribution, ...]
    spreads: tuple[AnswerDistribution, ...]
    measures: tuple[NumberSummary, ...]
    weight: int

    @property
    def foremost(self) -> tuple[Finding, ...]:
        """The most frequent findings, for the sentences.

        The table has them all.
        """
        found = sorted((one for one in self.findings if one.is_found), key=lambda one: -one.share)
        return tuple(found[:MAX_FOREMOST_FINDINGS])


def translate_answer(code: str) -> str:
    """Translate an answer code that all checklists share.

    Other codes are returned unchanged.
    """
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


def build_ratio(n: int, of: int, text: str, language: str, path: str = "") -> Ratio:
    """Build a ratio.

    `text`: the figure's short text by the rule. The bar starts at zero.
    """
    width = f"{min(100 * n / of, 100):.2f}" if of else "0"
    return Ratio(
        format_number(n, language), format_number(of, language), format_percent(text, language), width, of, path
    )


AddressBuilder = Callable[[str, str], str]


def build_no_address(stage: str, question: str) -> str:
    """Return no address, where findings have no pages."""
    return ""


def build_stage_views(
    stages: Mapping[str, Any],
    known: Mapping[str, CodebookStage],
    language: str,
    order: tuple[str, ...],
    address: AddressBuilder = build_no_address,
) -> list[StageView]:
    """Build the views of the stages that have figures.

    They are in the order of the checklists, unknown stages last.

    `address`: builds the address of a finding's page from stage and question.
    """
    codes = [code for code in known if code in stages] + sorted(code for code in stages if code not in known)
    return [
        _build_stage_view(code, stages[code], known.get(code, CodebookStage({})), language, order, address)
        for code in codes
    ]


def _build_stage_view(
    code: str,
    figures: Mapping[str, Any],
    stage: CodebookStage,
    language: str,
    order: tuple[str, ...],
    address: AddressBuilder,
) -> StageView:
    records: Mapping[str, Any] = figures.get("questions", {})
    questions = [*(one for one in stage.questions.values() if one.code in records)]
    questions += [CodebookQuestion(one, "", {}, {}, ()) for one in sorted(records) if one not in stage.questions]
    sorter = _QuestionSorter(code, language, order, address)
    for question in questions:
        sorter.add(question, records[question.code])
    return StageView(
        code=code,
        title=get_translation(stage.titles, language, order) or code,
        reports=format_number(figures.get("reports", 0), language),
        commissions=format_number(figures.get("commissions", 0), language),
        findings=tuple(sorter.findings),
        ratings=tuple(sorter.ratings),
        spreads=tuple(sorter.spreads),
        measures=tuple(sorter.measures),
        weight=figures.get("reports", 0),
    )


class _QuestionSorter:
    """Builds the views of one stage's questions, sorted by kind."""

    def __init__(self, stage: str, language: str, order: tuple[str, ...], address: AddressBuilder) -> None:
        self.stage, self.language, self.order, self.address = stage, language, order, address
        self.findings: list[Finding] = []
        self.ratings: list[AnswerDistribution] = []
        self.spreads: list[AnswerDistribution] = []
        self.measures: list[NumberSummary] = []

    def add(self, question: CodebookQuestion, record: Mapping[str, Any]) -> None:
        label = get_translation(question.labels, self.language, self.order) or question.code
        if question.type == "violation":
            return  # the page's violation tables show them, with the mission's decisions
        if "very_good" in record:
            self.ratings.append(self._build_rating(question, label, record))
        elif "yes" in record and record.get("finding"):
            self.findings.append(self._build_finding(question, label, record))
        elif "yes" in record:
            self.spreads.append(self._build_yes_no(question, label, record))
        elif "choices" in record:
            self.spreads.append(self._build_choices(question, label, record))
        elif record.get("answered"):
            self.measures.append(self._build_number_summary(question, label, record))

    def _build_path(self, question: CodebookQuestion, figure: str = "") -> str:
        return f"stage|{self.stage}|{question.code}|{figure}"

    def _build_ratio(self, figure: Mapping[str, Any], path: str) -> Ratio:
        return build_ratio(figure.get("n", 0), figure.get("of", 0), str(figure.get("text", "")), self.language, path)

    def _build_verified_ratio(self, question: CodebookQuestion, record: Mapping[str, Any]) -> Ratio | None:
        verified = record.get("verified")
        return (
            self._build_ratio(verified, self._build_path(question, "verified"))
            if verified and verified.get("of")
            else None
        )

    def _build_finding(self, question: CodebookQuestion, label: str, record: Mapping[str, Any]) -> Finding:
        finding, stations = record["finding"], record.get("stations") or {}
        answer = question.findings[0] if question.findings else "yes"
        of = sum(stations.get(one, 0) for one in ("yes", "no", "conflicting"))
        conflicting, refuted = stations.get("conflicting", 0), finding.get("refuted", 0)
        return Finding(
            code=question.code,
            label=label,
            answer=translate_answer(answer),
            ratio=self._build_ratio(finding, self._build_path(question, "finding")),
            verified=self._build_verified_ratio(question, record),
            refuted=format_number(refuted, self.language) if refuted else "",
            stations=format_number(stations.get(answer, 0), self.language),
            stations_of=format_number(of, self.language) if of else "",
            conflicting=format_number(conflicting, self.language) if conflicting else "",
            path=self._build_path(question),
            share=finding.get("n", 0) / finding["of"] if finding.get("of") else 0.0,
            url=self.address(self.stage, question.code),
        )

    def _build_distribution(
        self, question: CodebookQuestion, label: str, shares: list[tuple[str, str, int]], of: int
    ) -> AnswerDistribution:
        """Build a distribution.

        Its shares are printed as counts with a bar, because their percentages are no findings.
        """
        return AnswerDistribution(
            code=question.code,
            label=label,
            answered=gettext("Reports that answered: %(n)s") % {"n": format_number(of, self.language)},
            shares=tuple(
                AnswerShare(word, build_ratio(n, of, "", self.language, self._build_path(question, figure)), place)
                for place, (figure, word, n) in enumerate(shares, 1)
            ),
        )

    def _build_rating(self, question: CodebookQuestion, label: str, record: Mapping[str, Any]) -> AnswerDistribution:
        of = sum(record.get(one, 0) for one in RATING_ANSWERS)
        plain = self._build_distribution(
            question, label, [(one, translate_answer(one), record.get(one, 0)) for one in RATING_ANSWERS], of
        )
        path = self._build_path(question, "finding")
        negative = self._build_ratio(record["finding"], path) if record.get("finding") else None
        return replace(
            plain,
            negative=negative,
            verified=self._build_verified_ratio(question, record),
            url=self.address(self.stage, question.code),
        )

    def _build_yes_no(self, question: CodebookQuestion, label: str, record: Mapping[str, Any]) -> AnswerDistribution:
        words = [(one, translate_answer(one), record.get(one, 0)) for one in ("yes", "no")]
        return self._build_distribution(question, label, words, sum(n for _, _word, n in words))

    def _build_choices(self, question: CodebookQuestion, label: str, record: Mapping[str, Any]) -> AnswerDistribution:
        counts: Mapping[str, int] = record["choices"]
        codes = [one for one in question.choices if one in counts]
        codes += sorted(one for one in counts if one not in question.choices)
        shares = [
            (
                f"choices.{one}",
                get_translation(question.choices.get(one, {}), self.language, self.order) or one,
                counts[one],
            )
            for one in codes
        ]
        spread = self._build_distribution(question, label, shares, sum(counts.values()))
        if question.type == "choices":
            # Where several answers may be chosen, their sum is larger than the number of reports.
            chosen = gettext("Answers chosen: %(n)s") % {"n": format_number(sum(counts.values()), self.language)}
            spread = replace(spread, answered=chosen)
        return spread

    def _build_number_summary(self, question: CodebookQuestion, label: str, record: Mapping[str, Any]) -> NumberSummary:
        total, least, most = (
            format_number(Decimal(str(record[one])), self.language)
            if record.get(one) is not None
            else gettext("missing")
            for one in ("sum", "min", "max")
        )
        answered = format_number(record["answered"], self.language)
        return NumberSummary(question.code, label, answered, total, least, most, self._build_path(question))
