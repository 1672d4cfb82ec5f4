"""Columns whose values bind rows together: persons with several waves, households with their members, schools.

Rows are synthesized as if they were independent, so the owner of such a table should know. A column of many values,
each in a few rows, is such a key if it has a property that ordinary variables lack:

- *what is constant*: two columns or more that are the same in all rows of a value, none of which follows from another,
  as the region and the income of a household (a group of occupations follows from its occupation: that is no key);
- *what complements it*: a column that never repeats within a value although it would by chance, as a person's wave;
- *equal numbers of rows*: values that occur more evenly than at random, as in a balanced panel;
- *neighbours*: rows of a value lie together in the file, and the values are running numbers or texts;
- its name, where values are many and repeat.

Pairs of columns are looked at where no column is a key by itself, as of households that are numbered within a district.
The first rows of a table are enough: they are the same whether it is read as a whole or in chunks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.events import Event
from replicant.table.arrays import Codes, Floats
from replicant.table.column import Column
from replicant.table.counts import code_counts
from replicant.table.kinds import Kind

__all__ = ["ROWS", "repeated_keys"]

ROWS = 20_000
"""Of the beginning of a table, in which keys are looked for."""

_FEWEST = 20
_BALANCED = 30
_RUNNING = 150
_LEAST, _MOST = 1.2, 200.0
"""Rows of a value on average, of a key."""

_PAIRED = 8
_SOME = 4000
"""Pairs of rows of one value that are looked at."""

_PROBED = 64
_FAR = 0.75
"""Pairs that are looked at first, and the share in which a column has the same there if it can be constant."""

_NAMED = re.compile(
    r"(?:^|[_.\s-])(?:id|pid|hid|hhid|key|hh|household|family|person|pers|resp|respondent|subject|patient|school|firm|plant|"
    r"psu|cluster|clinic|hospital|panel)(?:nr|no|id|key|num|number|code)?(?:$|[_.\s-])|(?<=[a-z])(?:ID|Id|Nr|Key)$",
    re.IGNORECASE,
)
_WITHIN = 0.99


class _Head:
    """The first rows of a table."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [column.take(np.arange(ROWS)) if column.n > ROWS else column for column in columns]
        self.codes = np.stack([column.codes for column in self.columns])
        self._named = {column.name: column for column in self.columns}
        self._alike: dict[str, float] = {}

    def column(self, name: str) -> Column:
        return self._named[name]

    def alike(self, column: Column) -> float:
        """How often two rows at random have the same."""
        if column.name not in self._alike:
            shares = np.bincount(column.codes - int(column.codes.min())) / column.n
            self._alike[column.name] = float(np.sum(shares**2))
        return self._alike[column.name]


