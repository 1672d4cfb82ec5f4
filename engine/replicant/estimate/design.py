"""Design matrices with R's coding and R's names of terms.

Ordered factors get polynomial contrasts (`phb.L`, `phb.Q`, `phb^4`), others treatment contrasts (`regeast`); a factor
whose margin is not in the formula is coded by all its levels, as R does (`~ 0 + reg`). Levels come from the columns'
types, so every partition and every imputation has the same terms, whether or not a level occurs in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.estimate.columns import (
    check_comparisons,
    check_level,
    column,
    compared_with_values,
    compute,
    label_of,
    numbers,
)
from replicant.estimate.contrasts import MOST_LEVELS, contr_helmert, contr_poly, contr_sum, poly_names
from replicant.estimate.formula import Formula, Variable
from replicant.estimate.grounds import Coded, Coding
from replicant.estimate.learned import LEARNING, Learned, learned_of
from replicant.estimate.partitions import Source
from replicant.estimate.sampling import ONE_EACH, Sampling
from replicant.estimate.splines import columns_of_spline
from replicant.estimate.units import Units, units_of
from replicant.spec.grammar import Name
from replicant.table.arrays import Bools, Floats
from replicant.table.times import is_times

__all__ = [
    "Design",
    "Factor",
    "Prepared",
    "Survey",
    "codes_of",
    "factors_of",
    "merge_surveys",
    "numbers_of",
    "prepare",
    "same_levels",
    "survey",
]

S = TypeVar("S")
MOST_TERMS = 5000


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """Levels of a categorical column."""

    values: pd.Index
    labels: tuple[str, ...]
    ordered: bool
    typed: bool = True  # the column has levels by its type; else they are values that were found


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
        """Both parts as one: a pass over few long designs is quicker than over many short ones."""
        weights = None
        if self.weights is not None or other.weights is not None:
            weights = np.concatenate(
                [np.ones(len(d.matrix)) if d.weights is None else d.weights for d in (self, other)]
            )
        labels = self.undefined | other.undefined
        return Design(
            np.concatenate([self.matrix, other.matrix]),
            np.concatenate([self.response, other.response]),
            weights,
            self.dropped + other.dropped,
            {label: self.undefined.get(label, 0) + other.undefined.get(label, 0) for label in labels},
            tuple(a | b for a, b in zip(self.seen, other.seen, strict=True)),
            units=None if self.units is None or other.units is None else self.units.beside(other.units),
        )


@dataclass(frozen=True, eq=False, slots=True)
class _Block:
    """One term: which variables, whether each is coded by all its levels, and its names."""

    parts: tuple[tuple[int, bool], ...]
    names: tuple[str, ...]


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
        What the rows stand for, and which standard errors are asked for.
    """

    formula: Formula
    names: tuple[str, ...]
    factors: dict[str, Factor]
    source: Source
    _blocks: tuple[_Block, ...]
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
                    coding = "reference" if _refers(factor, variable) else "together"
                found.append(_coded(variable, factor, coding, comparing, next(here)))
        left = self.formula.response
        if left is not None and (levels := self.response_levels) is not None:
            found.append(_coded(left, levels, response, (), counts > 0))
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

    def turned(self, change: Callable[[Floats], Floats]) -> Prepared:
        """The same with matrices in other coordinates: turned once where designs are kept, else at each pass."""
        kept = []
        if self.source.cached:
            designs = self.reduce(lambda design: [design], lambda a, b: a + b)
            kept = [replace(one, matrix=change(one.matrix)) for one in designs]
        return replace(self, _cache=kept, _change=change)

    def __reduce__(self) -> tuple[Any, ...]:  # a worker needs no partitions but its own
        parts: tuple[Any, ...] = (self._blocks, self._learned, [], self._change, self.sampling)
        return Prepared, (self.formula, self.names, self.factors, None, *parts)

    def _block(self, block: _Block, values: Sequence[np.ndarray[Any, Any]]) -> Floats:
        out: Floats | None = None
        for position, full in block.parts:
            variable = self.formula.variables[position]
            factor = self.factors.get(variable.label)
            if factor is None:
                one = values[position]
                one = one[:, None] if one.ndim == 1 else one
            else:
                one = _coding(factor, variable, full)[values[position]]
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
            codes = _codes(column(frame, variable.names[0]), factor, variable.names[0])
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
        What the rows stand for.
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
                made = _factor(given, known.ordered if (known := found[name]) is not None else False)
            elif (one := found[name]) is not None and (
                variable.role == "factor" or name not in wanted or variable is formula.response or one.typed
            ):
                made = _factor(one.values, one.ordered, one.typed)
            else:
                continue
            factors[variable.label] = _referring(made, variable)
        elif variable.role != "group":
            _check_computed(variable, found, levels, source)
            if variable.role == "logical":
                factors[variable.label] = _factor(pd.Index([False, True]), False, False)
    if learned is None:
        learned = learned_of(formula, source)
    blocks = _blocks(formula, factors)
    columns = ("(Intercept)",) * formula.intercept + tuple(name for block in blocks for name in block.names)
    if len(columns) > MOST_TERMS:
        raise SpecError(f"a formula of {len(columns)} terms", need=f"at most {MOST_TERMS} terms")
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


