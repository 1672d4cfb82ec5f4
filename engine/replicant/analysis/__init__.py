"""One model on each of m sets, pooled by the rule that holds for them, and beside the same model on the real data."""

from __future__ import annotations

from replicant.analysis.analyses import Analyses
from replicant.analysis.comparison import Comparison, compare
from replicant.analysis.data import Data, refuse_identifiers, typed
from replicant.analysis.discriminated import Discriminated, discriminate
from replicant.analysis.fitting import analyse
from replicant.analysis.pooling import in_nests

__all__ = [
    "Analyses",
    "Comparison",
    "Data",
    "Discriminated",
    "analyse",
    "compare",
    "discriminate",
    "in_nests",
    "refuse_identifiers",
    "typed",
]
