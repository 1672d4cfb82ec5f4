"""A contingency table of the columns of a block: shares of cells, draws from them, and rows with missing cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.errors import DataError, SpecError, closest
from replicant.methods.base import Codes, Numbers, Predictors, Response

__all__ = [
    "MOST_CELLS",
    "BlockCells",
    "CellModel",
    "Incomplete",
    "all_cells",
    "codes_of_classes",
    "column_position",
    "complete_rows",
    "impossible",
    "labels_of",
    "level_position",
    "refuse_impossible_rows",
]

MOST_CELLS = 4_000_000
"""More cells of a table than this are an error: they would not be filled by any data."""

Positions = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


def codes_of_classes(y: Response) -> Codes:
    """(n_classes,) the code of each class: the class itself, where no row has it."""
    codes = np.arange(y.n_classes, dtype=np.int32)
    if y.classes is not None:
        seen = y.classes >= 0
        codes[y.classes[seen]] = y.codes[seen]
    return codes


def labels_of(y: Response) -> tuple[object, ...]:
    """The labels of a column's levels; their numbers where they have none."""
    return y.levels or tuple(range(y.n_classes))


def column_position(y: Sequence[Response], name: str, option: str) -> int:
    """Which response has a name that an option holds."""
    names = [one.name for one in y]
    if name not in names:
        raise SpecError(
            f"`{option}` names {name!r}, which is no column of the block",
            need=f"some of {', '.join(map(repr, names))}{closest(name, names)}",
        )
    return names.index(name)


def level_position(y: Response, label: object, option: str) -> int:
    """Which level has a label, or the text of it, that an option holds."""
    texts = [str(one) for one in labels_of(y)]
    if str(label) not in texts:
        raise SpecError(
            f"`{option}` names a level that {y.name!r} does not have", need="one of its levels, as in the codebook"
        )
    return texts.index(str(label))


def all_cells(sizes: Sequence[int]) -> Codes:
    """(C, p) classes of every cell, the last column running fastest."""
    count = int(np.prod([float(size) for size in sizes]))
    if count > MOST_CELLS:
        raise SpecError(
            f"the columns of the block have {count:,} combinations of levels",
            need=f"at most {MOST_CELLS:,}",
            fix="put fewer columns into the block, or join levels; catall with prior 0 takes any number",
        )
    return np.stack(np.unravel_index(np.arange(count), tuple(sizes)), axis=1).astype(np.int32)


def complete_rows(y: Sequence[Response], weights: Codes | None) -> tuple[Codes, Numbers, Mask]:
    """(n, p) classes of all rows, how often each counts, and which of them are complete."""
    found = []
    for one in y:
        if one.classes is None:
            raise TypeError("a table of cells needs responses of classes")
        found.append(one.classes)
    classes = np.stack(found, axis=1)
    counted = np.ones(len(classes)) if weights is None else weights.astype(np.float64)
    return classes, counted, np.asarray((classes >= 0).all(axis=1))


def impossible(y: Sequence[Response], zeros: Sequence[Mapping[str, Any]], cells: Codes, option: str = "zeros") -> Mask:
    """(C,) which cells cannot occur.

    Parameters
    ----------
    y
        The columns.
    zeros
        Each names columns and, of each, a level or a list of levels: what has such levels of all of them is impossible.
    cells
        (C, p) classes.
    option
        What an error calls `zeros`.
    """
    out = np.zeros(len(cells), dtype=bool)
    for condition in zeros:
        same = np.ones(len(cells), dtype=bool)
        for name, levels in condition.items():
            position = column_position(y, name, option)
            listed = levels if isinstance(levels, (list, tuple, set)) else [levels]
            same &= np.isin(cells[:, position], [level_position(y[position], one, option) for one in listed])
        out |= same
    return out


@dataclass(frozen=True, eq=False, slots=True)
class BlockCells:
    """Cells of a table, to be found by some of their classes.

    Attributes
    ----------
    cells
        (C, p) classes.
    """

    cells: Codes

    def match(self, classes: Codes) -> tuple[Positions, Positions, Positions]:
        """The cells that agree with each of some rows where these are known.

        Parameters
        ----------
        classes
            (k, p) classes; -1 in the same columns of all rows: not known.

        Returns
        -------
        ndarray
            (C,) positions of all cells in an order in which those that agree with a row are neighbours.
        ndarray, ndarray
            (k,) where in that order they begin and end.
        """
        count = len(self.cells)
        key = np.zeros(count + len(classes), dtype=np.int64)
        for column in np.flatnonzero((classes >= 0).any(axis=0)):
            both = np.concatenate([self.cells[:, column], classes[:, column]]).astype(np.int64)
            _, key = np.unique(key * (int(both.max()) + 1) + both, return_inverse=True)
        order = np.argsort(key[:count], kind="stable")
        known = key[:count][order]
        return order, np.searchsorted(known, key[count:]), np.searchsorted(known, key[count:], side="right")

    def draw(self, shares: Numbers, classes: Codes, rng: np.random.Generator) -> Positions:
        """A cell for each row, given what is known of it.

        Parameters
        ----------
        shares
            (C,) shares of the cells.
        classes
            (k, p) classes of the rows; -1: not known. Where no cell has what is known together, the last column that is
            known is left out, then the one before it.
        rng
            Draws.

        Returns
        -------
        ndarray
            (k,) positions of cells.
        """
        out = np.empty(len(classes), dtype=np.intp)
        left = np.arange(len(classes))
        classes = classes.copy()
        while left.size:
            failed = []
            patterns, group = np.unique(classes[left] >= 0, axis=0, return_inverse=True)
            for number, pattern in enumerate(patterns):
                rows = left[group.reshape(-1) == number]
                order, start, end = self.match(classes[rows])
                total = np.concatenate([[0.0], np.cumsum(shares[order])])
                chance = total[end] - total[start]
                at = np.searchsorted(total, total[start] + rng.random(len(rows)) * chance, side="right") - 1
                possible = chance > 0 if pattern.any() else np.ones(len(rows), dtype=bool)
                out[rows[possible]] = order[np.clip(at, start, np.maximum(end - 1, start))[possible]]
                if not possible.all():
                    classes[rows[~possible], np.flatnonzero(pattern)[-1]] = -1
                    failed.append(rows[~possible])
            left = np.concatenate(failed) if failed else left[:0]
        return out


