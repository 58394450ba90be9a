"""The desk's pages about reports. Each module registers its own; named here, it is read."""

from reports.desk import (
    board,
    cases,
    checking,
    complaint,
    dictation,
    exports,
    messages,
    papers,
    quarantine,
    rehearsals,
    replacing,
    report,
    sheets,
    station,
    stations,
)

__all__ = [
    "board",
    "cases",
    "checking",
    "complaint",
    "dictation",
    "exports",
    "messages",
    "papers",
    "quarantine",
    "rehearsals",
    "replacing",
    "report",
    "sheets",
    "station",
    "stations",
]
