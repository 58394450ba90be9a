"""Export of the desk's lists as CSV and XLSX files."""
