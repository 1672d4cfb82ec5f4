"""The CART kernel: presorted, coded, compiled. The only package that imports numba."""

from .features import Features, encode_features
from .tree import Tree, grow_tree, single_leaf

__all__ = ["Features", "Tree", "encode_features", "grow_tree", "single_leaf"]
