"""Tables that people hand in as CSV or XLSX, read as rows of named text."""
