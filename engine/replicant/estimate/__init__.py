"""Estimators that reduce over partitions: map to sums, combine, solve."""

from replicant.estimate.fit import fit
from replicant.estimate.formula import Formula, parse
from replicant.estimate.result import Fit

__all__ = ["Fit", "Formula", "fit", "parse", "parse_formula"]

parse_formula = parse
