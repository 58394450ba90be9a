"""Pages used before election day."""
