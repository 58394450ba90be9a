"""Backup, restore, key rotation, health and purge."""
