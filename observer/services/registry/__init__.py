"""Commissions, assignments, observers, and the settings and keys of elections."""
