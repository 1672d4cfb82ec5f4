"""Pooling: the combining rules, tests of several terms at once, which rule holds, and how many sets are needed.

`rp.pool` is the function `pool` of this package, which is callable: see `replicant.callable_package`.
"""

from __future__ import annotations

from replicant.callable_package import make_callable
from replicant.pool.arrays import Combined
from replicant.pool.auto import Choice, choose, invalid, valid
from replicant.pool.planning import m_needed, mc_error
from replicant.pool.pool import pool
from replicant.pool.result import Pooled
from replicant.pool.rules import RULES
from replicant.pool.tests_multivariate import RULES_OF_TESTS, JointTest, likelihood_ratio, wald

__all__ = [
    "RULES",
    "RULES_OF_TESTS",
    "Choice",
    "Combined",
    "JointTest",
    "Pooled",
    "choose",
    "invalid",
    "likelihood_ratio",
    "m_needed",
    "mc_error",
    "pool",
    "valid",
    "wald",
]

make_callable(__name__, "pool")
