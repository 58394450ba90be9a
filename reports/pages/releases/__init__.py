"""Pages about releases: list, data, method, statement."""
