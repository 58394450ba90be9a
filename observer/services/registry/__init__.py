"""Commissions, assignments, places and an election's settings."""
