"""How the kernel is compiled: without the GIL, cached on disk, and in strict IEEE arithmetic.

No fast-math flag is set: sums are then added in the order written, on every processor, so that one seed gives one
release on a mixed cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["INNER", "inner", "kernel"]

_OPTIONS: Any = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}

INNER: Any = {**_OPTIONS, "no_cpython_wrapper": True}
"""For what only compiled code calls: the door for Python would take a third of the time to compile."""

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function that Python calls; its types are those of its first call."""
    compiled: _F = numba.njit(cache=True, **_OPTIONS)(function)
    return compiled


def inner(function: _F) -> _F:
    """Compile a function that only compiled code calls."""
    compiled: _F = numba.njit(cache=True, **INNER)(function)
    return compiled
