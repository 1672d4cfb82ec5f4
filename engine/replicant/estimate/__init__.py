"""Estimators that reduce over partitions: map to sums, combine, solve."""

from replicant.estimate.confusion import Confusion, confusion
from replicant.estimate.correlation import Correlation, correlation
from replicant.estimate.describe import describe
from replicant.estimate.discriminate import Discrimination, Discriminator, SetScore, discriminate
from replicant.estimate.discriminate_tree import TreeDiscrimination, discriminate_tree
from replicant.estimate.estimable import aligned, common
from replicant.estimate.fit import fit
from replicant.estimate.formula import Formula, parse
from replicant.estimate.labels import coefficients
from replicant.estimate.match import matched
from replicant.estimate.result import Fit
from replicant.estimate.shares import shares

__all__ = [
    "Confusion",
    "Correlation",
    "Discrimination",
    "Discriminator",
    "Fit",
    "Formula",
    "SetScore",
    "TreeDiscrimination",
    "aligned",
    "coefficients",
    "common",
    "confusion",
    "correlation",
    "describe",
    "discriminate",
    "discriminate_tree",
    "fit",
    "matched",
    "parse",
    "shares",
]