class _Groups:
    """Rows by the value of a key.

    Parameters
    ----------
    names
        Of the columns that the key is made of.
    codes
        (n,) the value of each row, negative where it is missing.
    """

    def __init__(self, names: tuple[str, ...], codes: Codes) -> None:
        self.names = names
        self.codes = codes
        sizes = code_counts(codes)
        self.sizes = sizes[sizes > 0]

    @cached_property
    def pairs(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Two rows of the same value each: one pair for each row but one of a value, or some of them."""
        rows = np.flatnonzero(self.codes >= 0)
        # In random order within a value: neighbours in a sorted file are alike in much.
        rows = rows[np.random.default_rng(len(rows)).permutation(len(rows))]
        # The position in that order makes each number another, which sorts faster than what is equal.
        ranked = np.sort(self.codes[rows].astype(np.int64) * len(rows) + np.arange(len(rows)))
        codes, positions = np.divmod(ranked, max(1, len(rows)))
        rows = rows[positions]
        same = np.flatnonzero(codes[1:] == codes[:-1])
        same = same[:: max(1, len(same) // _SOME)]
        return rows[same], rows[same + 1]

    @property
    def first(self) -> npt.NDArray[np.intp]:
        return self.pairs[0]

    @property
    def second(self) -> npt.NDArray[np.intp]:
        return self.pairs[1]

    def equal(self, head: _Head) -> Floats:
        """In which share of a few pairs each column has the same: most columns need no closer look."""
        few = slice(None, None, max(1, len(self.first) // _PROBED))
        shares: Floats = np.mean(head.codes[:, self.first[few]] == head.codes[:, self.second[few]], axis=1)
        return shares

    @property
    def mean(self) -> float:
        """Rows of a value."""
        return float(self.sizes.mean()) if len(self.sizes) else 0.0

    @property
    def may_be_key(self) -> bool:
        """Whether there are many values, each in a few rows."""
        return len(self.sizes) >= _FEWEST and _LEAST <= self.mean <= _MOST

    @property
    def is_even(self) -> bool:
        """Whether values occur more evenly than at random (as seen of those that occur: a Poisson without zero)."""
        count, mean = len(self.sizes), self.mean
        if count < _BALANCED or mean < 1.5:
            return False
        rate = mean
        for _ in range(50):
            rate = mean * -np.expm1(-rate)
        expected = mean * (1 + rate - mean)
        ratio = float(self.sizes.var(ddof=1)) / max(expected, 1e-9)
        return ratio < 0.6 and (ratio - 1) * np.sqrt((count - 1) / 2) < -5

    @property
    def is_together(self) -> bool:
        """Whether the rows of a value lie together."""
        codes = self.codes[self.codes >= 0]
        return 1 + int(np.count_nonzero(np.diff(codes))) <= 1.05 * len(self.sizes) + 2


def repeated_keys(columns: Sequence[Column]) -> list[Event]:
    """Events for keys whose values stand in several rows each.

    Parameters
    ----------
    columns
        Of the table, or of its first rows.
    """
    if not columns:
        return []
    head = _Head(columns)
    singles = [_Groups((column.name,), column.codes) for column in head.columns if _may_bind(column)]
    found: list[tuple[_Groups, list[str]]] = []
    for one in singles:
        if not one.may_be_key or any(_is_same(one, other) for other, _ in found):
            continue
        constant = _evidence(one, head)
        if constant is not None:
            found.append((one, constant))
    return [_event(one, constant) for one, constant in found or _pair(singles, head)]


def _pair(singles: Sequence[_Groups], head: _Head) -> list[tuple[_Groups, list[str]]]:
    """The pair of columns that is a key together, of the fewest values if there are several."""
    some = sorted((one for one in singles if len(one.sizes) >= 5 and one.mean > _LEAST), key=lambda one: len(one.sizes))
    for a, b in sorted(combinations(some[:_PAIRED], 2), key=lambda pair: len(pair[0].sizes) + len(pair[1].sizes)):
        there = (a.codes >= 0) & (b.codes >= 0)
        both = a.codes.astype(np.int64) * (int(b.codes.max()) + 1) + b.codes
        codes = np.full(len(both), -1, dtype=np.int32)
        codes[there] = pd.factorize(both[there], sort=True)[0]
        pair = _Groups((*a.names, *b.names), codes)
        if not pair.may_be_key or pair.mean > 40:
            continue
        constant = _constant(pair, head)
        alone = {*_constant(a, head), *_constant(b, head)} if constant else set()
        if _is_crossed(pair, [name for name in constant if name not in alone], head):
            return [(pair, constant)]
    return []


def _is_same(one: _Groups, other: _Groups) -> bool:
    """Whether two keys bind the same rows, as a number and its label do."""
    return len(one.sizes) == len(other.sizes) and bool(np.all(other.codes[one.first] == other.codes[one.second]))


def _may_bind(column: Column) -> bool:
    if column.kind in (Kind.NOMINAL, Kind.IDENTIFIER):
        return column.size >= 5
    return column.kind in (Kind.COUNT, Kind.CONTINUOUS) and column.decimals == 0 and column.size >= 5


def _evidence(groups: _Groups, head: _Head) -> list[str] | None:
    """Columns that are constant within the values, if these are a key's; None if nothing shows that."""
    constant = _constant(groups, head)
    if _is_crossed(groups, constant, head) or groups.is_even or _has_complement(groups, head):
        return constant
    if groups.is_together and groups.mean >= 1.3:
        many = len(groups.sizes) >= _RUNNING and groups.mean <= 40
        running = many and _is_handed_out(head.column(groups.names[0]))
        own = [n for n in constant if not (_is_nested(groups, c := head.column(n)) or _is_label(groups, c))]
        if running or own:
            return constant
    return constant if _NAMED.search(groups.names[0]) else None


def _constant(groups: _Groups, head: _Head) -> list[str]:
    """Columns that are the same in all rows of a value, though they would differ by chance."""
    pairs = len(groups.first)
    if not pairs:
        return []
    found = []
    for column, share in zip(head.columns, groups.equal(head), strict=True):
        if column.name in groups.names or column.size < 2 or share < _FAR:
            continue
        equal = float(np.mean(column.codes[groups.first] == column.codes[groups.second]))
        if equal >= _WITHIN and (1 - head.alike(column)) * pairs >= _FEWEST:
            found.append(column.name)
    return found


def _has_complement(groups: _Groups, head: _Head) -> bool:
    """Whether a column of few values never repeats within a value of the key, though it would by chance."""
    if not len(groups.first):
        return False
    for column, share in zip(head.columns, groups.equal(head), strict=True):
        if column.name in groups.names or not 2 <= column.size <= 60 or share > 0 or (column.codes < 0).any():
            continue
        if (column.codes[groups.first] == column.codes[groups.second]).any():
            continue
        if head.alike(column) * len(groups.first) < _FEWEST:
            continue
        there = groups.codes >= 0
        both = groups.codes[there].astype(np.int64) * column.size + column.codes[there]
        if len(np.unique(both)) == len(both):
            return True
    return False


def _is_crossed(groups: _Groups, constant: Sequence[str], head: _Head) -> bool:
    """Whether two of the constant columns are variables of their own: one measures, or does not follow."""
    constant = [name for name in constant if not _is_label(groups, head.column(name))]
    own = [name for name in constant if not _is_nested(groups, head.column(name))]
    measured = [name for name in own if _measures(groups, head.column(name))]
    if measured and len(own) > 1:
        return True
    rows = groups.first
    for one, other in combinations(constant, 2):
        a, b = head.column(one).codes[rows], head.column(other).codes[rows]
        joint = len(np.unique(a.astype(np.int64) * (int(b.max()) + 3) + b))
        if joint > 1.2 * max(len(np.unique(a)), len(np.unique(b))):
            return True
    return False


def _is_label(groups: _Groups, column: Column) -> bool:
    """Whether a column says the same as the key in other words: as many values, of codes or texts."""
    values = len(np.unique(column.codes[groups.first]))
    return values == len(np.unique(groups.codes[groups.first])) and column.decimals in (0, None)


def _measures(groups: _Groups, column: Column) -> bool:
    """Whether a column holds many numbers: an income, and not the code of a group."""
    return column.is_numeric and len(np.unique(column.codes[groups.first])) > 0.3 * min(len(groups.sizes), _SOME / 2)


def _is_nested(groups: _Groups, column: Column) -> bool:
    """Whether a column is a coarser form of the key: it rises, or falls, with it."""
    steps = np.diff(column.codes[groups.first[np.argsort(groups.codes[groups.first], kind="stable")]])
    return bool((steps >= 0).all() or (steps <= 0).all())


def _is_handed_out(column: Column) -> bool:
    """Whether values are running numbers, or texts."""
    if not column.is_numeric:
        return True
    return bool(column.size) and float(column.values[-1] - column.values[0] + 1) <= 1.1 * column.size


def _event(groups: _Groups, constant: Sequence[str]) -> Event:
    alike = f"; {', '.join(constant[:3])} {'is' if len(constant) == 1 else 'are'} the same within" if constant else ""
    message = (
        f"its values bind rows together, about {groups.mean:.1f} each{alike}. Rows are synthesized as if they were "
        "independent: those of a person or household are scattered over a set and need not agree, and standard errors "
        "are too small by the design effect"
    )
    message = message if len(groups.names) == 1 else f"together with {groups.names[1]!r} {message}"
    return Event("repeated_key", groups.names[0], message, "warning")
