"""A draft of the election-day part of a preliminary statement, every figure from one release. Pure but for words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from observer.words import in_language
from reports.pages.http.formats import moment, number, share
from reports.pages.places.context import sample_words
from reports.pages.places.source_choice import Opened
from reports.pages.places.stages import answer_word
from reports.services.figures.format import figure
from reports.services.figures.share_words import quantity, quantity_word
from reports.services.publishing.place_parts import Part

RATED = "rating"


@dataclass(frozen=True)
class Said:
    """A sentence, and the number of the footnote that says what it rests on."""

    text: str
    note: int


@dataclass(frozen=True)
class Section:
    title: str
    sentences: tuple[Said, ...]
    remark: str


@dataclass(frozen=True)
class Statement:
    title: str
    under: str
    opening: tuple[Said, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    thresholds: str


class _Notes:
    """Footnotes in the order in which they are needed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts)


def statement_of(opened: Opened, part: Part) -> Statement:
    """Of the topmost commission. Call it with the language active."""
    assert opened.edition is not None
    language, order, edition = opened.language, opened.order, opened.edition
    notes = _Notes()
    book = opened.figures.book()
    opening = _opening(part["coverage"], sample_words(book), notes, language)
    sections = [
        _stage(stage, part["stages"][stage["code"]], notes, language, order, edition.remarks.get(stage["code"], {}))
        for stage in book["stages"]
        if part["stages"].get(stage["code"], {}).get("reports")
    ]
    return Statement(
        title=in_language(opened.stand.names, language, order) or opened.stand.slug,
        under=_("Release %(n)s, reports received by %(at)s")
        % {"n": number(edition.number, language), "at": moment(edition.cutoff, opened.stand.zone, language)},
        opening=opening,
        sections=(
            *(one for one in sections if one.sentences),
            *_violations(part, book, notes, language, order, edition.remarks),
        ),
        notes=tuple(notes.texts),
        thresholds=_("Words for shares follow declared thresholds; they are printed with the method."),
    )


def _opening(coverage: Mapping[str, int], sample: str, notes: _Notes, language: str) -> tuple[Said, ...]:
    def shown(name: str) -> str:
        return number(coverage[name], language)

    said = [
        Said(
            _("On election day observers reported from %(n)s of %(of)s polling stations.")
            % {"n": shown("precincts_observed"), "of": shown("precincts")},
            notes.add(
                _("%(reports)s reports by %(observers)s observers, of which %(verified)s were verified.")
                % {
                    "reports": shown("reports"),
                    "observers": shown("observers"),
                    "verified": shown("reports_verified"),
                }
                + f" {sample}"
            ),
        )
    ]
    if coverage["precincts_denied"]:
        said.append(
            Said(
                _("Observers were denied access at %(n)s stations, as they reported.")
                % {"n": shown("precincts_denied")},
                notes.add(
                    _("Stations with a report of denied access that was not refuted: %(n)s.")
                    % {"n": shown("precincts_denied")}
                ),
            )
        )
    return tuple(said)


def _stage(
    stage: Mapping[str, Any],
    figures: Mapping[str, Any],
    notes: _Notes,
    language: str,
    order: Sequence[str],
    remark: Mapping[str, str],
) -> Section:
    """The rating first, then each finding that was met, the most frequent first."""
    rated, met = [], []
    for question in stage["questions"]:
        record = figures["questions"].get(question["code"], {})
        finding = record.get("finding")
        if not finding or not finding["of"]:
            continue
        if question["type"] == RATED:
            rated.append((question, finding))
        elif question["type"] == "yes_no" and finding["n"]:
            met.append((question, finding))
    met.sort(key=lambda one: -one[1]["n"] / one[1]["of"])
    sentences = [_rated(question, finding, notes, language, order) for question, finding in rated]
    sentences += [_met(question, finding, notes, language, order) for question, finding in met]
    title = in_language(stage["titles"], language, order) or stage["code"]
    return Section(title, tuple(sentences), in_language(remark, language, order))


def _rated(
    question: Mapping[str, Any], finding: Mapping[str, Any], notes: _Notes, language: str, order: Sequence[str]
) -> Said:
    word = quantity_word(quantity(finding["n"], finding["of"]))
    text = _("It was assessed negatively %(in_many)s.") % {"in_many": word}
    return Said(_begun(text), notes.add(_note(question, _("bad or very bad"), finding, language, order)))


def _met(
    question: Mapping[str, Any], finding: Mapping[str, Any], notes: _Notes, language: str, order: Sequence[str]
) -> Said:
    answer = answer_word(question["findings"][0])
    text = _("%(in_many)s the answer to “%(question)s” was “%(answer)s”.") % {
        "in_many": quantity_word(quantity(finding["n"], finding["of"])),
        "question": in_language(question["labels"], language, order) or question["code"],
        "answer": answer,
    }
    return Said(_begun(text), notes.add(_note(question, answer, finding, language, order)))


def _begun(text: str) -> str:
    """With the capital of a sentence."""
    return text[:1].upper() + text[1:]


def _note(
    question: Mapping[str, Any], answer: str, finding: Mapping[str, Any], language: str, order: Sequence[str]
) -> str:
    n, of = finding["n"], finding["of"]
    percent = share(figure(n, of), language)
    text = _("%(code)s “%(question)s”, “%(answer)s”: n = %(n)s, N = %(of)s") % {
        "code": question["code"],
        "question": in_language(question["labels"], language, order) or question["code"],
        "answer": answer,
        "n": number(n, language),
        "of": number(of, language),
    }
    return f"{text} ({percent})." if percent else f"{text}."


def _violations(
    part: Part,
    book: Mapping[str, Any],
    notes: _Notes,
    language: str,
    order: Sequence[str],
    remarks: Mapping[str, Mapping[str, str]],
) -> list[Section]:
    """Confirmed cases, each type by itself: unlike violations are never added up."""
    said = []
    for group in book["groups"]:
        for kind in group["types"]:
            states = part["violations"]["by_type"].get(kind["code"], {})
            if not states.get("confirmed"):
                continue
            text = _("%(name)s: %(n)s confirmed.") % {
                "name": in_language(kind["names"], language, order) or kind["code"],
                "n": number(states["confirmed"], language),
            }
            note = _("%(code)s: reported %(reported)s, confirmed cases %(confirmed)s, refuted %(refuted)s.") % {
                "code": kind["code"],
                **{state: number(states.get(state, 0), language) for state in ("reported", "confirmed", "refuted")},
            }
            said.append(Said(text, notes.add(note)))
    if not said:
        return []
    remark = in_language(remarks.get("violations", {}), language, order)
    return [Section(_("Possible violations that the mission confirmed"), tuple(said), remark)]
