"""What an import would change, in words."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from observer.words import in_language
from reports.services.checklists.diff import CHANGED, GONE, MOVED, NEW, Preview

KINDS: dict[str, str | Promise] = {
    NEW: _("new"),
    CHANGED: _("changed"),
    MOVED: _("stands elsewhere"),
    GONE: _("no longer asked"),
}
FIELDS: dict[str, str | Promise] = {
    "type": _("type"),
    "labels": _("wording"),
    "hints": _("hint"),
    "choices": _("answers"),
    "required": _("required"),
    "relevant_question": _("asked only after"),
    "relevant_answers": _("asked only when it was answered"),
    "section": _("section"),
    "minimum": _("at least"),
    "maximum": _("at most"),
    "violation_answers": _("answers that are a finding"),
    "violation_code": _("violation"),
    "control": _("protocol figure"),
    "sms_code": _("SMS code"),
    "xlsform": _("for ODK Collect"),
    "titles": _("title"),
}


def preview_rows(preview: Preview) -> list[dict[str, Any]]:
    """Each change with its words: the question, what happens to it, and the fields before and after."""
    return [
        {
            "code": change.code,
            "label": in_language(change.labels),
            "kind": KINDS[change.kind],
            "cells": [(FIELDS.get(cell.field, cell.field), cell) for cell in change.cells],
        }
        for change in preview.changes
    ]
