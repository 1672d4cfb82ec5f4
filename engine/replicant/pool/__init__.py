"""Pooling: the combining rules, tests of several terms at once, which rule holds, and how many sets are needed.

`rp.pool` is the function `pool` of this package. Python binds a package's attribute to the subpackage of the same name
as soon as that is imported, so the package is callable too, and `rp.pool(...)` works whichever is imported first.
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import Any

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


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Pooled:
        return pool(*args, **options)

    @property
    def __signature__(self) -> Any:  # so that editors show the arguments of `rp.pool`
        return inspect.signature(pool)


sys.modules[__name__].__class__ = _CallablePackage
