"""Checklists: compiled versions, validation, publishing, CSV and XLSForm files, reading answers."""
