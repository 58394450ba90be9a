"""A checklist as PDF, to be filled in with a pen.

The answers are then read out over the phone, so every question is printed with its code.
"""

from collections.abc import Iterable
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import override

from observer.words import get_translation
from reports.desk.paper.pdf_canvas import (
    TEXT_WIDTH_POINTS,
    PdfDocument,
    clean_text,
    fit_font_size,
    join_facts,
    measure_width,
    wrap_text,
)
from reports.desk.words.question_groups import FormQuestion, build_question_groups
from reports.models import ChecklistVersion, Question, ViolationType
from reports.services.checklists.answer_labels import SHARED_ANSWER_LABELS

CODE_COLUMN_POINTS = 62.0
TEXT_COLUMN_POINTS = TEXT_WIDTH_POINTS - CODE_COLUMN_POINTS
LABEL_SIZE, SMALL_SIZE = 10.5, 8.5
TYPES_WITH_OWN_CODES = frozenset({Question.Type.CHOICE, Question.Type.CHOICES})


def build_checklist_pdf(
    version: ChecklistVersion, *, language: str, questions: list[Question], violation_types: Iterable[ViolationType]
) -> bytes:
    """The checklist version as PDF in one language.

    A text that is missing in this language is printed in another. Every page shows the total number of pages,
    so the document is drawn twice: first to count its pages.
    """
    with override(language):
        listed_types = list(violation_types) if any(one.type == Question.Type.VIOLATION for one in questions) else []
        page_count = _draw_document(version, questions, listed_types, 0).page_count
        return _draw_document(version, questions, listed_types, page_count).finish()


def _draw_document(
    version: ChecklistVersion, questions: list[Question], violation_types: list[ViolationType], total_pages: int
) -> PdfDocument:
    order = version.checklist.election.languages
    title = get_translation(version.checklist.titles, order=order) or version.checklist.code
    version_label = _("%(code)s, version %(number)d") % {"code": version.checklist.code, "number": version.number}
    document = PdfDocument(
        f"{title} · {version_label}",
        header=join_facts([title, version_label, version.checklist.election]),
        total_pages=total_pages,
    )
    document.start_page()
    document.write_text(title, 18, bold=True, gap_after=2)
    document.write_text(version_label, 9, muted=True, gap_after=6)
    _draw_head_fields(document)
    by_code = {one.code: one for one in questions}
    for group in build_question_groups(questions, data=None, errors={}, violation_types=[], order=order):
        _draw_section(document, group.title)
        for form_question in group.questions:
            _draw_question(document, form_question, by_code[form_question.code])
    _draw_comment_lines(document)
    if violation_types:
        _draw_violation_codes(document, violation_types, order)
    return document


def _draw_head_fields(document: PdfDocument) -> None:
    """Draws the fields that the desk asks for first."""
    third = TEXT_WIDTH_POINTS / 3
    for row in (
        ((_("Station"), 2), (_("Observer"), 1)),
        ((_("Date"), 1), (_("Observed from"), 1), (_("Observed until"), 1)),
        ((_("Read out to"), 2), (_("Read out at"), 1)),
    ):
        document.y -= 24
        left = 0.0
        for label, parts in row:
            document.draw_blank(label, third * parts, left=left)
            left += third * parts
    document.y -= 16
    instructions = _(
        "Read out the code of each question, then the answer. * marks what is expected; leave empty what you did not see."
    )
    document.write_text(instructions, SMALL_SIZE, muted=True, gap_after=4)


def _draw_section(document: PdfDocument, title: str) -> None:
    document.ensure_space(70)
    document.y -= 6
    if clean_text(title):
        document.write_text(title, 12.5, bold=True, gap_after=5)
    document.draw_rule()
    document.y -= 3


def _draw_question(document: PdfDocument, form_question: FormQuestion, question: Question) -> None:
    """Draws one question, on one page if it fits on a page."""
    document.ensure_space(min(_estimate_height(form_question, question), 500))
    top = document.y
    code = clean_text(form_question.code)
    document.y -= LABEL_SIZE * 1.28
    document.draw_text(code, fit_font_size(code, 13, CODE_COLUMN_POINTS - 8, bold=True), bold=True)
    document.y = top
    if form_question.parent:
        answers = ", ".join(str(SHARED_ANSWER_LABELS.get(one, one)) for one in form_question.only_if)
        condition = _("Only if %(code)s is: %(answers)s") % {"code": form_question.parent, "answers": answers}
        document.write_text(condition, SMALL_SIZE, left=CODE_COLUMN_POINTS, bold=True)
    document.write_text(
        f"{form_question.label} *" if form_question.required else form_question.label,
        LABEL_SIZE,
        left=CODE_COLUMN_POINTS,
    )
    document.write_text(
        join_facts([form_question.hint, _format_limits(question)]), SMALL_SIZE, left=CODE_COLUMN_POINTS, muted=True
    )
    _draw_answer_space(document, form_question, question)
    document.y -= 7


