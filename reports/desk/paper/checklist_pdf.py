"""A checklist on paper: filled with a pen, then read out over the telephone by the codes of its questions."""

from collections.abc import Iterable
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import override

from observer.words import in_language
from reports.desk.paper.pdf_canvas import INNER, Paper, beside, breadth, fitting, plain, wrapped
from reports.desk.words.question_groups import Asked, groups_of
from reports.models import ChecklistVersion, Question, ViolationType
from reports.services.checklists.answer_labels import ANSWERS

CODE = 62.0  # the column of the codes
TEXT = INNER - CODE
LABEL, SMALL = 10.5, 8.5
CODED = frozenset({Question.Type.CHOICE, Question.Type.CHOICES})


def checklist_pdf(
    version: ChecklistVersion, *, language: str, questions: list[Question], violations: Iterable[ViolationType]
) -> bytes:
    """All of it in one language; what has no words in it stands in another. Its pages say how many they are."""
    with override(language):
        known = list(violations) if any(one.type == Question.Type.VIOLATION for one in questions) else []
        pages = _drawn(version, questions, known, 0).pages
        return _drawn(version, questions, known, pages).done()


def _drawn(version: ChecklistVersion, questions: list[Question], violations: list[ViolationType], of: int) -> Paper:
    order = version.checklist.election.languages
    title = in_language(version.checklist.titles, order=order) or version.checklist.code
    named = _("%(code)s, version %(number)d") % {"code": version.checklist.code, "number": version.number}
    paper = Paper(f"{title} · {named}", running=beside([title, named, version.checklist.election]), of=of)
    paper.page()
    paper.write(title, 18, bold=True, after=2)
    paper.write(named, 9, soft=True, after=6)
    _about(paper)
    by_code = {one.code: one for one in questions}
    for group in groups_of(questions, data=None, errors={}, violations=[], order=order):
        _section(paper, group.title)
        for asked in group.questions:
            _question(paper, asked, by_code[asked.code])
    _comment(paper)
    if violations:
        _codes(paper, violations, order)
    return paper


def _about(paper: Paper) -> None:
    """Whose report it is, about which place, when: what the desk asks first."""
    third = INNER / 3
    for row in (
        ((_("Station"), 2), (_("Observer"), 1)),
        ((_("Date"), 1), (_("Observed from"), 1), (_("Observed until"), 1)),
        ((_("Read out to"), 2), (_("Read out at"), 1)),
    ):
        paper.y -= 24
        left = 0.0
        for label, parts in row:
            paper.blank(label, third * parts, left=left)
            left += third * parts
    paper.y -= 16
    said = _(
        "Read out the code of each question, then the answer. * marks what is expected; leave empty what you did not see."
    )
    paper.write(said, SMALL, soft=True, after=4)


def _section(paper: Paper, title: str) -> None:
    paper.room(70)
    paper.y -= 6
    if plain(title):
        paper.write(title, 12.5, bold=True, after=5)
    paper.rule()
    paper.y -= 3


def _question(paper: Paper, asked: Asked, question: Question) -> None:
    """Kept on one page where a page can hold it."""
    paper.room(min(_height(asked, question), 500))
    top = paper.y
    code = plain(asked.code)
    paper.y -= LABEL * 1.28
    paper.draw(code, fitting(code, 13, CODE - 8, bold=True), bold=True)
    paper.y = top
    if asked.parent:
        answers = ", ".join(str(ANSWERS.get(one, one)) for one in asked.only_if)
        condition = _("Only if %(code)s is: %(answers)s") % {"code": asked.parent, "answers": answers}
        paper.write(condition, SMALL, left=CODE, bold=True)
    paper.write(f"{asked.label} *" if asked.required else asked.label, LABEL, left=CODE)
    paper.write(beside([asked.hint, _limits(question)]), SMALL, left=CODE, soft=True)
    _space(paper, asked, question)
    paper.y -= 7


