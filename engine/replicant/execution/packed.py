"""Calls that travel as bytes, which only the worker that runs them opens.

Dask's scheduler unpickles the graphs it is sent. It would import the engine with pandas and PyArrow for that, more
than it takes itself, and make objects of tasks that it never looks at. So this module imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from distributed.protocol import pickle

__all__ = ["Packed", "packed", "run_packed"]


@dataclass(frozen=True, slots=True)
class Packed:
    """A call with its first arguments, which does not show what it holds: Dask logs the arguments of what fails.

    Attributes
    ----------
    contents
        The pickled call.
    """

    contents: bytes

    def __repr__(self) -> str:
        return f"<Packed, {len(self.contents)} bytes>"


def packed(call: Callable[..., Any], *args: Any) -> Packed:
    """A call with its first arguments; none of them may hold a future."""
    return Packed(pickle.dumps((call, *args)))  # type: ignore[no-untyped-call]


def run_packed(sent: Packed, *rest: Any) -> Any:
    """Make a call, with the rest of its arguments, in which Dask has replaced futures by their results."""
    call, *args = pickle.loads(sent.contents)  # type: ignore[no-untyped-call]
    return call(*args, *rest)
