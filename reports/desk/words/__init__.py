"""Labels and formats of the desk pages, in the reader's language."""
