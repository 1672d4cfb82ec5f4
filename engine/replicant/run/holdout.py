"""Rows that a job holds out for its gate: drawn by its seed, and seen by no model."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import DataError
from replicant.events import Event
from replicant.plan.seeds import Stage, stream

if TYPE_CHECKING:
    from replicant.spec.models import SynthesisSpec

__all__ = ["FEWEST", "Holdout", "seeded", "with_rows_of_the_whole"]

FEWEST = 20
"""Rows of a holdout of which anything can be said."""


@dataclass(frozen=True)
class Holdout:
    """Which rows are held out.

    Attributes
    ----------
    share
        Of the rows.
    seed
        Of the run.
    """

    share: float
    seed: int

    def rows(self, n: int) -> int:
        """How many of n rows."""
        return round(self.share * n)

    def mask(self, n: int, chunk: int = 0) -> NDArray[np.bool_]:
        """(n,) which rows of a chunk are held out; a table in memory is one chunk."""
        held = np.zeros(n, dtype=np.bool_)
        rng = stream(self.seed, Stage.HOLDOUT, partition=chunk)
        held[rng.permutation(n)[: self.rows(n)]] = True
        return held

    def check(self, n: int) -> None:
        """Refuse a holdout that is too small to judge by.

        Raises
        ------
        DataError
            It would have fewer rows than `FEWEST`.
        """
        if self.rows(n) < FEWEST:
            raise DataError(
                f"the holdout would have {self.rows(n)} of {n} rows",
                need=f"at least {FEWEST}",
                fix="raise gate.holdout (at most 0.5), name other real rows there, or leave it out: the gate then says "
                "what it cannot judge",
            )

    def events(self, n: int) -> tuple[Event, ...]:
        """What is said of it."""
        said = f"{self.rows(n):,} of {n:,} rows are held out for the gate: no model sees them"
        return (Event("held_out", "", said),)


def seeded(synthesis: SynthesisSpec) -> SynthesisSpec:
    """The settings with their seed, drawn from the operating system if none was given."""
    seed = secrets.randbits(63) if synthesis.seed is None else synthesis.seed
    return synthesis.model_copy(update={"seed": seed})


def with_rows_of_the_whole(synthesis: SynthesisSpec, n: int) -> SynthesisSpec:
    """The settings with as many synthetic rows as the whole table has, held out ones among them.

    Each set is then of the size that it would have without a holdout, and totals stay what they are. Where rows are
    those of real records, or are drawn from completed ones, there are as many as were not held out.
    """
    said: dict[str, Any] = {"k": n}
    free = synthesis.conditioning == "synthetic" and synthesis.missing == "keep" and synthesis.k is None
    return synthesis.model_copy(update=said) if free else synthesis
