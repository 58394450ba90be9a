"""The changes that a checklist import would make, in the reader's language."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from observer.words import get_translation
from reports.services.checklists.diff import CHANGED, GONE, MOVED, NEW, ChecklistPreview

CHANGE_KIND_LABELS: dict[str, str | Promise] = {
    NEW: _("new"),
    CHANGED: _("changed"),
    MOVED: _("stands elsewhere"),
    GONE: _("no longer asked"),
}
FIELD_LABELS: dict[str, str | Promise] = {
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


def build_preview_rows(preview: ChecklistPreview) -> list[dict[str, Any]]:
    """The rows of the preview, one per changed question.

    Each has the kind of change, and the changed fields before and after.
    """
    return [
        {
            "code": change.code,
            "label": get_translation(change.labels),
            "kind": CHANGE_KIND_LABELS[change.kind],
            "cells": [(FIELD_LABELS.get(cell.field, cell.field), cell) for cell in change.cells],
        }
        for change in preview.changes
    ]
