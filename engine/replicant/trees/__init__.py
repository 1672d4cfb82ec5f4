"""The CART kernel: presorted, coded, compiled. The only package that imports numba."""

from .features import Features, encode_features
from .leaf_rows import held_out_scores
from .tree import Tree, grow_tree, single_leaf

__all__ = ["Features", "Tree", "encode_features", "grow_tree", "held_out_scores", "single_leaf"]
