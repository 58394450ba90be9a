"""PDF sheets: checklists and enrolment sheets."""
