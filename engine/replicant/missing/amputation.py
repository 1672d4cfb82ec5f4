"""Amputation: cells of a complete table are made missing, by a mechanism that is known.

The multivariate amputation of Schouten, Lugtig and Vink (2018, *Journal of Statistical Computation and Simulation*
88(15), 2909-2930). Each row is a candidate of one pattern: columns that go missing together. Within the candidates of a
pattern, a weighted sum of standardized columns, itself standardized, is the score of a row; a logistic function of the
score is the probability that the row loses the cells of its pattern, moved such that the mean of these probabilities is
the share that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from replicant.errors import DataError, SpecError, nearest, some
from replicant.table import Kind, Table
from replicant.table.arrays import Floats

__all__ = ["Amputation", "AmputedPattern", "Mechanism", "Tail", "amputation", "missing_cells"]

Mask = npt.NDArray[np.bool_]

Mechanism: TypeAlias = Literal["MCAR", "MAR", "MNAR"]
Tail: TypeAlias = Literal["right", "left", "mid", "tail"]

BEND = 0.75
"""Where `mid` and `tail` have half the odds: this many standard deviations from the middle (Schouten et al. 2018)."""


@dataclass(frozen=True, slots=True)
class AmputedPattern:
    """Columns that go missing together, and what makes rows lose them.

    Attributes
    ----------
    columns
        Names.
    weights
        Weight of each column in the score; those that are not named have none. Empty: all rows are equally likely.
    frequency
        How often rows are candidates of it, relative to the other patterns.
    tail
        Which scores are likely to be incomplete: high ones (`right`), low ones (`left`), those in the middle (`mid`),
        or those at both ends (`tail`).
    """

    columns: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    frequency: float = 1.0
    tail: Tail = "right"


@dataclass(frozen=True, slots=True)
class Amputation:
    """Which cells of a table go missing, and why.

    Attributes
    ----------
    share
        Share of the rows that lose cells, 0 to 1.
    patterns
        At least one.
    """

    share: float
    patterns: tuple[AmputedPattern, ...]


def amputation(
    table: Table,
    share: float = 0.5,
    mechanism: Mechanism = "MAR",
    *,
    pattern: Sequence[Sequence[str]] | None = None,
    columns: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
    frequency: Sequence[float] | None = None,
    tail: Tail = "right",
) -> Amputation:
    """Check what is asked for against a table, and complete it.

    Parameters
    ----------
    table
        The table whose cells are to go missing.
    share
        Share of rows that lose cells.
    mechanism
        `MCAR`: all rows are equally likely to lose them. `MAR`: by columns that the pattern leaves observed. `MNAR`: by
        the values that go missing.
    pattern
        Columns that go missing together, a list of names for each pattern. None: each of `columns` by itself.
    columns
        Columns that may go missing, where there is no `pattern`. None: all but identifiers.
    weights
        Of columns in the score. None: 1 for each that the mechanism looks at.
    frequency
        Of each pattern, relative to the others. None: all are equally frequent.
    tail
        Which scores are likely to be incomplete: `right`, `left`, `mid`, `tail`.

    Raises
    ------
    SpecError
        If an argument asks for something impossible.
    DataError
        If a column that goes missing, or one that decides on it, has missing cells already.
    """
    if not 0 <= share <= 1:
        raise SpecError("`share` is not a share", need="a number from 0 to 1, such as 0.3")
    for name, value, known in (("mechanism", mechanism, Mechanism), ("tail", tail, Tail)):
        if value not in get_args(known):
            choices = ", ".join(get_args(known))
            raise SpecError(f"`{name}` has an unknown value{nearest(str(value), get_args(known))}", need=choices)
    patterns = _patterns(table, pattern, columns)
    often = [1.0] * len(patterns) if frequency is None else [float(one) for one in frequency]
    if len(often) != len(patterns) or not all(0 <= one < np.inf for one in often) or not sum(often) > 0:
        raise SpecError(
            f"`frequency` has {len(often)} entries for {len(patterns)} patterns, or one that is negative or not finite",
            need="a number for each pattern, not all of them 0",
        )
    if weights is not None and mechanism == "MCAR":
        raise SpecError(
            "`weights` were given with MCAR, which looks at no column", fix="leave them out, or ask for MAR or MNAR"
        )
    for name in weights or {}:
        if table[name].kind is Kind.IDENTIFIER:
            raise SpecError(f"`weights` names {name!r}, which is an identifier", need="columns that measure something")
    whole = {column.name for column in table if column.kind is not Kind.IDENTIFIER and not column.has_missing}
    ready = [
        AmputedPattern(names, _weights(whole, mechanism, names, weights), often[i], tail)
        for i, names in enumerate(patterns)
    ]
    used = {name for one in ready for name in (*one.columns, *one.weights)}
    incomplete = [name for name in table.names if name in used and table[name].has_missing]
    if incomplete:
        raise DataError(
            f"{some(incomplete)} have missing cells already",
            need="columns without missing cells: of the others nobody knows what would be recovered",
            fix="complete the table first, or name complete columns in `columns`",
        )
    return Amputation(float(share), tuple(ready))


def missing_cells(
    table: Table, wanted: Amputation, rng: np.random.Generator, rows: npt.NDArray[np.integer] | None = None
) -> Mask:
    """Draw which cells go missing.

    Parameters
    ----------
    table
        The complete table.
    wanted
        What `amputation` made of a request.
    rng
        The only source of randomness.
    rows
        (n,) rows of the table, such as those of a bootstrap sample, in which a row may occur more than once; each
        occurrence loses cells by itself. None: all rows.

    Returns
    -------
    ndarray
        (n, p) bool: True where a cell goes missing, in the order of the table's columns.
    """
    n = table.n if rows is None else len(rows)
    mask = np.zeros((n, len(table)), dtype=bool)
    often = np.array([one.frequency for one in wanted.patterns])
    candidate = np.searchsorted(np.cumsum(often) / often.sum(), rng.random(n), side="right")
    uniform = rng.random(n)
    scales = {name: _standardized(table, name, rows) for one in wanted.patterns for name in one.weights}
    position = {name: i for i, name in enumerate(table.names)}
    for i, one in enumerate(wanted.patterns):
        of_pattern = np.flatnonzero(candidate == i)
        score = np.zeros(len(of_pattern))
        for name, weight in one.weights.items():
            score += weight * scales[name][of_pattern]
        lost = of_pattern[uniform[of_pattern] < _probabilities(score, wanted.share, one.tail)]
        for name in one.columns:
            mask[lost, position[name]] = True
    return mask


def _patterns(
    table: Table, pattern: Sequence[Sequence[str]] | None, columns: Sequence[str] | None
) -> list[tuple[str, ...]]:
    if pattern is not None and columns is not None:
        raise SpecError(
            "`pattern` and `columns` were both given", need="one of them", fix="name the columns in `pattern`"
        )
    if isinstance(columns, str):
        columns = [columns]
    if pattern is None:
        measured = [column.name for column in table if column.kind is not Kind.IDENTIFIER]
        pattern = [[name] for name in (measured if columns is None else columns)]
    elif pattern and all(isinstance(one, str) for one in pattern):
        pattern = [[str(one) for one in pattern]]
    made = []
    for one in pattern:
        names = (one,) if isinstance(one, str) else tuple(one)
        for name in names:
            if table[name].kind is Kind.IDENTIFIER:
                raise SpecError(
                    f"{name!r} is an identifier and cannot go missing", fix="name columns that measure something"
                )
        if not names or len(set(names)) < len(names):
            raise SpecError("a pattern names no column, or one of them twice", need="names of different columns")
        made.append(names)
    if not made:
        raise SpecError("no column may go missing", need="at least one pattern with at least one column")
    return made


def _weights(
    whole: set[str], mechanism: Mechanism, names: tuple[str, ...], weights: Mapping[str, float] | None
) -> Mapping[str, float]:
    """The weights of one pattern."""
    if mechanism == "MCAR":
        return {}
    lost = set(names)
    if weights is None:
        chosen = {name: 1.0 for name in (names if mechanism == "MNAR" else sorted(whole - lost))}
    else:
        if not all(np.isfinite(weight) for weight in weights.values()):
            raise SpecError("`weights` has one that is not finite", need="a number by column")
        chosen = {
            name: float(weight)
            for name, weight in weights.items()
            if weight and (mechanism == "MNAR" or name not in lost)
        }
    if not chosen or (mechanism == "MNAR" and not lost & chosen.keys()):
        looks = "a column that goes missing" if mechanism == "MNAR" else "a column that stays observed"
        raise SpecError(
            f"{mechanism}: no weight is left for the pattern of {some(list(names))}",
            need=f"a weight of {looks}",
            fix="change `weights`, the columns of the pattern, or the mechanism",
        )
    return chosen


def _standardized(table: Table, name: str, rows: npt.NDArray[np.integer] | None) -> Floats:
    """A column's numbers, or positions of its levels, with mean 0 and standard deviation 1; 0 where all are equal."""
    column = table[name]
    codes = column.codes if rows is None else column.codes[rows]
    return _scaled(column.numbers(codes) if column.is_numeric else codes.astype(np.float64))


def _scaled(numbers: Floats) -> Floats:
    if not len(numbers):
        return numbers
    largest = np.abs(numbers).max()  # so that no square leaves the range of doubles
    centred = numbers / largest if largest > 0 else numbers
    centred = centred - centred.mean()
    spread = np.sqrt(np.mean(centred**2))
    return centred / spread if spread > 1e-12 else np.zeros(len(numbers))


def _probabilities(score: Floats, share: float, tail: Tail) -> Floats:
    """Logistic probabilities of the standardized scores, with the mean that is asked for (Schouten et al. 2018)."""
    n = len(score)
    if not n or share in {0.0, 1.0}:
        return np.full(n, share)
    from scipy.optimize import brentq
    from scipy.special import expit, logit

    z = _scaled(score)
    bends = {"right": z, "left": -z, "mid": BEND - np.abs(z), "tail": np.abs(z) - BEND}
    bent = bends[tail]
    # All probabilities lie below the share at the one end, and above it at the other.
    low, high = logit(share) - bent.max() - 1, logit(share) - bent.min() + 1
    shift = brentq(lambda b: expit(bent + b).mean() - share, low, high)
    probabilities: Floats = expit(bent + shift)
    return probabilities
