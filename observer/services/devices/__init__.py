"""Enrolment codes, device tokens, replacing a phone or an observer."""
