"""Desk pages for reviewing reports."""
