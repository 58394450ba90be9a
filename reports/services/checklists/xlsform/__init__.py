"""Reading and writing XLSForms (https://xlsform.org)."""
