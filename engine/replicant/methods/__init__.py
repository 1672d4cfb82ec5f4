"""Univariate methods: one column from others, one file for each.

`cart` and `sample` are fitted; `keep` (left as observed) and `surrogate` (new identifiers) need no model. `passive`
(arithmetic on the synthetic columns) and `copy` (equal to an earlier column) are computed by the visit loop itself.
"""

from .base import Block, BlockModel, Cells, Clustered, Method, Model, Predictors, Response
from .cart import Cart
from .declaration import Declaration, Origin
from .donations import Donations
from .donors import DonorModel
from .notes import NOTES
from .protection import Touched
from .registry import BUILTIN, CART, COPY, KEEP, PASSIVE, SURROGATE, origin_of, register, registered
from .sample import Sample

__all__ = [
    "BUILTIN",
    "CART",
    "COPY",
    "KEEP",
    "NOTES",
    "PASSIVE",
    "SURROGATE",
    "Block",
    "BlockModel",
    "Cart",
    "Cells",
    "Clustered",
    "Declaration",
    "Donations",
    "DonorModel",
    "Method",
    "Model",
    "Origin",
    "Predictors",
    "Response",
    "Sample",
    "Touched",
    "origin_of",
    "register",
    "registered",
]
