"""A4 PDF documents that are written from top to bottom.

They have wrapped text, rules, tick boxes and QR codes. The fonts are shipped with the project, so that a document
looks the same on every machine. All lengths are in points.
"""

import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import segno
from django.conf import settings
from django.http import HttpResponse
from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

PAGE_WIDTH_POINTS, PAGE_HEIGHT_POINTS, MARGIN_POINTS = 595.28, 841.89, 45.0  # A4
TEXT_WIDTH_POINTS = PAGE_WIDTH_POINTS - 2 * MARGIN_POINTS
REGULAR_FONT, BOLD_FONT = "Paper", "PaperBold"
TEXT_COLOR, MUTED_COLOR, LINE_COLOR = HexColor(0x1B1F21), HexColor(0x51595C), HexColor(0x9AA0A2)
LINE_HEIGHT_FACTOR = 1.28  # distance between two lines, as a multiple of the font size
QUIET_ZONE_MODULES = 4  # white modules that a scanner needs around a QR code


@lru_cache(1)
def register_fonts() -> None:
    """Registers the shipped fonts with reportlab, once per process."""
    folder = settings.BASE_DIR / "static" / "vendor" / "dejavu-2.37"
    pdfmetrics.registerFont(TTFont(REGULAR_FONT, str(folder / "DejaVuSans-subset.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD_FONT, str(folder / "DejaVuSans-Bold-subset.ttf")))


def clean_text(value: object) -> str:
    """The text on one line, without characters that cannot be drawn.

    Control, format, private and unassigned characters are left out.
    """
    text = " ".join(str(value).split())
    return "".join(
        character for character in text if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )


def measure_width(text: str, size: float, bold: bool = False) -> float:
    """The width of a text in points."""
    register_fonts()
    return float(pdfmetrics.stringWidth(text, BOLD_FONT if bold else REGULAR_FONT, size))


def wrap_text(text: object, size: float, width: float, bold: bool = False) -> list[str]:
    """The lines of a text, each at most `width` points wide.

    A word that is wider than a line is broken.
    """
    lines, line = [], ""
    for word in clean_text(text).split():
        longer = f"{line} {word}" if line else word
        if measure_width(longer, size, bold) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = break_word(word, size, width, bold)
        lines += whole
    return [*lines, line] if line else lines


def break_word(word: str, size: float, width: float, bold: bool) -> list[str]:
    """The parts of a word that fit into `width` points.

    Each part has at least one letter, even if that is wider.
    """
    parts, part = [], ""
    for letter in word:
        if part and measure_width(part + letter, size, bold) > width:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]


def fit_font_size(text: str, size: float, width: float, bold: bool = False) -> float:
    """The largest font size at which a text fits on one line.

    It is at most `size`.
    """
    return min(size, size * width / max(measure_width(text, size, bold), 1.0))


def iterate_dark_runs(matrix: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Yields each run of dark modules: row, first column, length."""
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            length = 0
            while x + length < len(row) and row[x + length]:
                length += 1
            if length:
                yield y, x, length
            x += max(length, 1)


class PdfDocument:
    """A PDF document that is filled from top to bottom.

    The cursor `y` is the distance in points from the lower edge of the page to where the next line begins.
    """

    def __init__(self, title: str, *, header: str = "", total_pages: int = 0) -> None:
        """`header` is printed on top of every page with the page number, and with `total_pages` unless it is 0."""
        register_fonts()
        self.header, self.total_pages, self.page_count, self.y = clean_text(header), total_pages, 0, 0.0
        self.file = io.BytesIO()
        self.canvas: Any = Canvas(self.file, pagesize=(PAGE_WIDTH_POINTS, PAGE_HEIGHT_POINTS), pageCompression=1)
        self.canvas.setTitle(clean_text(title))
        self.canvas.setCreator("Baqylau")

    def start_page(self) -> None:
        """Starts a new page and moves the cursor to its top."""
        if self.page_count:
            self.canvas.showPage()
        self.page_count += 1
        self.y = PAGE_HEIGHT_POINTS - MARGIN_POINTS
        if self.header:
            number = f"{self.page_count} / {self.total_pages}" if self.total_pages else str(self.page_count)
            head, *_more = wrap_text(self.header, 8, TEXT_WIDTH_POINTS - 60) or [""]
            self.draw_text(head, 8, muted=True)
            self.canvas.drawRightString(PAGE_WIDTH_POINTS - MARGIN_POINTS, self.y, number)
            self.y -= 14

    def ensure_space(self, height: float) -> None:
        """Starts a new page unless `height` points are free on this one. `height` must be less than a page."""
        if not self.page_count or self.y - height < MARGIN_POINTS:
            self.start_page()

    def draw_text(self, text: str, size: float, *, left: float = 0, bold: bool = False, muted: bool = False) -> None:
        """Draws one line of text without moving the cursor."""
        self.canvas.setFillColor(MUTED_COLOR if muted else TEXT_COLOR)
        self.canvas.setFont(BOLD_FONT if bold else REGULAR_FONT, size)
        self.canvas.drawString(MARGIN_POINTS + left, self.y, text)

    def write_text(
        self,
        text: object,
        size: float = 10,
        *,
        left: float = 0,
        width: float = 0,
        bold: bool = False,
        muted: bool = False,
        gap_after: float = 0,
        max_lines: int = 0,
    ) -> None:
        """Writes wrapped text, moves the cursor below it, and leaves `gap_after` points free.

        The text takes at most `max_lines` lines unless that is 0; a text that is cut ends in an ellipsis.
        """
        lines = wrap_text(text, size, width or TEXT_WIDTH_POINTS - left, bold)
        if max_lines and len(lines) > max_lines:
            lines = [*lines[: max_lines - 1], f"{lines[max_lines - 1]}…"]
        for line in lines:
            self.ensure_space(size * LINE_HEIGHT_FACTOR)
            self.y -= size * LINE_HEIGHT_FACTOR
            self.draw_text(line, size, left=left, bold=bold, muted=muted)
        self.y -= gap_after

    def draw_rule(self, *, left: float = 0, width: float = 0) -> None:
        """Draws a thin horizontal line at the cursor.

        It ends at the right margin unless `width` is given.
        """
        self.canvas.setStrokeColor(LINE_COLOR)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(
            MARGIN_POINTS + left, self.y, MARGIN_POINTS + left + (width or TEXT_WIDTH_POINTS - left), self.y
        )

    def draw_box(self, left: float, size: float = 11, width: float = 0) -> None:
        """Draws an empty box that stands on the cursor's line."""
        self.canvas.setStrokeColor(TEXT_COLOR)
        self.canvas.setLineWidth(0.9)
        self.canvas.rect(MARGIN_POINTS + left, self.y - 1.5, width or size, size)

    def draw_blank(self, label: object, width: float, *, left: float = 0) -> None:
        """Draws a label and a line to write on.

        Both are at the cursor and together `width` points wide.
        """
        text = clean_text(label)
        size = fit_font_size(text, 9, width * 0.7)
        self.draw_text(text, size, left=left, muted=True)
        begins = measure_width(text, size) + 4
        self.draw_rule(left=left + begins, width=width - begins - 8)

    def draw_qr_code(self, content: str, *, left: float, size: float) -> None:
        """Draws a QR code whose upper edge is at the cursor. `size` includes its white border."""
        matrix = segno.make(content, error="m", micro=False).matrix
        module = size / (len(matrix) + 2 * QUIET_ZONE_MODULES)
        shape = self.canvas.beginPath()
        for y, x, length in iterate_dark_runs(matrix):
            shape.rect(
                MARGIN_POINTS + left + (QUIET_ZONE_MODULES + x) * module,
                self.y - (QUIET_ZONE_MODULES + y + 1) * module,
                length * module,
                module,
            )
        self.canvas.setFillColor(HexColor(0))
        self.canvas.drawPath(shape, stroke=0, fill=1)

    def finish(self) -> bytes:
        """The finished PDF; it has at least one page."""
        if not self.page_count:
            self.start_page()
        self.canvas.save()
        return self.file.getvalue()


def build_pdf_response(content: bytes, name: str) -> HttpResponse:
    """The PDF as a download that browsers and proxies must not store."""
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"', "Cache-Control": "private, no-store"},
    )


def join_facts(facts: Iterable[object]) -> str:
    """The non-empty facts on one line, separated by middle dots."""
    return " · ".join(text for fact in facts if (text := clean_text(fact)))
