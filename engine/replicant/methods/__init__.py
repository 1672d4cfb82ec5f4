"""Univariate methods: one column from others.

`cart` and `sample` are fitted; `passive` (arithmetic on the synthetic columns), `copy` (equal to an earlier column) and
`keep` (left as observed) need no model, so the visit loop does them itself.
"""

from .base import Method, Model, Predictors, Response
from .cart import CartMethod, DonorModel, SampleMethod
from .registry import BUILTIN, method_for, names, register, registered

__all__ = [
    "BUILTIN",
    "CartMethod",
    "DonorModel",
    "Method",
    "Model",
    "Predictors",
    "Response",
    "SampleMethod",
    "method_for",
    "names",
    "register",
    "registered",
]
