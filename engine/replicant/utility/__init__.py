"""How close synthetic data are to real data, and releases to each other."""
