"""Draft of a preliminary statement's election-day part, from one release.

Pure but for the translations of its sentences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from observer.words import get_translation
from reports.pages.http.formats import format_number, format_percent, format_timestamp
from reports.pages.places.context import describe_sample
from reports.pages.places.source_choice import PageSource
from reports.pages.places.stages import translate_answer
from reports.services.figures.format import format_figure
from reports.services.figures.share_words import get_share_code, get_share_words
from reports.services.publishing.place_parts import Part

RATING_TYPE = "rating"


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the number of the footnote with its figures."""

    text: str
    note: int


@dataclass(frozen=True)
class Section:
    title: str
    sentences: tuple[Sentence, ...]
    remark: str


@dataclass(frozen=True)
class Statement:
    title: str
    under: str
    opening: tuple[Sentence, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    thresholds: str


class _Footnotes:
    """Collects the footnotes in the order of their numbers, from 1."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts)


def build_statement(source: PageSource, part: Part) -> Statement:
    """Build the statement of the topmost commission.

    Call it with the language active.
    """
    assert source.release is not None
    language, order, release = source.language, source.language_order, source.release
    notes = _Footnotes()
    book = source.figures.load_codebook()
    opening = _build_opening(part["coverage"], describe_sample(book), notes, language)
    sections = [
        _build_stage_section(
            stage, part["stages"][stage["code"]], notes, language, order, release.remarks.get(stage["code"], {})
        )
        for stage in book["stages"]
        if part["stages"].get(stage["code"], {}).get("reports")
    ]
    return Statement(
        title=get_translation(source.election.names, language, order) or source.election.slug,
        under=_("Release %(n)s, reports received by %(at)s")
        % {
            "n": format_number(release.number, language),
            "at": format_timestamp(release.cutoff, source.election.zone, language),
        },
        opening=opening,
        sections=(
            *(one for one in sections if one.sentences),
            *_build_violation_sections(part, book, notes, language, order, release.remarks),
        ),
        notes=tuple(notes.texts),
        thresholds=_("Words for shares follow declared thresholds; they are printed with the method."),
    )


def _build_opening(coverage: Mapping[str, int], sample: str, notes: _Footnotes, language: str) -> tuple[Sentence, ...]:
    def format_coverage(name: str) -> str:
        return format_number(coverage[name], language)

    sentences = [
        Sentence(
            _("On election day observers reported from %(n)s of %(of)s polling stations.")
            % {"n": format_coverage("precincts_observed"), "of": format_coverage("precincts")},
            notes.add(
                _("%(reports)s reports by %(observers)s observers, of which %(verified)s were verified.")
                % {
                    "reports": format_coverage("reports"),
                    "observers": format_coverage("observers"),
                    "verified": format_coverage("reports_verified"),
                }
                + f" {sample}"
            ),
        )
    ]
    if coverage["precincts_denied"]:
        sentences.append(
            Sentence(
                _("Observers were denied access at %(n)s stations, as they reported.")
                % {"n": format_coverage("precincts_denied")},
                notes.add(
                    _("Stations with a report of denied access that was not refuted: %(n)s.")
                    % {"n": format_coverage("precincts_denied")}
                ),
            )
        )
    return tuple(sentences)


def _build_stage_section(
    stage: Mapping[str, Any],
    figures: Mapping[str, Any],
    notes: _Footnotes,
    language: str,
    order: Sequence[str],
    remark: Mapping[str, str],
) -> Section:
    """Build the section of one stage.

    The rating comes first, then each finding that occurred, the most frequent first.
    """
    ratings, findings = [], []
    for question in stage["questions"]:
        record = figures["questions"].get(question["code"], {})
        finding = record.get("finding")
        if not finding or not finding["of"]:
            continue
        if question["type"] == RATING_TYPE:
            ratings.append((question, finding))
        elif question["type"] == "yes_no" and finding["n"]:
            findings.append((question, finding))
    findings.sort(key=lambda one: -one[1]["n"] / one[1]["of"])
    sentences = [_build_rating_sentence(question, finding, notes, language, order) for question, finding in ratings]
    sentences += [_build_finding_sentence(question, finding, notes, language, order) for question, finding in findings]
    title = get_translation(stage["titles"], language, order) or stage["code"]
    return Section(title, tuple(sentences), get_translation(remark, language, order))


def _build_rating_sentence(
    question: Mapping[str, Any], finding: Mapping[str, Any], notes: _Footnotes, language: str, order: Sequence[str]
) -> Sentence:
    word = get_share_words(get_share_code(finding["n"], finding["of"]))
    text = _("It was assessed negatively %(in_many)s.") % {"in_many": word}
    return Sentence(
        _capitalize_first(text), notes.add(_build_note(question, _("bad or very bad"), finding, language, order))
    )


def _build_finding_sentence(
    question: Mapping[str, Any], finding: Mapping[str, Any], notes: _Footnotes, language: str, order: Sequence[str]
) -> Sentence:
    answer = translate_answer(question["findings"][0])
    text = _("%(in_many)s the answer to “%(question)s” was “%(answer)s”.") % {
        "in_many": get_share_words(get_share_code(finding["n"], finding["of"])),
        "question": get_translation(question["labels"], language, order) or question["code"],
        "answer": answer,
    }
    return Sentence(_capitalize_first(text), notes.add(_build_note(question, answer, finding, language, order)))


def _capitalize_first(text: str) -> str:
    """Make the first letter a capital."""
    return text[:1].upper() + text[1:]


def _build_note(
    question: Mapping[str, Any], answer: str, finding: Mapping[str, Any], language: str, order: Sequence[str]
) -> str:
    n, of = finding["n"], finding["of"]
    percent = format_percent(format_figure(n, of), language)
    text = _("%(code)s “%(question)s”, “%(answer)s”: n = %(n)s, N = %(of)s") % {
        "code": question["code"],
        "question": get_translation(question["labels"], language, order) or question["code"],
        "answer": answer,
        "n": format_number(n, language),
        "of": format_number(of, language),
    }
    return f"{text} ({percent})." if percent else f"{text}."


def _build_violation_sections(
    part: Part,
    book: Mapping[str, Any],
    notes: _Footnotes,
    language: str,
    order: Sequence[str],
    remarks: Mapping[str, Mapping[str, str]],
) -> list[Section]:
    """Build the section of confirmed violations.

    Each type has its own sentence, because they are never added up.
    """
    sentences = []
    for group in book["groups"]:
        for kind in group["types"]:
            states = part["violations"]["by_type"].get(kind["code"], {})
            if not states.get("confirmed"):
                continue
            text = _("%(name)s: %(n)s confirmed.") % {
                "name": get_translation(kind["names"], language, order) or kind["code"],
                "n": format_number(states["confirmed"], language),
            }
            note = _("%(code)s: reported %(reported)s, confirmed cases %(confirmed)s, refuted %(refuted)s.") % {
                "code": kind["code"],
                **{
                    state: format_number(states.get(state, 0), language)
                    for state in ("reported", "confirmed", "refuted")
                },
            }
            sentences.append(Sentence(text, notes.add(note)))
    if not sentences:
        return []
    remark = get_translation(remarks.get("violations", {}), language, order)
    return [Section(_("Possible violations that the mission confirmed"), tuple(sentences), remark)]