# -------------------------------------------------------------------- columns


def _codes(cells: pd.Series, factor: Factor, name: str) -> np.ndarray[Any, Any]:
    array = cells.array
    if isinstance(array, pd.Categorical):
        codes = array.codes
        if array.categories is factor.values or array.categories.equals(factor.values):
            return np.asarray(codes)
        recode = np.append(factor.values.get_indexer(array.categories), -1)
        out, missing = recode[codes], codes < 0
    else:
        out, missing = factor.values.get_indexer(pd.Index(cells)), cells.isna().to_numpy()
    unknown = int(np.count_nonzero((out < 0) & ~missing))
    if unknown:
        raise DataError(f"{name!r} has levels in {unknown} rows that are none of its levels", need="the same levels")
    return np.asarray(out)


@dataclass(frozen=True, eq=False, slots=True)
class _Levels:
    values: pd.Index
    ordered: bool
    typed: bool  # its type says that it has levels; else they were asked for


Survey: TypeAlias = "dict[str, _Levels | None]"


def survey(source: Source, names: Sequence[str], wanted: Sequence[str] = ()) -> Survey:
    """Levels of columns: of those whose type has them, and of those where they are wanted; None for numbers."""
    return source.reduce(partial(_survey, names=tuple(names), wanted=tuple(wanted)), merge_surveys)


def same_levels(a: Survey, b: Survey) -> bool:
    """Whether two surveys found the same."""
    return a.keys() == b.keys() and all(_same(one, b[name]) for name, one in a.items())


