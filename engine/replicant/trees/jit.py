"""How the kernel is compiled: without the GIL, cached on disk, and in strict IEEE arithmetic.

No fast-math flag is set: sums are then added in the order written, on every processor, so that one seed gives one
release on a mixed cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["OPTIONS", "kernel"]

OPTIONS: Any = {"nogil": True, "error_model": "numpy", "boundscheck": False}

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile `function` for the kernel; its types are those of its first call."""
    compiled: _F = numba.njit(cache=True, **OPTIONS)(function)
    return compiled

