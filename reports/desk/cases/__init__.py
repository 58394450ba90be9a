"""Desk pages of cases and complaints."""
