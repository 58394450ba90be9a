"""Setting an election up: packs, imports, invitations, readiness."""
