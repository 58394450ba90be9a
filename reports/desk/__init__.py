"""Desk pages about reports.

A page is registered when its module is imported, so every module with pages is imported here.
"""

from reports.desk.cases import cases, complaint, new_case
from reports.desk.day import board, dictation, exports, messages, rehearsals, replacement, station, stations
from reports.desk.preparation import (
    checklist_papers,
    enrolment_sheets,
    enrolment_status,
    imports,
    invite,
    new_election,
    readiness,
)
from reports.desk.verification import quarantine, report, review_queue

__all__ = [
    "board",
    "cases",
    "checklist_papers",
    "complaint",
    "dictation",
    "enrolment_sheets",
    "enrolment_status",
    "exports",
    "imports",
    "invite",
    "messages",
    "new_case",
    "new_election",
    "quarantine",
    "readiness",
    "rehearsals",
    "replacement",
    "report",
    "review_queue",
    "station",
    "stations",
]
