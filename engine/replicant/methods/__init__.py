"""Univariate methods: one column from others.

`cart` and `sample` are fitted; `passive` (arithmetic on the synthetic columns), `copy` (equal to an earlier column) and
`keep` (left as observed) need no model, so the visit loop does them itself.
"""

from .base import Method, Model, Predictors, Response
from .cart import Cart
from .donors import DonorModel
from .registry import BUILTIN, method_for, names, register, registered
from .sample import Sample

__all__ = [
    "BUILTIN",
    "Cart",
    "DonorModel",
    "Method",
    "Model",
    "Predictors",
    "Response",
    "Sample",
    "method_for",
    "names",
    "register",
    "registered",
]
