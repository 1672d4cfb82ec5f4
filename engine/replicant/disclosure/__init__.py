"""What synthetic data give away: copies, identities, attributes, attacks, and the records at risk.

Counts of combinations (`combinations`) merge over partitions; `copies`, `identity` and `attribute` conclude figures
from them, each beside its baseline (`comparison`, `leave_one_out`). `matching` follows records whose rows are in the
sets.
"""
