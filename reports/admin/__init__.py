"""Admin pages of reports, checklists, cases, releases and everything derived from them."""

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
