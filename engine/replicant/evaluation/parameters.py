"""What `rp.utility` and `rp.disclosure` take both, described once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["with_common_parameters"]

F = TypeVar("F", bound=Callable[..., Any])

COMMON = """real
        The real table: a frame of any make, a `dask.dataframe`, or a path or URL.
    syn
        A `Synthesis` or a release (or where it is); or sets that any tool made: a frame, a path, a list of them, or
        one frame with a column `imputation`.
    by
        A column of levels: everything is measured in each group, too.
    columns
        A codebook; a release brings its own.
    reading
        How text files are written, as for `rp.synthesize`.
    grouped
        How many groups numbers are taken in where tables of counts are made of them; or by column how many, or where
        each but the first begins: `{"age": [18, 30, 65]}`.
    effort
        `full`, or `quick` with fewer draws and without what takes longest.
    seed
        Of the random streams.
    client
        A `distributed.Client` whose workers draw baselines and make attacks. None: the active client; this process, if
        there is none. The figures are the same.
    threads
        Of this process, instead of a client; None for all usable CPUs."""


def with_common_parameters(function: F) -> F:
    """The function, with the common parameters in its docstring where this says `{common}`."""
    function.__doc__ = (function.__doc__ or "").replace("{common}", COMMON)
    return function
