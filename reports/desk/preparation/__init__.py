"""Desk pages used before election day: setup, imports, readiness, enrolment, printing."""
