"""Reports and what is made of them, in the admin: what an operator does by hand."""

from reports.admin import (
    case,
    checklist,
    evidence,
    export,
    imports,
    message,
    registry,
    release,
    report,
    summary,
    violation,
)

__all__ = [
    "case",
    "checklist",
    "evidence",
    "export",
    "imports",
    "message",
    "registry",
    "release",
    "report",
    "summary",
    "violation",
]