def _same(a: _Levels | None, b: _Levels | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.ordered == b.ordered and a.typed == b.typed and (a.values is b.values or a.values.equals(b.values))


def _survey(frame: pd.DataFrame, weights: Floats | None, names: tuple[str, ...], wanted: tuple[str, ...]) -> Survey:
    out: Survey = {}
    types = dict(zip(frame.columns, frame.dtypes, strict=True))  # quicker than a column at a time
    for name in names:
        dtype = types[name] if name in types else column(frame, name).dtype
        if isinstance(dtype, pd.CategoricalDtype):
            out[name] = _Levels(dtype.categories, bool(dtype.ordered), True)
        elif pd.api.types.is_bool_dtype(dtype):
            out[name] = _Levels(pd.Index([False, True]), False, True)
        elif _is_measured(column(frame, name)):
            unique = pd.Index(column(frame, name).dropna().unique()).sort_values() if name in wanted else None
            out[name] = None if unique is None else _Levels(unique, False, False)
        else:
            unique = pd.Index(column(frame, name).dropna().unique())
            if not all(isinstance(value, str) for value in unique):
                raise DataError(f"{name!r} is of type {dtype} with mixed values", need="numbers, texts or levels")
            out[name] = _Levels(unique.sort_values(), False, True)
    return out


def _is_measured(cells: pd.Series) -> bool:
    """Whether cells are numbers, dates or times of day."""
    types = pd.api.types
    return types.is_numeric_dtype(cells.dtype) or types.is_datetime64_any_dtype(cells.dtype) or is_times(cells)


def merge_surveys(a: Survey, b: Survey) -> Survey:
    """What two parts of the data have together."""
    out: Survey = {}
    for name, one in a.items():
        other = b[name]
        if one is None or other is None or one.values.equals(other.values):
            out[name] = one if one is not None else other
        elif one.ordered or other.ordered:
            raise DataError(
                f"the levels of {name!r} differ between partitions", need="the same levels in the same order"
            )
        else:
            out[name] = _Levels(one.values.union(other.values), False, one.typed or other.typed)
    return out


def _factor(values: pd.Index, ordered: bool, typed: bool = True) -> Factor:
    return Factor(values, tuple(label_of(value) for value in values.tolist()), ordered, typed)


def _referring(factor: Factor, variable: Variable) -> Factor:
    """A factor with the level first that the others are compared with."""
    if variable.reference is None:
        return factor
    at = check_level(variable.names[0], variable.reference, factor.values, public=factor.typed)
    order = [at, *(i for i in range(len(factor.labels)) if i != at)]
    return Factor(factor.values.take(order), tuple(factor.labels[i] for i in order), factor.ordered, factor.typed)


def _check_computed(
    variable: Variable, found: Survey, levels: Mapping[str, Sequence[Any]] | None, source: Source
) -> None:
    """Refuse arithmetic with columns of levels, and comparisons with what is none of them."""
    known: dict[str, pd.Index | None] = {}
    kinds: dict[str, str] = {}
    for name in variable.names:
        one = found[name]
        known[name] = None if one is None or not one.typed else one.values
        kinds[name] = "number"
        if one is not None and one.typed:
            kinds[name] = "boolean" if one.values.dtype == bool else "ordered" if one.ordered else "nominal"
        if levels is not None and name in levels:
            known[name] = pd.Index(list(levels[name]))
    maybe_dates = tuple(name for name in compared_with_values(variable.node) if kinds[name] == "number")
    if maybe_dates:
        dates: set[str] = source.reduce(partial(_dates, names=maybe_dates), set.intersection)
        kinds |= dict.fromkeys(dates, "date")
    check_comparisons(variable.label, variable.node, known, kinds)


def _dates(frame: pd.DataFrame, weights: Floats | None, names: tuple[str, ...]) -> set[str]:
    return {name for name in names if pd.api.types.is_datetime64_any_dtype(column(frame, name).dtype)}


def factors_of(source: Source, names: Sequence[str]) -> dict[str, Factor]:
    """Levels of those of the columns that have them."""
    found = survey(source, names)
    return {name: _factor(one.values, one.ordered) for name, one in found.items() if one is not None}


def codes_of(frame: pd.DataFrame, name: str, factor: Factor) -> np.ndarray[Any, Any]:
    """(n,) codes of the levels in a column, -1 missing."""
    return _codes(column(frame, name), factor, name)


def numbers_of(frame: pd.DataFrame, name: str) -> Floats:
    """(n,) numbers of a column, NaN missing."""
    return numbers(frame, name)


# -------------------------------------------------------------------- coding


def _is_poly(factor: Factor, variable: Variable) -> bool:
    return variable.contrast == "poly" or (factor.ordered and not variable.contrast)


def _refers(factor: Factor, variable: Variable) -> bool:
    """Whether levels are compared with one of them, and not each with many."""
    return variable.contrast not in _OTHER_CONTRASTS and not _is_poly(factor, variable)


def _coded(variable: Variable, factor: Factor, coding: Coding, columns: tuple[int, ...], seen: Bools) -> Coded:
    here = tuple(label for label, one in zip(factor.labels, seen, strict=True) if one)
    reference = factor.labels[0] if coding == "reference" else None
    column = variable.label if variable.role == "logical" else variable.names[0]
    return Coded(column, variable.label, coding, factor.labels, here, reference, columns, factor.typed)


_OTHER_CONTRASTS = {"sum": contr_sum, "helmert": contr_helmert}


def _coding(factor: Factor, variable: Variable, full: bool) -> Floats:
    """(L, k) what each level becomes."""
    size = len(factor.labels)
    if full:
        return np.eye(size)
    if variable.contrast in _OTHER_CONTRASTS:
        return _OTHER_CONTRASTS[variable.contrast](size)
    return contr_poly(size) if _is_poly(factor, variable) else np.eye(size)[:, 1:]


def _numbered(label: str, count: int) -> tuple[str, ...]:
    return tuple(f"{label}{k}" for k in range(1, count + 1))


def _coded_names(factor: Factor | None, variable: Variable, full: bool) -> tuple[str, ...]:
    if factor is None:
        count = variable.degree if variable.role == "poly" else 1
        if (said := variable.spline) is not None:
            count = columns_of_spline(variable.role, variable.degree, said.df, said.knots, said.intercept)
        return _numbered(variable.label, count) if count > 1 else (variable.label,)
    if full:
        return tuple(f"{variable.label}{label}" for label in factor.labels)
    if variable.contrast in _OTHER_CONTRASTS:
        return _numbered(variable.label, len(factor.labels) - 1)
    if _is_poly(factor, variable):
        return tuple(variable.label + name for name in poly_names(len(factor.labels) - 1))
    return tuple(f"{variable.label}{label}" for label in factor.labels[1:])


def _blocks(formula: Formula, factors: Mapping[str, Factor]) -> tuple[_Block, ...]:
    present = {frozenset(term) for term in formula.terms} | ({frozenset[int]()} if formula.intercept else set())
    blocks = []
    total = 0
    for term in formula.terms:
        parts, names = [], [""]
        for position in term:
            variable = formula.variables[position]
            factor = factors.get(variable.label)
            margin = frozenset(term) - {position}
            # R's rule: contrasts where the margin is in the formula, else all levels.
            full = factor is not None and margin not in present
            if factor is not None and not full and len(factor.labels) < 2:
                raise SpecError(
                    f"{variable.label!r} has {len(factor.labels)} level", need="factors of two or more levels"
                )
            if factor is not None and not full and _is_poly(factor, variable) and len(factor.labels) > MOST_LEVELS:
                raise SpecError(
                    f"{variable.label!r} is ordered and has {len(factor.labels)} levels",
                    need=f"at most {MOST_LEVELS} for polynomial contrasts",
                    fix=f"C({variable.label}, treatment)",
                )
            if full and margin == frozenset():
                present.add(frozenset())  # its levels add up to the intercept
            coded = _coded_names(factor, variable, full)
            names = [f"{left}:{right}" if left else right for right in coded for left in names]
            parts.append((position, full))
        total += len(names)
        if total > MOST_TERMS:
            raise SpecError("a formula of too many terms", need=f"at most {MOST_TERMS} terms")
        blocks.append(_Block(tuple(parts), tuple(names)))
    return tuple(blocks)