@dataclass(frozen=True, eq=False, slots=True)
class Incomplete:
    """Rows of which some cells are missing, one entry for each set of columns that are known.

    Attributes
    ----------
    cells
        The table.
    patterns
        For each set: an order of the cells, the groups of cells that agree, and how many rows each group has.
    """

    cells: BlockCells
    patterns: tuple[tuple[Positions, Positions, Positions, Numbers], ...]

    @classmethod
    def of(cls, cells: BlockCells, classes: Codes, counted: Numbers) -> Incomplete:
        """Sort incomplete rows; those that agree with no cell are left out.

        Parameters
        ----------
        cells
            The table.
        classes
            (k, p) classes of the rows, -1 where missing.
        counted
            (k,) how often each counts.
        """
        made: list[tuple[Positions, Positions, Positions, Numbers]] = []
        kept = (classes >= 0).any(axis=1) & (counted > 0)
        classes, counted = classes[kept], counted[kept]
        known, group = np.unique(classes >= 0, axis=0, return_inverse=True)
        for number in range(len(known)):
            rows = np.flatnonzero(group.reshape(-1) == number)
            distinct, at = np.unique(classes[rows], axis=0, return_inverse=True)
            count = np.bincount(at.reshape(-1), counted[rows]).astype(np.float64, copy=False)
            order, start, end = cells.match(distinct)
            some = end > start
            made.append((order, start[some], end[some], count[some]))
        return cls(cells, tuple(made))

    def expected(self, shares: Numbers) -> Numbers:
        """(C,) rows of each cell that are expected given the cells' shares."""
        out = np.zeros(len(shares))
        for order, start, end, count in self.patterns:
            total = np.concatenate([[0.0], np.cumsum(shares[order])])
            chance = total[end] - total[start]
            factor = np.divide(count, chance, out=np.zeros(len(count)), where=chance > 0)
            spread = np.zeros(len(order) + 1)
            np.add.at(spread, start, factor)
            np.add.at(spread, end, -factor)
            inside = np.zeros(len(order) + 1, dtype=np.int64)
            np.add.at(inside, start, 1)
            np.add.at(inside, end, -1)
            # Groups do not overlap: outside of them the sum is 0 but for rounding.
            out[order] += shares[order] * np.where(np.cumsum(inside)[:-1] > 0, np.cumsum(spread)[:-1], 0.0)
        return out

    def drawn(self, shares: Numbers, rng: np.random.Generator) -> Numbers:
        """(C,) rows of each cell, drawn given the cells' shares."""
        out = np.zeros(len(shares))
        for order, start, end, count in self.patterns:
            total = np.concatenate([[0.0], np.cumsum(shares[order])])
            times = np.rint(count).astype(np.int64)
            low, high = np.repeat(start, times), np.repeat(end, times)
            chance = total[high] - total[low]
            at = np.searchsorted(total, total[low] + rng.random(len(low)) * chance, side="right") - 1
            out += np.bincount(order[np.clip(at, low, high - 1)], minlength=len(shares))
        return out


@dataclass(frozen=True, eq=False, slots=True)
class CellModel:
    """Shares of the cells of a table.

    Attributes
    ----------
    cells
        The table.
    shares
        (C,) their shares.
    codes
        For each column the codes of its classes.
    notes
        What was done by itself.
    """

    cells: BlockCells
    shares: Numbers
    codes: tuple[Codes, ...]
    notes: tuple[str, ...] = ()

    def draw(self, x: Predictors, rng: np.random.Generator, known: tuple[Codes, ...] | None, /) -> tuple[Codes, ...]:
        """Codes of all columns for each row, given those that are known."""
        classes = np.full((x.size, len(self.codes)), -1, dtype=np.int32)
        for column, codes in enumerate(known or ()):
            order = np.argsort(self.codes[column], kind="stable")
            at = np.clip(np.searchsorted(self.codes[column][order], codes), 0, len(order) - 1)
            same = (self.codes[column][order][at] == codes) & (codes >= 0)
            classes[same, column] = order[at[same]]
        drawn = self.cells.cells[self.cells.draw(self.shares, classes, rng)]
        return tuple(codes[drawn[:, column]] for column, codes in enumerate(self.codes))


def refuse_impossible_rows(count: float, option: str = "zeros") -> None:
    """An error if rows lie in cells that cannot occur."""
    if count:
        raise DataError(
            f"{int(count):,} rows have levels that `{option}` says cannot occur together",
            need="a table without such rows",
            fix=f"correct the rows, or take the condition out of `{option}`",
        )
