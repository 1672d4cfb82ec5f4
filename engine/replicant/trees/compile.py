"""Compiling the kernel ahead of its first use, and telling the user why it takes a moment."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Timer

import numpy as np

from .features import encode_features
from .tree import grow_tree

__all__ = ["ensure_compiled"]

PATIENCE = 1.5  # seconds: reading the compiled kernel from disk takes a third of it
NOTICE = "Compiling the tree kernel for this machine: once, about 10 seconds."

_lock = Lock()
_ready = False


def ensure_compiled(notify: Callable[[str], None] | None = None) -> None:
    """Compile the kernel, or read it from the cache on disk, unless this process has it already.

    Parameters
    ----------
    notify
        Is given one line of text if this takes longer than reading it from the cache would.
    """
    global _ready  # noqa: PLW0603 - compiled code is a fact of the process
    with _lock:
        if _ready:
            return
        timer = Timer(PATIENCE, lambda: notify(NOTICE) if notify else None)
        timer.daemon = True
        timer.start()
        try:
            _use_everything()
        finally:
            timer.cancel()
        _ready = True


def _use_everything() -> None:
    n = 40
    rows = np.arange(n, dtype=np.int32)
    features = encode_features([rows, rows % 3], nominal=[False, True])
    u = np.linspace(0.0, 0.99, n)
    for response, n_classes in ((u, 0), (rows % 4, 4)):
        tree = grow_tree(features, [0, 1], response, n_classes=n_classes)
        leaf = tree.leaves(np.ascontiguousarray(features.codes.T))
        tree.draw(leaf, u)
        tree.training_leaves(n)
