"""Calls that travel as bytes, which only the worker that runs them opens.

Dask's scheduler unpickles the graphs it is sent. It would import the engine with pandas and PyArrow for that, more
than it takes itself, and make objects of tasks that it never looks at. So this module imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distributed.protocol import pickle

__all__ = ["packed", "run_packed"]


def packed(call: Callable[..., Any], *args: Any) -> bytes:
    """A call with its first arguments; none of them may hold a future."""
    contents: bytes = pickle.dumps((call, *args))  # type: ignore[no-untyped-call]
    return contents


def run_packed(contents: bytes, *rest: Any) -> Any:
    """Make a call, with the rest of its arguments, in which Dask has replaced futures by their results."""
    call, *args = pickle.loads(contents)  # type: ignore[no-untyped-call]
    return call(*args, *rest)
