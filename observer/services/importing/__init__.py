"""Importing commissions, observers and assignments from lists."""
