"""Real and synthetic partitions as one source, with a column that tells which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pandas as pd

from replicant.estimate.design import Design, Prepared
from replicant.estimate.partitions import Source
from replicant.table.arrays import Floats

__all__ = ["Marked", "Pair"]

S = TypeVar("S")


@dataclass(frozen=True, eq=False, slots=True)
class Marked:
    """The real or the synthetic partitions, with an indicator column of which they are; weights are scaled."""

    source: Source
    indicator: str
    value: float
    scale: float

    @property
    def n_partitions(self) -> int:
        return self.source.n_partitions

    @property
    def cached(self) -> bool:
        return self.source.cached

    @property
    def remote(self) -> bool:
        return self.source.remote

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        # The function may travel; this object, and the source in it, stays.
        return self.source.reduce(partial(_with_mark, function, self.indicator, self.value, self.scale), combine)

    def design(self, prepared: Prepared) -> Design:
        """The design of all its rows."""

        def of(frame: pd.DataFrame, weights: Floats | None) -> Design:
            if prepared.sampling.clusters is not None:  # real and synthetic units are distinct
                frame = frame.assign(**{self.indicator: self.value})
            return prepared.design(frame, None if weights is None else weights * self.scale, self.value)

        return self.source.reduce(of, Design.beside)


def _with_mark(
    function: Callable[[pd.DataFrame, Floats | None], S],
    indicator: str,
    value: float,
    scale: float,
    frame: pd.DataFrame,
    weights: Floats | None,
) -> S:
    return function(frame.assign(**{indicator: value}), None if weights is None else weights * scale)


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """Synthetic partitions, then real ones."""

    synthetic: Marked
    real: Marked

    @property
    def n_partitions(self) -> int:
        return self.synthetic.n_partitions + self.real.n_partitions

    @property
    def cached(self) -> bool:
        return self.synthetic.cached and self.real.cached

    @property
    def remote(self) -> bool:
        return self.synthetic.remote or self.real.remote

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        return combine(self.synthetic.reduce(function, combine), self.real.reduce(function, combine))
