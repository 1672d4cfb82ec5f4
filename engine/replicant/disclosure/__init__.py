"""What synthetic data give away: copies, identities, attributes, attacks, and the records at risk."""
