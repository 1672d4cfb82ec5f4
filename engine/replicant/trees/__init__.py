"""The CART kernel: presorted, coded, compiled. The only package that imports numba."""

from .admissible import NOBODY, DonorsByCode
from .features import Features, encode_features
from .leaf_rows import Halves, held_out_scores
from .leaf_weights import LeafWeights, leaf_weights
from .merge import Least, explained, merge_leaves, shortcomings
from .repeated import Likeness
from .tree import Tree, grow_tree, likeness, single_leaf

__all__ = [
    "NOBODY",
    "DonorsByCode",
    "Features",
    "Halves",
    "LeafWeights",
    "Least",
    "Likeness",
    "Tree",
    "encode_features",
    "explained",
    "grow_tree",
    "held_out_scores",
    "leaf_weights",
    "likeness",
    "merge_leaves",
    "shortcomings",
    "single_leaf",
]
