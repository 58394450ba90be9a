"""Labels and formats of the desk in the reader's language."""
