"""Compiling the kernel ahead of its first use, and telling the user why it takes a moment."""

from __future__ import annotations

import gc
from collections.abc import Callable
from enum import Flag, auto
from threading import Lock, Timer

import numpy as np

from replicant.ranges import Ranges

from .features import encode_features
from .jit import KERNELS
from .leaf_rows import Halves, held_out_scores
from .leaf_weights import leaf_weights
from .merge import Least, merge_leaves
from .tree import grow_tree, likeness, single_leaf

__all__ = ["Use", "ensure_compiled", "kernel_folder"]

PATIENCE = 1.5  # seconds: reading the compiled kernel from disk takes a third of it
OBJECTS = 100_000  # the compiler makes millions that stay: looking among them for garbage took a seventh of the time
NOTICE = "Compiling the tree kernel for this machine: once, about 10 seconds."


class Use(Flag):
    """What a job does with trees."""

    TREES = auto()
    """Trees are grown, and give donors to the rows that they were grown on."""
    NEW_ROWS = auto()
    """Rows that are not the table's go down a tree."""
    DISTINCT = auto()
    """A record donates to so many cells of a row only."""
    LEAF_ROWS = auto()
    """`minbucket` is chosen."""
    LEAF_WEIGHTS = auto()
    """Donors of a leaf are weighted."""
    CONDITIONS = auto()
    """Rows say which donors they may have."""
    PROTECTION = auto()
    """Leaves are merged until they protect their donors."""
    ALL = TREES | NEW_ROWS | DISTINCT | LEAF_ROWS | LEAF_WEIGHTS | CONDITIONS | PROTECTION


_lock = Lock()
_ready = Use(0)


def ensure_compiled(notify: Callable[[str], None] | None = None, use: Use = Use.ALL) -> bool:
    """Compile the kernel, or read it from the cache on disk, unless this process has it already.

    Parameters
    ----------
    notify
        Is given one line of text if this takes longer than reading it from the cache would.
    use
        What it will be used for. The rest is left alone.

    Returns
    -------
    bool
        Whether anything had to be compiled, and not only to be read.
    """
    global _ready  # noqa: PLW0603 - compiled code is a fact of the process
    with _lock:
        missing = use & ~_ready
        if not missing:
            return False
        before = _misses()
        timer = Timer(PATIENCE, lambda: notify(NOTICE) if notify else None)
        timer.daemon = True
        timer.start()
        often, *rest = gc.get_threshold()
        gc.set_threshold(max(often, OBJECTS) if often else 0, *rest)
        try:
            _run(missing)
        finally:
            gc.set_threshold(often, *rest)
            timer.cancel()
        _ready |= missing
        return _misses() > before


def kernel_folder() -> str:
    """The folder that keeps the compiled kernel."""
    return str(KERNELS[0].stats.cache_path)


def _misses() -> int:
    """Functions that this process compiled, since they were not in the folder."""
    return sum(sum(function.stats.cache_misses.values()) for function in KERNELS)


def _run(use: Use) -> None:
    """Do once, with few rows, what is to be compiled: grow, and give donors to rows of the table and to others."""
    n = 40
    rows = np.arange(n, dtype=np.int32)
    features = encode_features([rows, rows % 3], nominal=[False, True])
    u = np.linspace(0.0, 0.99, n)
    tree = grow_tree(features, [0, 1], u)
    leaf = tree.training_leaves(n)
    drawn = tree.draw(leaf, u)
    if Use.NEW_ROWS in use:
        tree.leaves(np.ascontiguousarray(features.codes.T))
    if Use.DISTINCT in use:
        used = np.full((n, 2), -1, dtype=np.int32)
        like = likeness(features, np.array([0, 1], dtype=np.int32), np.ascontiguousarray(features.codes.T), rows)
        tree.replace_repeated(leaf, u, drawn, rows, used, 0, 1, like, np.zeros(n, dtype=np.bool_))
    if Use.CONDITIONS in use:
        tree.draw_other(leaf, u, rows, n)
        tree.by_code(rows).share(leaf, Ranges(np.arange(n + 1, dtype=np.int32), rows, rows + 1))
    if Use.PROTECTION in use:
        uneven = grow_tree(features, [0, 1], u + 9.0 * (rows > 3), minbucket=4)  # a small leaf beside divided ones
        merge_leaves(uneven, Least(6, 2, 0.5), features, rows, u)
    if Use.LEAF_WEIGHTS in use:
        _weigh()
    if Use.LEAF_ROWS in use:
        half = np.arange(n // 2)
        halves = Halves.of(features, half, half + n // 2, np.random.default_rng(0))
        held_out_scores(halves, [0, 1], u, codes=rows, n_classes=0, sizes=np.array([2, 5]))


def _weigh() -> None:
    """Draw by weights, which takes more rows."""
    n = 60
    rows = np.arange(n, dtype=np.int32)
    features = encode_features([rows, rows % 3], nominal=[False, True])
    tree, predictors = single_leaf(n), np.array([0, 1], dtype=np.int32)
    weights = leaf_weights(tree, features, predictors, rows)
    if weights is not None:
        leaf, u = tree.training_leaves(n), np.full(n, 0.5)
        weights.draw(tree, leaf, u, np.ascontiguousarray(features.codes.T), None, tree.draw(leaf, u))
