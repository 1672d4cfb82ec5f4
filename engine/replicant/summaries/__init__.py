"""Columns as aggregates: means, shares and counts in bins, of a real table, of sets, or of both next to each other."""
