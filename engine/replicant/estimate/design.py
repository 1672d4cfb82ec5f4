"""Design matrices with R's coding and R's names of terms.

Ordered factors get polynomial contrasts (`phb.L`, `phb.Q`, `phb^4`), others treatment contrasts (`regeast`); a factor
whose margin is not in the formula is coded by all its levels, as R does (`~ 0 + reg`). Levels come from the columns'
types, so every partition and every imputation has the same terms, whether or not a level occurs in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from replicant.errors import SpecError
from replicant.estimate.coding import MOST_TERMS, Block, blocks_of, coded_of, coding_of, refers
from replicant.estimate.columns import column, compute, numbers
from replicant.estimate.formula import Formula, Variable
from replicant.estimate.grounds import Coded, Coding
from replicant.estimate.learned import LEARNING, Learned, learned_of
from replicant.estimate.levels import Factor, Survey, check_computed, codes_of, factor_of, referring, survey
from replicant.estimate.partitions import Source
from replicant.estimate.sampling import ONE_EACH, Sampling
from replicant.estimate.units import Units, units_of
from replicant.spec.nodes import Name
from replicant.table.arrays import Bools, Floats
from replicant.table.counts import summed

__all__ = ["Design", "Prepared", "prepare"]

S = TypeVar("S")


@dataclass(frozen=True, eq=False, slots=True)
class Design:
    """The rows of one partition that are complete.

    Attributes
    ----------
    matrix
        (n, p) float64.
    response
        (n,) float64: numbers, or codes of the levels.
    weights
        (n,) or None for one each.
    dropped
        Rows that were left out because a cell is missing.
    undefined
        Of these, the rows in which arithmetic on present cells gave no number, by label.
    seen
        For each factor among the terms, which of its levels some row has.
    offset
        (n,) what is added to the linear predictor; None: nothing.
    extras
        (n,) each: the formula's extras.
    units
        Which sampling unit or group each row belongs to, where that matters.
    """

    matrix: Floats
    response: Floats
    weights: Floats | None
    dropped: int
    undefined: dict[str, int]
    seen: tuple[Bools, ...]
    offset: Floats | None = None
    extras: tuple[np.ndarray[Any, Any], ...] = ()
    units: Units | None = None

    @property
    def target(self) -> Floats:
        """The response without the offset: what a linear predictor of the terms alone is to meet."""
        return self.response if self.offset is None else self.response - self.offset

    def beside(self, other: Design) -> Design:
        """Both partitions as one: one loop over few long designs is faster than over many short ones."""
        weights = None
        if self.weights is not None or other.weights is not None:
            weights = np.concatenate(
                [np.ones(len(d.matrix)) if d.weights is None else d.weights for d in (self, other)]
            )
        return Design(
            np.concatenate([self.matrix, other.matrix]),
            np.concatenate([self.response, other.response]),
            weights,
            self.dropped + other.dropped,
            summed(self.undefined, other.undefined),
            tuple(a | b for a, b in zip(self.seen, other.seen, strict=True)),
            units=None if self.units is None or other.units is None else self.units.beside(other.units),
        )


@dataclass(eq=False, slots=True)
class Prepared:
    """A formula bound to data: what is the same in every partition.

    Attributes
    ----------
    formula
        The formula.
    names
        Names of the columns of the design matrix.
    factors
        Levels by label of the variable; the response's too.
    sampling
        Weights and design of the rows, and the kind of standard errors.
    """

    formula: Formula
    names: tuple[str, ...]
    factors: dict[str, Factor]
    source: Source
    _blocks: tuple[Block, ...]
    _learned: Learned
    _cache: list[Design] = field(default_factory=list)
    _change: Callable[[Floats], Floats] | None = None
    sampling: Sampling = ONE_EACH

    @property
    def names_by_term(self) -> tuple[tuple[str, ...], ...]:
        """Names of the columns of each term, in the order of the formula's."""
        return tuple(block.names for block in self._blocks)

    @property
    def response_levels(self) -> Factor | None:
        """Levels of the response; None of a number."""
        response = self.formula.response
        return None if response is None else self.factors.get(response.label)

    def design(self, frame: pd.DataFrame, weights: Floats | None = None, response: float | None = None) -> Design:
        """The design matrix of one partition; `response` is that of all its rows, where it is no column."""
        n = len(frame)
        undefined: dict[str, int] = {}
        complete: np.ndarray[Any, Any] | None = None
        values: list[Floats | np.ndarray[Any, Any]] = []
        left = self.formula.response if response is None else None
        beside = (*self.formula.offsets, *self.formula.extras)
        for variable in (*self.formula.variables, *beside, *([left] if left is not None else [])):
            one, bad = self._values(variable, frame, undefined)
            values.append(one)
            if bad is not None:
                complete = ~bad if complete is None else complete & ~bad
        units = units_of(frame, self.sampling) if self.sampling.has_units else None
        if units is not None and units.missing:
            nowhere = units.codes < 0
            complete = ~nowhere if complete is None else complete & ~nowhere
        if weights is not None and (weights == 0).any():
            complete = weights > 0 if complete is None else complete & (weights > 0)
        dropped = 0
        if complete is not None:
            values = [one[complete] for one in values]
            kept = int(np.count_nonzero(complete))
            dropped = n - kept if weights is None else int(np.count_nonzero(~complete & (weights > 0)))
            weights = None if weights is None else weights[complete]
            units = None if units is None else units.kept(complete)
            n = kept
        if response is not None:
            y = np.full(n, response)
        else:
            y = np.empty(0) if left is None else np.asarray(values[-1], dtype=np.float64)
        matrix = np.empty((n, len(self.names)))
        at = 0
        if self.formula.intercept:
            matrix[:, 0] = 1.0
            at = 1
        for block in self._blocks:
            columns = self._block(block, values)
            matrix[:, at : at + columns.shape[1]] = columns
            at += columns.shape[1]
        if self._change is not None:
            matrix = self._change(matrix)
        first = len(self.formula.variables)
        last = first + len(self.formula.offsets)
        offset = np.sum(values[first:last], axis=0) if last > first else None
        extras = tuple(values[last : last + len(self.formula.extras)])
        return Design(matrix, y, weights, dropped, undefined, self._seen(values), offset, extras, units)

    def coded(self, seen: Sequence[Bools], counts: Floats, response: Coding = "outcomes") -> tuple[Coded, ...]:
        """How the factors are coded, and which of their levels some row has.

        Parameters
        ----------
        seen
            As in `Design`.
        counts
            Rows by level of the response, if it has levels; it then stands last.
        response
            What a model makes of its levels.
        """
        found = []
        here = iter(seen)
        for position, variable in enumerate(self.formula.variables):
            if (factor := self.factors.get(variable.label)) is not None:
                comparing = self._comparing(position)
                coding: Coding = "each"
                if comparing:
                    coding = "reference" if refers(factor, variable) else "together"
                found.append(coded_of(variable, factor, coding, comparing, next(here)))
        left = self.formula.response
        if left is not None and (levels := self.response_levels) is not None:
            found.append(coded_of(left, levels, response, (), counts > 0))
        return tuple(found)

    def _comparing(self, position: int) -> tuple[int, ...]:
        """Columns of the design in which the levels of a variable are compared with one another."""
        found: list[int] = []
        at = int(self.formula.intercept)
        for block in self._blocks:
            if (position, False) in block.parts:
                found += range(at, at + len(block.names))
            at += len(block.names)
        return tuple(found)

    def _seen(self, values: Sequence[np.ndarray[Any, Any]]) -> tuple[Bools, ...]:
        """Which levels the rows have, factor by factor."""
        found = []
        for variable, codes in zip(self.formula.variables, values, strict=False):
            if (factor := self.factors.get(variable.label)) is not None:
                found.append(np.bincount(codes, minlength=len(factor.labels)) > 0)
        return tuple(found)

    def reduce(self, function: Callable[[Design], S], combine: Callable[[S, S], S]) -> S:
        """Map over the designs of the partitions, and combine."""
        if not self.source.cached:
            return self.source.reduce(partial(_on_design, self, function), combine)
        if not self._cache:
            self._cache = self.source.reduce(lambda frame, weights: [self.design(frame, weights)], lambda a, b: a + b)
        state = _of(function, self._cache[0])
        for one in self._cache[1:]:
            state = combine(state, _of(function, one))
        return state

    @property
    def learns(self) -> bool:
        """Whether the design depends on the values of the data, and not on their levels alone (`poly`, `scale`)."""
        return bool(self._learned)

    def on(self, source: Source, design: Design) -> Prepared:
        """The same formula on other data of the same levels, of which the design is there already."""
        return replace(self, source=source, _cache=[design], _change=None)

    def elsewhere(self, source: Source) -> Prepared:
        """The same formula on other data of the same levels."""
        return replace(self, source=source, _cache=[], _change=None)

    def turned(self, change: Callable[[Floats], Floats]) -> Prepared:
        """The same in other coordinates: designs are transformed once if they are kept, otherwise at each stage."""
        kept = []
        if self.source.cached:
            designs = self.reduce(lambda design: [design], lambda a, b: a + b)
            kept = [replace(one, matrix=change(one.matrix)) for one in designs]
        return replace(self, _cache=kept, _change=change)

    def __reduce__(self) -> tuple[Any, ...]:  # a worker needs no partitions but its own
        parts: tuple[Any, ...] = (self._blocks, self._learned, [], self._change, self.sampling)
        return Prepared, (self.formula, self.names, self.factors, None, *parts)

    def _block(self, block: Block, values: Sequence[np.ndarray[Any, Any]]) -> Floats:
        out: Floats | None = None
        for position, full in block.parts:
            variable = self.formula.variables[position]
            factor = self.factors.get(variable.label)
            if factor is None:
                one = values[position]
                one = one[:, None] if one.ndim == 1 else one
            else:
                one = coding_of(factor, variable, full)[values[position]]
            # The variable named first runs fastest, as in R.
            out = (
                one
                if out is None
                else (one[:, :, None] * out[:, None, :]).reshape(len(out), one.shape[1] * out.shape[1])
            )
        assert out is not None
        return out

    def _values(
        self, variable: Variable, frame: pd.DataFrame, undefined: dict[str, int]
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
        """Values or codes of a variable, and where they are missing (None: nowhere)."""
        if variable.role == "group":
            cells = column(frame, variable.names[0])
            missing = cells.isna().to_numpy()
            return cells.to_numpy(dtype=object), (missing if missing.any() else None)
        factor = self.factors.get(variable.label)
        if factor is not None and variable.role != "logical":
            codes = codes_of(frame, variable.names[0], factor)
            return codes, (codes < 0 if codes.size and codes.min() < 0 else None)
        if isinstance(variable.node, Name):
            x = numbers(frame, variable.node.name)
            present = None
        else:
            x, present = compute(variable.node, frame)
        bad = ~np.isfinite(x)
        none_bad = not bad.any()
        if not none_bad and present is not None and (count := int(np.count_nonzero(bad & present))):
            undefined[variable.label] = count
        if variable.role == "logical":
            return np.where(bad, -1, x).astype(np.intp), (None if none_bad else bad)
        if variable.role in LEARNING:
            x = self._learned[variable.label].columns(np.where(bad, np.nan, x))
        return x, (None if none_bad else bad)


def prepare(
    formula: Formula,
    source: Source,
    levels: Mapping[str, Sequence[Any]] | None = None,
    response: str = "number",
    *,
    found: Survey | None = None,
    learned: Learned | None = None,
    sampling: Sampling = ONE_EACH,
) -> Prepared:
    """Bind a formula to data: find levels, learn what `poly` and `scale` need, name the columns.

    Parameters
    ----------
    formula, source
        The formula and the partitions.
    levels
        Levels of columns, where they are not those of the column's type.
    response
        `number`, or `levels`: then a response without levels gets those that occur.
    found
        The survey of the formula's columns, if it is there already.
    learned
        What `poly`, `scale`, `bs` and `ns` have learned, if not from these rows.
    sampling
        Weights and design of the rows.
    """
    variables = formula.all_variables
    wanted = tuple(v.names[0] for v in variables if v.role == "factor")
    if response == "levels" and formula.response is not None and formula.response.role == "column":
        wanted = (*wanted, formula.response.names[0])
    if found is None:
        found = survey(source, tuple(dict.fromkeys(name for v in variables for name in _levelled(v))), wanted)
    factors: dict[str, Factor] = {}
    for variable in variables:
        name = variable.names[0]
        if variable.role in {"column", "factor"}:
            if levels is not None and name in levels:
                given = pd.Index(list(levels[name]))
                made = factor_of(given, known.ordered if (known := found[name]) is not None else False)
            elif (one := found[name]) is not None and (
                variable.role == "factor" or name not in wanted or variable is formula.response or one.typed
            ):
                made = factor_of(one.values, one.ordered, one.typed)
            else:
                continue
            factors[variable.label] = referring(made, variable)
        elif variable.role != "group":
            check_computed(variable, found, levels, source)
            if variable.role == "logical":
                factors[variable.label] = factor_of(pd.Index([False, True]), False, False)
    if learned is None:
        learned = learned_of(formula, source)
    blocks = blocks_of(formula, factors)
    columns = ("(Intercept)",) * formula.intercept + tuple(name for block in blocks for name in block.names)
    if len(columns) > MOST_TERMS:
        raise SpecError(f"the formula has {len(columns)} terms", need=f"at most {MOST_TERMS} terms")
    return Prepared(formula, columns, factors, source, blocks, learned, sampling=sampling)


def _levelled(variable: Variable) -> tuple[str, ...]:
    """Columns of which it matters whether they have levels."""
    return () if variable.role == "group" else variable.names


def _on_design(prepared: Prepared, function: Callable[[Design], S], frame: pd.DataFrame, weights: Floats | None) -> S:
    return _of(function, prepared.design(frame, weights))


def _of(function: Callable[[Design], S], design: Design) -> S:
    """What a function gives; a search tells of what is no number, or takes a shorter step."""
    with np.errstate(all="ignore"):
        return function(design)
