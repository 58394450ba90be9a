"""The picture that stands beside a link when a page is shared: whose figures, how many, of which release."""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw, ImageFont

from observer.words import in_language
from reports.pages.http import languages
from reports.pages.http.formats import number
from reports.pages.http.responses import Rendered, digest_of
from reports.pages.places.names import stages_from
from reports.pages.places.present import Place, page_view
from reports.pages.places.source_choice import Opened, place_page
from reports.pages.places.territory import document_in
from reports.services.publishing.place_parts import Part

SIZE = (1200, 630)
PAPER, INK, SOFT, ACCENT, TRACK = "#fbfaf7", "#1b1f21", "#51595c", "#0f5f5c", "#e4e6e1"
MARGIN = 72
FONTS: Path = settings.BASE_DIR / "static" / "vendor" / "dejavu-2.37"


@dataclass(frozen=True)
class Words:
    """What is written. `share`: of the bar, 0 to 1, or None for no bar."""

    kicker: str
    title: str
    sentences: tuple[str, ...]
    under: str
    share: float | None


@require_safe
def share(request: HttpRequest, language: str, slug: str, code: str, number: int | None = None) -> HttpResponse:
    """As PNG. Public exactly where and when the page is."""
    response = place_page(request, language, slug, code, number, "share", lambda opened: _picture(opened, code))
    if response.status_code == 200:
        response["Content-Type"] = "image/png"
        del response["Content-Language"]
    return response


def _picture(opened: Opened, code: str) -> Rendered | None:
    part = opened.figures.place(code)
    if part is None:
        return None
    with languages.speaking(opened.language):
        body = draw(_words(opened, part))
    return Rendered(body, digest_of(body), opened.figures.as_of(code))


def _words(opened: Opened, part: Part) -> Words:
    language, order, known = opened.language, opened.order, part["facts"]
    under = _("Figures as they come")
    if opened.edition:
        under = _("Release %(n)s") % {"n": number(opened.edition.number, language)}
    kicker = in_language(opened.stand.names, language, order) or opened.stand.slug
    title = in_language(known["names"], language, order) or known["code"]
    if "station" in part:
        return Words(kicker, title, (_("What observers saw at this polling station"),), under, None)
    page = page_view(
        document_in(part, language, order) | {"as_of": None},
        stages_from(opened.figures.book()["stages"]),
        [],
        Place(False, known["zone"], order),
        language,
    )
    coverage = part["coverage"]
    seen = coverage["precincts_observed"] / coverage["precincts"] if coverage["precincts"] else None
    return Words(kicker, title, page.answer, under, seen)


def draw(words: Words) -> bytes:
    """A PNG of few colours."""
    image = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 14), fill=ACCENT)
    y = _write(pen, words.kicker, MARGIN, 30, SOFT, False, 1) + 10
    y = _write(pen, words.title, y, 56, INK, True, 2) + 26
    for sentence in words.sentences:
        y = _write(pen, sentence, y, 36, INK, False, 3) + 16
    if words.share is not None:
        pen.rectangle((MARGIN, 520, SIZE[0] - MARGIN, 536), fill=TRACK)
        pen.rectangle((MARGIN, 520, MARGIN + round((SIZE[0] - 2 * MARGIN) * min(words.share, 1)), 536), fill=ACCENT)
    pen.text((MARGIN, 560), f"Baqylau · {words.under}", font=_font(28, True), fill=SOFT)
    out = io.BytesIO()
    image.quantize(32).save(out, "PNG", optimize=True)
    return out.getvalue()


def _write(pen: ImageDraw.ImageDraw, text: str, y: int, size: int, colour: str, bold: bool, lines: int) -> int:
    """Writes at most so many lines; where the next begins."""
    font = _font(size, bold)
    for line in _wrapped(text, font, lines):
        pen.text((MARGIN, y), line, font=font, fill=colour)
        y += round(size * 1.3)
    return y


def _wrapped(text: str, font: ImageFont.FreeTypeFont, lines: int) -> list[str]:
    wide = SIZE[0] - 2 * MARGIN
    rows: list[str] = []
    for word in text.split():
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and font.getlength(longer) <= wide:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > lines:
        rows = rows[:lines]
        rows[-1] = rows[-1].rstrip(" .,;") + " …"
    return rows


@lru_cache(maxsize=16)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"DejaVuSans{'-Bold' if bold else ''}-subset.ttf"), size)
