"""What is followed of a set: the imputed cells of its chain after every iteration, and what methods noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from replicant.events import Event
from replicant.methods import NOTES

if TYPE_CHECKING:
    from replicant.missing import Convergence

__all__ = ["Note", "Trace", "by_imputation", "convergence_of", "trace_events"]

Float = npt.NDArray[np.float64]

Note = tuple[int, str, str]
"""Iteration, column and word. The iteration is 0 where a method drew a column of a synthetic set."""


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """One chain, or those of several partitions with the same number together.

    Attributes
    ----------
    imputation
        0-based number of the chain.
    columns
        Those with imputed cells.
    cells
        (columns,) how many each has.
    means, sds
        (iterations, columns) of the imputed cells: of numbers as they are, of dates in days, of levels by their
        position from 1.
    notes
        How often a method did something by itself, by iteration, column and word.
    fits
        How many visits of a column there were in one iteration; 0 if there was no chain.
    """

    imputation: int
    columns: tuple[str, ...]
    cells: Float
    means: Float
    sds: Float
    notes: Mapping[Note, int] = field(default_factory=dict)
    fits: int = 1

    @classmethod
    def of_set(cls, imputation: int, notes: Mapping[Note, int]) -> Trace:
        """What methods noted of a set in which nothing was imputed."""
        nothing = np.zeros((0, 0))
        return cls(imputation, (), np.zeros(0), nothing, nothing, notes, 0)

    @property
    def iterations(self) -> int:
        """How many there were."""
        return len(self.means)

    def after(self, before: Trace | None) -> Trace:
        """This chain with the iterations that came before."""
        if before is None:
            return self
        means, sds = np.vstack([before.means, self.means]), np.vstack([before.sds, self.sds])
        return Trace(self.imputation, self.columns, self.cells, means, sds, {**before.notes, **self.notes}, self.fits)

    def merge(self, other: Trace) -> Trace:
        """The chains with this number of two partitions, as one."""
        columns = tuple(dict.fromkeys((*self.columns, *other.columns)))
        one, two = self._moments(columns), other._moments(columns)
        cells = one[0] + two[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (one[1] + two[1]) / cells
            squares = one[2] + two[2] - cells * np.square(means)
        sds = np.sqrt(np.maximum(squares, 0.0) / np.maximum(cells - 1, 1))
        notes = dict(self.notes)
        for note, count in other.notes.items():
            notes[note] = notes.get(note, 0) + count
        return Trace(self.imputation, columns, cells, means, sds, notes, self.fits + other.fits)

    def _moments(self, columns: Sequence[str]) -> tuple[Float, Float, Float]:
        """Cells, sums and sums of squares of these columns."""
        cells = np.zeros(len(columns))
        sums, squares = np.zeros((2, self.iterations, len(columns)))
        for j, name in enumerate(self.columns):
            at, count = columns.index(name), self.cells[j]
            cells[at] = count
            sums[:, at] = count * self.means[:, j]
            squares[:, at] = np.square(self.sds[:, j]) * max(count - 1, 1) + count * np.square(self.means[:, j])
        return cells, sums, squares

    def as_dict(self) -> dict[str, Any]:
        """For a record of an interrupted run, and for the data owner."""
        return {
            "imputation": self.imputation,
            "columns": list(self.columns),
            "cells": self.cells.tolist(),
            "means": self.means.tolist(),
            "sds": self.sds.tolist(),
            "notes": [[*note, count] for note, count in self.notes.items()],
            "fits": self.fits,
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Trace:
        """From a record."""
        shape = (len(said["means"]), len(said["columns"]))
        return cls(
            said["imputation"],
            tuple(said["columns"]),
            np.array(said["cells"], dtype=np.float64),
            np.array(said["means"], dtype=np.float64).reshape(shape),
            np.array(said["sds"], dtype=np.float64).reshape(shape),
            {(iteration, column, word): count for iteration, column, word, count in said["notes"]},
            said["fits"],
        )


def by_imputation(traces: Iterable[Trace]) -> list[Trace]:
    """One for each chain number, of however many partitions."""
    found: dict[int, list[Trace]] = {}
    for trace in traces:
        found.setdefault(trace.imputation, []).append(trace)
    return [reduce(Trace.merge, found[imputation]) for imputation in sorted(found)]


def convergence_of(traces: Sequence[Trace]) -> Convergence:
    """The chains, judged.

    Parameters
    ----------
    traces
        One for each, as from `by_imputation`.
    """
    from replicant.missing import convergence

    columns = traces[0].columns
    means = np.stack([trace.means.T for trace in traces], axis=1)
    spreads = np.stack([trace.sds.T for trace in traces], axis=1)
    return convergence(columns, means, spreads)


def trace_events(traces: Sequence[Trace]) -> list[Event]:
    """What methods did by themselves, by column and how often; and the columns whose chains do not agree.

    Fits of chains are counted apart from those of synthetic sets.

    Parameters
    ----------
    traces
        One for each chain, as from `by_imputation`.
    """
    counts: dict[tuple[str, str, bool], int] = {}
    first: dict[tuple[str, str, bool], int] = {}
    for trace in traces:
        for (iteration, column, word), count in trace.notes.items():
            key = column, word, iteration > 0
            counts[key] = counts.get(key, 0) + count
            first[key] = min(first.get(key, iteration), iteration)
    fits = sum(trace.iterations * trace.fits for trace in traces)
    events = []
    for (column, word, in_chain), count in sorted(counts.items()):
        some = "1 fit" if count == 1 else f"{count} fits"
        often = f"{count} of {fits} fits, first in iteration {first[column, word, True]}" if in_chain else some
        events.append(Event(word, column, f"{NOTES.get(word, word)} ({often})"))
    if len(traces) > 1 and traces[0].columns:
        found = convergence_of(traces)
        rhat = found.frame.groupby("column")["rhat"].max()
        events += [
            Event(
                "poor_convergence",
                name,
                f"its chains do not agree after {found.iterations} iterations (R-hat {rhat[name]:.2f}): ask for more, "
                "or look for columns that are computed from each other",
            )
            for name in found.poor()
        ]
    return events