def _height(asked: Asked, question: Question) -> float:
    lines = len(wrapped(asked.label, LABEL, TEXT)) * LABEL + len(wrapped(asked.hint, SMALL, TEXT)) * SMALL
    answers = sum(breadth(_option(question, code, word), 9.5) + 32 for code, word, _chosen in asked.options)
    below = 66 if asked.kind == "lines" else 17 * (1 + answers // TEXT)
    return lines * 1.28 + below + (SMALL * 1.28 if asked.parent else 0) + 12


def _option(question: Question, code: str, word: object) -> str:
    """What stands beside a box: the code too, where it is the checklist's own."""
    return f"{code}  {word}" if question.type in CODED and str(word) != code else str(word)


def _limits(question: Question) -> str:
    least, most = (
        "" if one is None else f"{one:f}".rstrip("0").rstrip(".") if "." in f"{one:f}" else f"{one:f}"
        for one in (question.minimum, question.maximum)
    )
    if least and most:
        return _("from %(least)s to %(most)s") % {"least": least, "most": most}
    if least:
        return _("at least %(least)s") % {"least": least}
    return _("at most %(most)s") % {"most": most} if most else ""


def _space(paper: Paper, asked: Asked, question: Question) -> None:
    """Where the answer is written."""
    if asked.kind in ("radio", "checks"):
        _boxes(paper, asked, question)
    elif asked.kind == "number":
        _cells(paper, [7])
    elif asked.kind == "time":
        _cells(paper, [2, 2], ":")
    elif asked.kind == "date":
        _cells(paper, [2, 2, 4], ".")
    elif asked.kind == "select":
        paper.y -= 20
        paper.blank(_("Code, from the list at the end"), TEXT * 0.7, left=CODE)
    elif asked.kind == "file":
        paper.write(_("Take it with your phone and keep it there: it cannot be read out."), SMALL, left=CODE, soft=True)
    elif asked.kind != "note":
        for _line in range(3 if asked.kind == "lines" else 1):
            paper.room(22)
            paper.y -= 20
            paper.rule(left=CODE)


def _boxes(paper: Paper, asked: Asked, question: Question) -> None:
    """A box for each answer, side by side while they fit."""
    left = CODE
    paper.room(20)
    paper.y -= 17
    for code, word, _chosen in asked.options:
        if not code:  # "no answer": an empty row of boxes says so
            continue
        first, *more = wrapped(_option(question, code, word), 9.5, TEXT - 18) or [""]
        wide = 16 + breadth(first, 9.5) + 16
        if left > CODE and (more or left + wide > INNER):
            left = CODE
            paper.room(19)
            paper.y -= 17
        paper.box(left)
        paper.draw(first, 9.5, left=left + 16)
        left += wide
        for line in more:
            paper.write(line, 9.5, left=CODE + 16)
            left = INNER


def _cells(paper: Paper, groups: list[int], between: str = "") -> None:
    """A cell for each digit."""
    paper.room(24)
    paper.y -= 21
    left = CODE
    for number, digits in enumerate(groups):
        if number:
            paper.draw(between, 12, left=left + 2)
            left += 9
        for _digit in range(digits):
            paper.box(left, 17, 15)
            left += 15


def _comment(paper: Paper) -> None:
    paper.room(110)
    paper.y -= 6
    paper.write(_("Comment"), LABEL, bold=True)
    for _line in range(4):
        paper.y -= 21
        paper.rule()


def _codes(paper: Paper, violations: list[ViolationType], order: list[str]) -> None:
    """What a question that is answered by the code of a violation is answered with."""
    paper.page()
    paper.write(_("Codes of violations"), 14, bold=True, after=4)
    for group, kinds in groupby(violations, key=lambda one: one.group):
        paper.room(40)
        paper.y -= 4
        paper.write(in_language(group.names, order=order), 10, bold=True)
        for one in kinds:
            paper.room(14)
            top = paper.y
            paper.write(one.code, 9, bold=True, width=CODE)
            paper.y = top
            paper.write(in_language(one.names, order=order), 9, left=CODE)
