"""Figures of commissions: counting, merging, storing and checking them."""
