"""Tallies and summaries: counted, merged, stored, checked."""
