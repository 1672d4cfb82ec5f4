"""How close synthetic data are to real data: summaries of columns, and differences between releases."""
