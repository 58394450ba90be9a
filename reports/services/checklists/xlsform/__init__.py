"""XLSForms read and written."""
