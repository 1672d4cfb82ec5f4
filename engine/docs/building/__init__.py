"""What Sphinx does for these pages beyond what it does for any."""
