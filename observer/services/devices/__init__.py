"""Enrolment codes, device tokens, and replacing a phone or an observer."""
