"""What is asked: compiled versions, values, rules, CSV and XLSForm files."""
