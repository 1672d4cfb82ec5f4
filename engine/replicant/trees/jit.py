"""How the kernel is compiled: without the GIL, cached on disk, and in strict IEEE arithmetic.

No fast-math flag is set: sums are then added in the order written, on every processor, so that one seed gives one
release on a mixed cluster.

What there is to compile is kept small, as the first synthesis on a machine waits for it. Compiled code makes no arrays:
it is given them, and needs neither counts of references (`_nrt`) nor NumPy's functions that make arrays. Every function
is translated to machine code by itself, and once more within each that calls it: one that is a part of a long one, cut
out for the reader, is `merged` with it instead, which only short functions bear.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["KERNELS", "inner", "kernel", "merged"]

_OPTIONS: Any = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "no_cfunc_wrapper": True,
    "no_rewrites": True,  # of expressions of whole arrays, of which there are none
    "_nrt": False,
}
_INNER: Any = {**_OPTIONS, "no_cpython_wrapper": True}

KERNELS: list[Any] = []
"""The functions that Python calls, of those modules that are imported."""

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function that Python calls; its types are those of its first call."""
    compiled: _F = numba.njit(cache=True, **_OPTIONS)(function)
    KERNELS.append(compiled)
    return compiled


def inner(function: _F) -> _F:
    """Compile a function that only compiled code calls: the door for Python would take a third of the time."""
    compiled: _F = numba.njit(**_INNER)(function)
    return compiled


def merged(function: _F) -> _F:
    """Compile a function as a part of each that calls it, as if it were written there."""
    compiled: _F = numba.njit(inline="always", **_INNER)(function)
    return compiled
