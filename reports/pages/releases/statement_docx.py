"""The statement as DOCX with footnotes, which python-docx cannot write."""

import io
from typing import Any

from django.utils.html import escape
from django.utils.translation import gettext as _
from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt, RGBColor

from reports.pages.releases.statement import Sentence, Statement

FOOTNOTES_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
TEXT_COLOUR, SECONDARY_COLOUR = RGBColor(0x1B, 0x1F, 0x21), RGBColor(0x51, 0x59, 0x5C)


def build_statement_docx(statement: Statement, language: str) -> bytes:
    """Build the DOCX file. Call it with the language active."""
    document = Document()
    _set_styles(document, language)
    _add_footnotes(document, statement.notes)
    document.core_properties.title = statement.title
    document.core_properties.language = language
    document.core_properties.author = "Baqylau"
    document.add_heading(statement.title, 0)
    document.add_paragraph(statement.under)
    document.add_paragraph().add_run(
        _("Draft of the election-day part. Every figure comes from this release.")
    ).italic = True
    _add_sentences(document, statement.opening)
    for section in statement.sections:
        document.add_heading(section.title, 1)
        _add_sentences(document, section.sentences)
        if section.remark:
            document.add_paragraph(section.remark, style="Intense Quote")
    document.add_paragraph(statement.thresholds)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _set_styles(document: Any, language: str) -> None:
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size, normal.font.color.rgb = "Liberation Serif", Pt(11), TEXT_COLOUR
    normal.element.rPr.append(parse_xml(f'<w:lang {nsdecls("w")} w:val="{language}"/>'))
    for name in ("Title", "Heading 1", "Intense Quote"):
        style = document.styles[name]
        style.font.color.rgb = SECONDARY_COLOUR if name == "Intense Quote" else TEXT_COLOUR
        style.font.name = "Liberation Sans" if name != "Intense Quote" else "Liberation Serif"
        fonts = style.element.rPr.rFonts
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)  # a theme's font may lack Kazakh letters


def _add_sentences(document: Any, sentences: tuple[Sentence, ...]) -> None:
    paragraph = document.add_paragraph()
    for one in sentences:
        paragraph.add_run(one.text)
        mark = paragraph.add_run()
        mark.font.superscript = True
        mark._r.append(parse_xml(f'<w:footnoteReference {nsdecls("w")} w:id="{one.note}"/>'))
        paragraph.add_run(" ")


def _add_footnotes(document: Any, notes: tuple[str, ...]) -> None:
    """Add the part with the footnotes.

    The first two entries are the separator lines that Word draws above them.
    """
    rows = [
        f'<w:footnote w:type="{kind}" w:id="{key}"><w:p><w:r><w:{element}/></w:r></w:p></w:footnote>'
        for key, kind, element in (
            (-1, "separator", "separator"),
            (0, "continuationSeparator", "continuationSeparator"),
        )
    ]
    rows += [
        f'<w:footnote w:id="{key}"><w:p><w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteRef/></w:r>'
        f'<w:r><w:rPr><w:sz w:val="18"/></w:rPr><w:t xml:space="preserve"> {escape(text)}</w:t></w:r></w:p></w:footnote>'
        for key, text in enumerate(notes, 1)
    ]
    xml = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:footnotes {nsdecls("w")}>{"".join(rows)}</w:footnotes>'
    part = Part(PackURI("/word/footnotes.xml"), FOOTNOTES_CONTENT_TYPE, xml.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
