"""`ipf`: a log-linear model of a block of categories, fitted to its margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from replicant.errors import SpecError
from replicant.methods.base import Codes, Numbers, Predictors, Response
from replicant.methods.contingency import (
    BlockCells,
    CellModel,
    Incomplete,
    all_cells,
    codes_of_classes,
    column_position,
    complete_rows,
    impossible,
    level_position,
    refuse_impossible_rows,
)
from replicant.spec.document import Number, Whole

__all__ = ["Ipf", "fit_margins"]

CONVERGED = 1e-9  # largest difference of a share of a margin
Margin = tuple[tuple[int, ...], Numbers]
"""Columns of the block, ascending, and counts of their levels."""


@dataclass(frozen=True, slots=True)
class Ipf:
    """A log-linear model with the interactions that some margins hold, by iterative proportional fitting.

    Of all tables with the given margins it is the one that is nearest to a table in which all cells are equal (Deming
    and Stephan 1940; Bishop, Fienberg and Holland 1975). No other column predicts.

    With `counts` the margins are those, and nothing is fitted to the data: the levels are the codebook's. What is drawn
    then holds what the margins hold and no more, so that a table can be released of which only margins have passed a
    disclosure control. Such counts may be rounded or noisy. Negative ones count as 0. If margins contradict each other,
    the fit lies between them, with a note.

    Attributes
    ----------
    margins
        Lists of columns, one for each margin. None: all pairs. Of the data, a column in no margin gets its own.
    counts
        For each margin a nested list of counts, one level of nesting for each of its columns, in the order of the
        levels; or nested mappings from levels, 0 where a level is not named. None: counted in the data.
    prior
        Rows that are added to the counts, spread evenly over all cells.
    zeros
        What cannot occur: see `CatAll`.
    iterations
        Most cycles through the margins; those of the sampler if `proper`.
    proper
        Whether the shares are drawn from their posterior: by Bayesian iterative proportional fitting (Schafer 1997,
        section 8.4), which draws the counts of a margin from gamma distributions at each step. `counts` must then be
        counts of rows, and not shares.
    """

    kinds: ClassVar[tuple[str, ...]] = ("ordered", "nominal", "binary")
    block: ClassVar[bool] = True
    uses_predictors: ClassVar[bool] = False
    parametric: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("log-linear model", "log-linear model")

    margins: tuple[tuple[str, ...], ...] | None = None
    counts: tuple[Any, ...] | None = None
    prior: Annotated[Number, Field(ge=0)] = 0.0
    zeros: tuple[Mapping[str, Any], ...] = ()
    iterations: Annotated[Whole, Field(ge=1)] = 200
    proper: bool = False

    def fit(
        self, y: tuple[Response, ...], x: Predictors, weights: Codes | None, rng: np.random.Generator, /
    ) -> CellModel:
        given = self.counts is not None
        # Levels of the codebook: a class that only the data have, such as a kind of missing, is in no given margin.
        sizes = tuple(len(one.levels) if given and one.levels else one.n_classes for one in y)
        cells = all_cells(sizes)
        start = np.where(impossible(y, self.zeros, cells), 0.0, 1.0)
        if not start.any():
            raise SpecError(
                "`zeros` of ipf leave no cell", need="conditions that some combination of levels is free of"
            )
        start /= start.sum()
        table = BlockCells(cells)
        axes = self._axes(y)
        if given:
            shares, notes = self._fitted(start.reshape(sizes), self._given(y, axes, sizes), rng)
            return CellModel(table, shares, tuple(np.arange(size, dtype=np.int32) for size in sizes), notes)
        classes, counted, complete = complete_rows(y, weights)
        at = np.ravel_multi_index(tuple(classes[complete].T), sizes)
        count = np.bincount(at, counted[complete], len(cells)).astype(np.float64, copy=False)
        refuse_impossible_rows(float(count[start == 0].sum()))
        rest = Incomplete.of(table, classes[~complete], counted[~complete])
        if rest.patterns:
            shares, notes = self._augmented(start.reshape(sizes), axes, count, rest, rng)
        else:
            shares, notes = self._fitted(start.reshape(sizes), self._summed(count.reshape(sizes), axes), rng)
        return CellModel(table, shares, tuple(map(codes_of_classes, y)), notes)

    @property
    def draws_missing(self) -> bool:
        """With given counts not even which cells are missing is looked at: all of them are drawn."""
        return self.counts is not None

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 1e-2 + 1e-6 * rows

    def _axes(self, y: Sequence[Response]) -> list[tuple[int, ...]]:
        """The columns of each margin, in ascending order."""
        if self.margins is None:
            if self.counts is not None:
                raise SpecError(
                    "`counts` of ipf are given without `margins`", need="margins: the columns of each table of counts"
                )
            return list(combinations(range(len(y)), 2)) if len(y) > 1 else [(0,)]
        axes = [tuple(column_position(y, name, "margins") for name in margin) for margin in self.margins]
        for margin, at in zip(self.margins, axes, strict=True):
            if not at or len(set(at)) < len(at):
                raise SpecError(f"the margin [{', '.join(margin)}] of ipf names a column twice or none")
        without = sorted(set(range(len(y))) - {one for at in axes for one in at})
        if without and self.counts is not None:
            raise SpecError(
                f"no margin of ipf has the column {y[without[0]].name!r}",
                need="counts of every column of the block",
                fix="add a margin with it, or take it out of the block",
            )
        return [*axes, *((one,) for one in without)]

    def _given(self, y: Sequence[Response], axes: list[tuple[int, ...]], sizes: tuple[int, ...]) -> list[Margin]:
        counts = self.counts or ()
        if len(counts) != len(axes):
            raise SpecError(
                f"ipf has {len(axes)} margins and {len(counts)} tables of counts", need="one for each margin"
            )
        made = []
        for at, entry in zip(axes, counts, strict=True):
            table = np.zeros(tuple(sizes[one] for one in at))
            _fill(table, entry, [y[one] for one in at])
            table = np.maximum(table, 0.0) + self.prior / table.size
            if not table.sum() > 0:
                raise SpecError("a table of counts of ipf has no count above 0", need="counts of rows")
            order = np.argsort(at)
            made.append((tuple(np.array(at)[order].tolist()), table.transpose(order)))
        return made

    def _summed(self, count: Numbers, axes: list[tuple[int, ...]]) -> list[Margin]:
        """The margins of a table of counts, with the prior."""
        made = []
        for at in axes:
            ascending = tuple(sorted(at))
            margin = np.asarray(count.sum(axis=tuple(set(range(count.ndim)) - set(at))))
            made.append((ascending, margin + self.prior / margin.size))
        return made

    def _fitted(
        self, start: Numbers, targets: list[Margin], rng: np.random.Generator
    ) -> tuple[Numbers, tuple[str, ...]]:
        if not any(target.any() for _, target in targets):
            return start.reshape(-1), ()
        if self.proper:
            table = start
            for _ in range(self.iterations):
                table = _cycle(table, [(at, rng.standard_gamma(target)) for at, target in targets])
            return table.reshape(-1) / table.sum(), ()
        table, note = fit_margins(start, targets, self.iterations)
        return table.reshape(-1), note

    def _augmented(
        self, start: Numbers, axes: list[tuple[int, ...]], count: Numbers, rest: Incomplete, rng: np.random.Generator
    ) -> tuple[Numbers, tuple[str, ...]]:
        """With rows of which some cells are missing: one cycle for each step of EM (Meng and Rubin 1993)."""
        table = start
        for _ in range(self.iterations):
            before = table
            shares = table.reshape(-1)
            filled = count + (rest.drawn(shares, rng) if self.proper else rest.expected(shares))
            targets = self._summed(filled.reshape(start.shape), axes)
            if self.proper:
                targets = [(at, rng.standard_gamma(target)) for at, target in targets]
            table = _cycle(before, targets)
            table = table / table.sum() if table.any() else start
            if not self.proper and np.abs(table - before).max() < CONVERGED:
                return table.reshape(-1), ()
        return table.reshape(-1), () if self.proper else ("not_converged",)


def fit_margins(start: Numbers, targets: list[Margin], iterations: int) -> tuple[Numbers, tuple[str, ...]]:
    """Iterative proportional fitting.

    Parameters
    ----------
    start
        Shares to start from; what is 0 stays so.
    targets
        The margins, in any scale.
    iterations
        Most cycles.

    Returns
    -------
    ndarray
        Shares, with the margins' shares; if no table has all of them, the one at the least sum of the margins'
        Kullback-Leibler divergences that small steps to all margins at once lead to.
    tuple of str
        `contradicting_margins` in that case.
    """
    shares = [(at, target / target.sum()) for at, target in targets]
    table = start
    for _ in range(iterations):
        table = _cycle(table, shares)
        if table.any() and _gap(table, shares) < CONVERGED:
            return table / table.sum(), ()
    table = start
    for _ in range(iterations):
        factor = np.ones_like(table)
        for at, target in shares:
            factor *= _ratio(table, at, target) ** (1.0 / len(shares))
        if not (table * factor).any():
            break
        table = table * factor
        table /= table.sum()
    return table, ("contradicting_margins",)


def _cycle(table: Numbers, targets: list[Margin]) -> Numbers:
    for at, target in targets:
        table = table * _ratio(table, at, target)
    return table


def _ratio(table: Numbers, at: tuple[int, ...], target: Numbers) -> Numbers:
    others = tuple(set(range(table.ndim)) - set(at))
    margin = table.sum(axis=others, keepdims=True)
    ratio: Numbers = np.divide(target.reshape(margin.shape), margin, out=np.zeros_like(margin), where=margin > 0)
    return ratio


def _gap(table: Numbers, targets: list[Margin]) -> float:
    gaps = []
    for at, target in targets:
        others = tuple(set(range(table.ndim)) - set(at))
        gaps.append(float(np.abs(table.sum(axis=others) - target).max()))
    return max(gaps)


def _fill(table: npt.NDArray[np.float64], entry: Any, y: Sequence[Response]) -> None:
    """Write nested lists or mappings of counts into a table."""
    if not y:
        try:
            table[...] = float(entry)
        except (TypeError, ValueError):
            raise SpecError("`counts` of ipf hold something that is no number", need="numbers") from None
        if not np.isfinite(table):
            raise SpecError("`counts` of ipf hold a number that is not finite", need="numbers")
        return
    if isinstance(entry, Mapping):
        for label, inner in entry.items():
            _fill(table[level_position(y[0], label, "counts"), ...], inner, y[1:])
        return
    if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) != len(table):
        raise SpecError(
            f"`counts` of ipf do not have the {len(table)} levels of {y[0].name!r}",
            need="a list with a count for each level, in their order, or a mapping from levels",
        )
    for position, inner in enumerate(entry):
        _fill(table[position, ...], inner, y[1:])
