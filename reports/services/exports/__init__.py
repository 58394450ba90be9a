"""Lists as files for the desk."""
