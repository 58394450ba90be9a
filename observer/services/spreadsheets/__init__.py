"""CSV files and workbooks read into checked rows."""
