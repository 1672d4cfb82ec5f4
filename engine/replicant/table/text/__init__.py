"""Text files of rows and cells: CSV and its relatives."""
