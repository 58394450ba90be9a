"""Permissions, staff, sign-in, and the log of disclosed personal data."""