def _estimate_height(form_question: FormQuestion, question: Question) -> float:
    text_height = (
        len(wrap_text(form_question.label, LABEL_SIZE, TEXT_COLUMN_POINTS)) * LABEL_SIZE
        + len(wrap_text(form_question.hint, SMALL_SIZE, TEXT_COLUMN_POINTS)) * SMALL_SIZE
    )
    options_width = sum(
        measure_width(_format_option(question, code, word), 9.5) + 32 for code, word, _chosen in form_question.options
    )
    answer_height = 66 if form_question.kind == "lines" else 17 * (1 + options_width // TEXT_COLUMN_POINTS)
    return text_height * 1.28 + answer_height + (SMALL_SIZE * 1.28 if form_question.parent else 0) + 12


def _format_option(question: Question, code: str, word: object) -> str:
    """The text next to an answer's box.

    It includes the answer's code where the checklist defines its own codes.
    """
    return f"{code}  {word}" if question.type in TYPES_WITH_OWN_CODES and str(word) != code else str(word)


def _format_limits(question: Question) -> str:
    minimum, maximum = (
        "" if one is None else f"{one:f}".rstrip("0").rstrip(".") if "." in f"{one:f}" else f"{one:f}"
        for one in (question.minimum, question.maximum)
    )
    if minimum and maximum:
        return _("from %(least)s to %(most)s") % {"least": minimum, "most": maximum}
    if minimum:
        return _("at least %(least)s") % {"least": minimum}
    return _("at most %(most)s") % {"most": maximum} if maximum else ""


def _draw_answer_space(document: PdfDocument, form_question: FormQuestion, question: Question) -> None:
    """Draws the space for the answer, by the kind of question."""
    if form_question.kind in ("radio", "checks"):
        _draw_option_boxes(document, form_question, question)
    elif form_question.kind == "number":
        _draw_digit_cells(document, [7])
    elif form_question.kind == "time":
        _draw_digit_cells(document, [2, 2], ":")
    elif form_question.kind == "date":
        _draw_digit_cells(document, [2, 2, 4], ".")
    elif form_question.kind == "select":
        document.y -= 20
        document.draw_blank(_("Code, from the list at the end"), TEXT_COLUMN_POINTS * 0.7, left=CODE_COLUMN_POINTS)
    elif form_question.kind == "file":
        document.write_text(
            _("Take it with your phone and keep it there: it cannot be read out."),
            SMALL_SIZE,
            left=CODE_COLUMN_POINTS,
            muted=True,
        )
    elif form_question.kind != "note":
        for _line in range(3 if form_question.kind == "lines" else 1):
            document.ensure_space(22)
            document.y -= 20
            document.draw_rule(left=CODE_COLUMN_POINTS)


def _draw_option_boxes(document: PdfDocument, form_question: FormQuestion, question: Question) -> None:
    """Draws a box for each possible answer, side by side while they fit."""
    left = CODE_COLUMN_POINTS
    document.ensure_space(20)
    document.y -= 17
    for code, word, _chosen in form_question.options:
        if not code:  # "no answer" needs no box: all boxes stay empty
            continue
        first, *further_lines = wrap_text(_format_option(question, code, word), 9.5, TEXT_COLUMN_POINTS - 18) or [""]
        width = 16 + measure_width(first, 9.5) + 16
        if left > CODE_COLUMN_POINTS and (further_lines or left + width > TEXT_WIDTH_POINTS):
            left = CODE_COLUMN_POINTS
            document.ensure_space(19)
            document.y -= 17
        document.draw_box(left)
        document.draw_text(first, 9.5, left=left + 16)
        left += width
        for line in further_lines:
            document.write_text(line, 9.5, left=CODE_COLUMN_POINTS + 16)
            left = TEXT_WIDTH_POINTS


def _draw_digit_cells(document: PdfDocument, groups: list[int], separator: str = "") -> None:
    """Draws one cell per digit.

    `groups` are the numbers of digits between the separators.
    """
    document.ensure_space(24)
    document.y -= 21
    left = CODE_COLUMN_POINTS
    for number, digits in enumerate(groups):
        if number:
            document.draw_text(separator, 12, left=left + 2)
            left += 9
        for _digit in range(digits):
            document.draw_box(left, 17, 15)
            left += 15


def _draw_comment_lines(document: PdfDocument) -> None:
    document.ensure_space(110)
    document.y -= 6
    document.write_text(_("Comment"), LABEL_SIZE, bold=True)
    for _line in range(4):
        document.y -= 21
        document.draw_rule()


def _draw_violation_codes(document: PdfDocument, violation_types: list[ViolationType], order: list[str]) -> None:
    """Draws the list of violation codes.

    Questions about violations are answered with these codes.
    """
    document.start_page()
    document.write_text(_("Codes of violations"), 14, bold=True, gap_after=4)
    for group, group_types in groupby(violation_types, key=lambda one: one.group):
        document.ensure_space(40)
        document.y -= 4
        document.write_text(get_translation(group.names, order=order), 10, bold=True)
        for one in group_types:
            document.ensure_space(14)
            top = document.y
            document.write_text(one.code, 9, bold=True, width=CODE_COLUMN_POINTS)
            document.y = top
            document.write_text(get_translation(one.names, order=order), 9, left=CODE_COLUMN_POINTS)
