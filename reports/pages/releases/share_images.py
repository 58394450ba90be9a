"""Preview images of commission pages, for shared links (Open Graph)."""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw, ImageFont

from observer.words import get_translation
from reports.pages.http import languages
from reports.pages.http.formats import format_number
from reports.pages.http.responses import RenderedPage, compute_etag
from reports.pages.places.names import parse_stages
from reports.pages.places.page_view import PageLocation, build_page_view
from reports.pages.places.source_choice import PageSource, serve_place_page
from reports.pages.places.territory import build_named_document
from reports.services.publishing.place_parts import Part

IMAGE_SIZE_PIXELS = (1200, 630)
BACKGROUND_COLOUR, TEXT_COLOUR, SECONDARY_COLOUR, ACCENT_COLOUR, TRACK_COLOUR = (
    "#fbfaf7",
    "#1b1f21",
    "#51595c",
    "#0f5f5c",
    "#e4e6e1",
)
MARGIN_PIXELS = 72
FONTS_DIR: Path = settings.BASE_DIR / "static" / "vendor" / "dejavu-2.37"


@dataclass(frozen=True)
class ImageTexts:
    """The texts in the image.

    `share`: the filled share of the bar, 0 to 1; None for no bar.
    """

    kicker: str
    title: str
    sentences: tuple[str, ...]
    under: str
    share: float | None


@require_safe
def show_share_image(
    request: HttpRequest, language: str, slug: str, code: str, number: int | None = None
) -> HttpResponse:
    """Show the preview image as PNG.

    It is public exactly when the commission's page is.
    """
    response = serve_place_page(
        request, language, slug, code, number, "share", lambda source: _build_image(source, code)
    )
    if response.status_code == 200:
        response["Content-Type"] = "image/png"
        del response["Content-Language"]
    return response


def _build_image(source: PageSource, code: str) -> RenderedPage | None:
    part = source.figures.load_place(code)
    if part is None:
        return None
    with languages.override_language(source.language):
        body = draw_image(_build_texts(source, part))
    return RenderedPage(body, compute_etag(body), source.figures.get_computed_at(code))


def _build_texts(source: PageSource, part: Part) -> ImageTexts:
    language, order, facts = source.language, source.language_order, part["facts"]
    under = _("Figures as they come")
    if source.release:
        under = _("Release %(n)s") % {"n": format_number(source.release.number, language)}
    kicker = get_translation(source.election.names, language, order) or source.election.slug
    title = get_translation(facts["names"], language, order) or facts["code"]
    if "station" in part:
        return ImageTexts(kicker, title, (_("What observers saw at this polling station"),), under, None)
    page = build_page_view(
        build_named_document(part, language, order) | {"as_of": None},
        parse_stages(source.figures.load_codebook()["stages"]),
        [],
        PageLocation(False, facts["zone"], order),
        language,
    )
    coverage = part["coverage"]
    observed_share = coverage["precincts_observed"] / coverage["precincts"] if coverage["precincts"] else None
    return ImageTexts(kicker, title, page.answer, under, observed_share)


def draw_image(texts: ImageTexts) -> bytes:
    """Draw the image: a PNG with a palette of 32 colours."""
    image = Image.new("RGB", IMAGE_SIZE_PIXELS, BACKGROUND_COLOUR)
    drawing = ImageDraw.Draw(image)
    drawing.rectangle((0, 0, IMAGE_SIZE_PIXELS[0], 14), fill=ACCENT_COLOUR)
    y = _draw_text(drawing, texts.kicker, MARGIN_PIXELS, 30, SECONDARY_COLOUR, False, 1) + 10
    y = _draw_text(drawing, texts.title, y, 56, TEXT_COLOUR, True, 2) + 26
    for sentence in texts.sentences:
        y = _draw_text(drawing, sentence, y, 36, TEXT_COLOUR, False, 3) + 16
    if texts.share is not None:
        drawing.rectangle((MARGIN_PIXELS, 520, IMAGE_SIZE_PIXELS[0] - MARGIN_PIXELS, 536), fill=TRACK_COLOUR)
        drawing.rectangle(
            (
                MARGIN_PIXELS,
                520,
                MARGIN_PIXELS + round((IMAGE_SIZE_PIXELS[0] - 2 * MARGIN_PIXELS) * min(texts.share, 1)),
                536,
            ),
            fill=ACCENT_COLOUR,
        )
    drawing.text((MARGIN_PIXELS, 560), f"Baqylau · {texts.under}", font=_load_font(28, True), fill=SECONDARY_COLOUR)
    out = io.BytesIO()
    image.quantize(32).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw_text(drawing: ImageDraw.ImageDraw, text: str, y: int, size: int, colour: str, bold: bool, lines: int) -> int:
    """Draw the text in at most `lines` lines.

    Return the y of the next text, in pixels.
    """
    font = _load_font(size, bold)
    for line in _wrap_text(text, font, lines):
        drawing.text((MARGIN_PIXELS, y), line, font=font, fill=colour)
        y += round(size * 1.3)
    return y


def _wrap_text(text: str, font: ImageFont.FreeTypeFont, lines: int) -> list[str]:
    max_width = IMAGE_SIZE_PIXELS[0] - 2 * MARGIN_PIXELS
    rows: list[str] = []
    for word in text.split():
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and font.getlength(longer) <= max_width:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > lines:
        rows = rows[:lines]
        rows[-1] = rows[-1].rstrip(" .,;") + " …"
    return rows


@lru_cache(maxsize=16)
def _load_font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS_DIR / f"DejaVuSans{'-Bold' if bold else ''}-subset.ttf"), size)
