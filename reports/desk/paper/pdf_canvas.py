"""Sheets of A4 as PDF, written from the top down: wrapped words, rules, boxes to tick, QR codes.

The letters are those of the fonts that are shipped, so that a sheet looks the same on every machine.
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

WIDTH, HEIGHT, MARGIN = 595.28, 841.89, 45.0  # points
INNER = WIDTH - 2 * MARGIN
PLAIN, BOLD = "Paper", "PaperBold"
INK, SOFT, LINE = HexColor(0x1B1F21), HexColor(0x51595C), HexColor(0x9AA0A2)
LEADING = 1.28  # of the size of the letters, from line to line
QUIET = 4  # modules of white that a reader of QR codes needs around one


@lru_cache(1)
def fonts_ready() -> None:
    folder = settings.BASE_DIR / "static" / "vendor" / "dejavu-2.37"
    pdfmetrics.registerFont(TTFont(PLAIN, str(folder / "DejaVuSans-subset.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, str(folder / "DejaVuSans-Bold-subset.ttf")))


def plain(words: object) -> str:
    """On one line, without what cannot be drawn."""
    text = " ".join(str(words).split())
    return "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def breadth(text: str, size: float, bold: bool = False) -> float:
    """How wide it is, in points."""
    fonts_ready()
    return float(pdfmetrics.stringWidth(text, BOLD if bold else PLAIN, size))


def wrapped(words: object, size: float, width: float, bold: bool = False) -> list[str]:
    """The lines of a text; a word that is wider than a line is broken."""
    lines, line = [], ""
    for word in plain(words).split():
        longer = f"{line} {word}" if line else word
        if breadth(longer, size, bold) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = broken(word, size, width, bold)
        lines += whole
    return [*lines, line] if line else lines


def broken(word: str, size: float, width: float, bold: bool) -> list[str]:
    parts, part = [], ""
    for letter in word:
        if part and breadth(part + letter, size, bold) > width:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]


def fitting(text: str, size: float, width: float, bold: bool = False) -> float:
    """The greatest size, at most `size`, at which it stands on one line."""
    return min(size, size * width / max(breadth(text, size, bold), 1.0))


def runs_of(matrix: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """The dark modules of a QR code as row, first column and length."""
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            length = 0
            while x + length < len(row) and row[x + length]:
                length += 1
            if length:
                yield y, x, length
            x += max(length, 1)


class Paper:
    """A document that grows downwards; `y` is how far above the lower edge the next line begins."""

    def __init__(self, title: str, *, running: str = "", of: int = 0) -> None:
        """`running` heads every page, with its number and, where they are known, the number `of` all."""
        fonts_ready()
        self.running, self.of, self.pages, self.y = plain(running), of, 0, 0.0
        self.file = io.BytesIO()
        self.canvas: Any = Canvas(self.file, pagesize=(WIDTH, HEIGHT), pageCompression=1)
        self.canvas.setTitle(plain(title))
        self.canvas.setCreator("Baqylau")

    def page(self) -> None:
        """Begins a page."""
        if self.pages:
            self.canvas.showPage()
        self.pages += 1
        self.y = HEIGHT - MARGIN
        if self.running:
            number = f"{self.pages} / {self.of}" if self.of else str(self.pages)
            head, *_more = wrapped(self.running, 8, INNER - 60) or [""]
            self.draw(head, 8, soft=True)
            self.canvas.drawRightString(WIDTH - MARGIN, self.y, number)
            self.y -= 14

    def room(self, height: float) -> None:
        """Makes sure that so much can follow without a break; more than a page cannot."""
        if not self.pages or self.y - height < MARGIN:
            self.page()

    def draw(self, text: str, size: float, *, left: float = 0, bold: bool = False, soft: bool = False) -> None:
        """One line where the cursor is, which stays."""
        self.canvas.setFillColor(SOFT if soft else INK)
        self.canvas.setFont(BOLD if bold else PLAIN, size)
        self.canvas.drawString(MARGIN + left, self.y, text)

    def write(
        self,
        words: object,
        size: float = 10,
        *,
        left: float = 0,
        width: float = 0,
        bold: bool = False,
        soft: bool = False,
        after: float = 0,
        most: int = 0,
    ) -> None:
        """Words, on as many lines as they need or on the `most` that there may be, and a gap `after` them."""
        lines = wrapped(words, size, width or INNER - left, bold)
        if most and len(lines) > most:
            lines = [*lines[: most - 1], f"{lines[most - 1]}…"]
        for line in lines:
            self.room(size * LEADING)
            self.y -= size * LEADING
            self.draw(line, size, left=left, bold=bold, soft=soft)
        self.y -= after

    def rule(self, *, left: float = 0, width: float = 0) -> None:
        """A thin line where the cursor is."""
        self.canvas.setStrokeColor(LINE)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(MARGIN + left, self.y, MARGIN + left + (width or INNER - left), self.y)

    def box(self, left: float, size: float = 11, width: float = 0) -> None:
        """An empty box standing on the line where the cursor is."""
        self.canvas.setStrokeColor(INK)
        self.canvas.setLineWidth(0.9)
        self.canvas.rect(MARGIN + left, self.y - 1.5, width or size, size)

    def blank(self, label: object, width: float, *, left: float = 0) -> None:
        """A label with a line to write on, so wide in all, on the line where the cursor is."""
        text = plain(label)
        size = fitting(text, 9, width * 0.7)
        self.draw(text, size, left=left, soft=True)
        begins = breadth(text, size) + 4
        self.rule(left=left + begins, width=width - begins - 8)

    def qr(self, content: str, *, left: float, size: float) -> None:
        """A QR code whose upper edge is the cursor, with the white around it within `size`."""
        matrix = segno.make(content, error="m", micro=False).matrix
        module = size / (len(matrix) + 2 * QUIET)
        shape = self.canvas.beginPath()
        for y, x, length in runs_of(matrix):
            shape.rect(MARGIN + left + (QUIET + x) * module, self.y - (QUIET + y + 1) * module, length * module, module)
        self.canvas.setFillColor(HexColor(0))
        self.canvas.drawPath(shape, stroke=0, fill=1)

    def done(self) -> bytes:
        if not self.pages:
            self.page()
        self.canvas.save()
        return self.file.getvalue()


def pdf_response(content: bytes, name: str) -> HttpResponse:
    """For whoever asked, kept nowhere on the way."""
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"', "Cache-Control": "private, no-store"},
    )


def beside(words: Iterable[object]) -> str:
    """Facts in one line."""
    return " · ".join(text for one in words if (text := plain(one)))
