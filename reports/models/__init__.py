"""Models of reports, evidence, figures, cases and publication."""

from reports.models.case import Case, CaseComment, CaseConsent, CaseExport, CaseFile, Complaint
from reports.models.check import Check
from reports.models.checklist import Checklist, ChecklistFile, ChecklistVersion, Question, Section
from reports.models.evidence import Evidence
from reports.models.export import Export
from reports.models.imports import Import
from reports.models.message import Message, MessageRead
from reports.models.relay import RelayFile
from reports.models.release import Release, ReleaseContent, ReleaseRow, Reply
from reports.models.report import KeyRotation, Note, Refusal, Report, Unkept
from reports.models.set_aside import SetAside
from reports.models.summary import Due, Summary
from reports.models.violation import Violation, ViolationGroup, ViolationType

__all__ = [
    "Case",
    "CaseComment",
    "CaseConsent",
    "CaseExport",
    "CaseFile",
    "Check",
    "Checklist",
    "ChecklistFile",
    "ChecklistVersion",
    "Complaint",
    "Due",
    "Evidence",
    "Export",
    "Import",
    "KeyRotation",
    "Message",
    "MessageRead",
    "Note",
    "Question",
    "Refusal",
    "RelayFile",
    "Release",
    "ReleaseContent",
    "ReleaseRow",
    "Reply",
    "Report",
    "Section",
    "SetAside",
    "Summary",
    "Unkept",
    "Violation",
    "ViolationGroup",
    "ViolationType",
]
