"""Tables of counts of the real and the synthetic rows: one, two or three columns at a time, all tables at once.

The cells of all tables lie behind one another in one vector (`Layout`), so the counts of two partitions are merged by
adding two vectors, and a measure of all tables is a few sums over segments. Of synthpop's `utility.tab` (Nowok, Raab
and Dibben 2016; Raab, Nowok and Dibben 2021, arXiv:2109.12717) all measures are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from replicant.evaluation.rows import Coding
from replicant.table.arrays import Floats

__all__ = ["MEASURES", "Layout", "layout_of", "split_counts", "table_measures", "table_totals", "tables_of"]

MOST_CELLS = 1 << 22
BLOCK = 1 << 16  # rows counted at a time: their codes stay in the cache of the processor

MEASURES = (
    *("vw", "ft", "jsd", "specks", "wmabsdd", "u", "g", "pmse", "po50", "mabsdd", "dbhatt"),
    *("s_vw", "s_ft", "s_jsd", "s_wmabsdd", "s_g", "s_pmse", "df", "df_g"),
)


@dataclass(frozen=True, eq=False)
class Layout:
    """Which tables are counted, and where their cells lie.

    Attributes
    ----------
    tables
        For each table the positions of its columns.
    sizes
        Number of groups of each column.
    left_out
        Tables with more cells than can be counted one by one.
    """

    tables: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    left_out: tuple[tuple[int, ...], ...] = ()

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """(T + 1,) where the cells of each table begin."""
        starts = np.zeros(len(self.tables) + 1, dtype=np.intp)
        np.cumsum([_cells(table, self.sizes) for table in self.tables], out=starts[1:])
        return starts

    def count(self, groups: NDArray[np.int32], weights: Floats | None = None) -> Floats:
        """The counts of all tables, behind one another, of the rows of a partition; those of two partitions add up.

        Parameters
        ----------
        groups
            (n, p) codes below `sizes`.
        weights
            (n,) weights of the rows.
        """
        out = np.zeros(self.starts[-1])
        for begin in range(0, len(groups), BLOCK):
            columns = np.ascontiguousarray(groups[begin : begin + BLOCK].T, dtype=np.intp)
            weight = None if weights is None else weights[begin : begin + BLOCK]
            # The cell by all but the last column of a table is the same for many tables.
            heads: dict[tuple[int, ...], NDArray[np.intp]] = {}
            for t, table in enumerate(self.tables):
                *head, last = table
                cell = columns[last]
                if head:
                    cell = self._head(tuple(head), columns, heads) * self.sizes[last] + cell
                part = out[self.starts[t] : self.starts[t + 1]]
                part += np.bincount(cell, weight, len(part))
        return out

    def _head(
        self, head: tuple[int, ...], columns: NDArray[np.intp], heads: dict[tuple[int, ...], NDArray[np.intp]]
    ) -> NDArray[np.intp]:
        if head not in heads:
            heads.clear()  # tables come in order: the head before is not needed again
            cell: NDArray[np.intp] = columns[head[0]]
            for column in head[1:]:
                cell = cell * self.sizes[column] + columns[column]
            heads[head] = cell
        return heads[head]

    def names(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The tables by the names of their columns: `age x sex`."""
        return tuple(" x ".join(columns[j] for j in table) for table in self.tables)

    def block(self, counts: Floats, table: int) -> Floats:
        """The counts of one table, with an axis for each of its columns."""
        shape = tuple(self.sizes[j] for j in self.tables[table])
        return counts[self.starts[table] : self.starts[table + 1]].reshape(shape)


def layout_of(sizes: Sequence[int], ways: Iterable[int] = (1, 2), chosen: Iterable[Sequence[int]] = ()) -> Layout:
    """All tables of so many columns, and chosen ones.

    Parameters
    ----------
    sizes
        Number of groups of each column.
    ways
        1, 2, 3: all tables of one, two or three columns.
    chosen
        Further tables, each the positions of its columns.
    """
    wanted = [table for way in ways for table in combinations(range(len(sizes)), way)]
    wanted += [tuple(table) for table in chosen]
    tables = list(dict.fromkeys(wanted))
    large = [table for table in tables if _cells(table, sizes) > MOST_CELLS]
    return Layout(tuple(table for table in tables if table not in set(large)), tuple(sizes), tuple(large))


def tables_of(coding: Coding, three_way: Iterable[Sequence[str]] = ()) -> Layout:
    """All tables of one and of two columns, and named ones of three.

    Parameters
    ----------
    coding
        Of the columns.
    three_way
        Names of the columns of each further table.
    """
    at = {name: j for j, name in enumerate(coding.names)}
    chosen = [sorted(at[name] for name in table) for table in three_way if all(name in at for name in table)]
    return layout_of(coding.sizes, (1, 2), chosen)


def _cells(table: Sequence[int], sizes: Sequence[int]) -> int:
    product = 1
    for j in table:
        product *= int(sizes[j])
    return product


def table_totals(counts: Floats, starts: NDArray[np.intp]) -> Floats:
    """(T,) sum of the cells of each table."""
    return np.asarray(np.add.reduceat(counts, starts[:-1])) if len(starts) > 1 else np.empty(0)


def table_measures(
    observed: Floats, synthetic: Floats, starts: NDArray[np.intp], *, k_random: bool = False
) -> dict[str, Floats]:
    """All measures of all tables. Each rises as the tables differ.

    With o and s the counts of a cell, n and k their sums, N = n + k, c = k / N, e = (o + s) c the count that a cell of
    the synthetic table is expected to have, and d = s - o k / n:

    - `vw` (Voas and Williamson 2001): sum of d^2 / e. `s_vw` divides it by its degrees of freedom. It is about 1 where
      the synthetic rows are drawn from the shares of the real ones, and about 1 + k / n for a second real sample.
    - `ft` (Freeman and Tukey 1950): 4 times the sum of (sqrt(s) - sqrt(o k / n))^2.
    - `g`: twice the sum of s ln of the ratio of shares, over cells that are empty in neither table: shares are those
      among these cells, and `df_g` counts them.
    - `jsd`: Jensen and Shannon's divergence to base 2. `s_jsd` is 8 ln(2) k jsd / df, the scale on which it agrees with
      `s_vw` for small differences. synthpop divides by ln(2) what is to be multiplied with it, and its `S_JSD` is
      1 / (2 ln(2)^2) = 1.04 times as large.
    - `pmse`: the propensity mean squared error of the model that has a parameter for every cell: vw c (1 - c)^2 / N.
      `s_pmse` is `s_vw`.
    - `specks` (Bowen, Liu and Su 2021): the Kolmogorov-Smirnov distance of the scores s / (s + o), which is half the
      sum of absolute differences of shares. `po50`: the percentage of rows that a classification by the scores, cut at
      c, gets right, less 50. `mabsdd`: sum of |d| over k. For k = n the three are multiples of one another.
    - `wmabsdd`: sum of |d| / sqrt(e) over sqrt(2 / pi); `s_wmabsdd` divides it by the degrees of freedom.
    - `dbhatt`: Bhattacharyya's distance sqrt(1 - sum of sqrt(p_o p_s)).
    - `u`: Wilcoxon's rank sum of the scores, as R's `wilcox.test` has it; n k / 2 where the tables are alike.

    Cells that are empty in both tables do not count; `df` is the number of the others less one.

    Parameters
    ----------
    observed, synthetic
        Counts of all tables behind one another.
    starts
        See `Layout.starts`.
    k_random
        The number of synthetic rows is itself a draw: `df` is then the number of cells.
    """
    o, s = observed, synthetic
    lengths = np.diff(starts)

    def total(values: Floats) -> Floats:
        return table_totals(np.asarray(values, dtype=np.float64), starts)

    n, k = total(o), total(s)
    with np.errstate(divide="ignore", invalid="ignore"):
        c = k / (n + k)
        ratio = np.repeat(k / n, lengths)
        both = o + s
        used = both > 0
        expected = both * np.repeat(c, lengths)
        d = s - o * ratio
        safe = np.where(used, expected, 1.0)
        p_o, p_s = o / np.repeat(n, lengths), s / np.repeat(k, lengths)
        df = total(used.astype(np.float64)) - (0 if k_random else 1)
        full = (o > 0) & (s > 0)
        df_g = total(full.astype(np.float64)) - (0 if k_random else 1)
        shared_o, shared_s = (np.repeat(total(np.where(full, one, 0.0)), lengths) for one in (o, s))
        gain = np.where(full, s * np.log(np.where(full, s * shared_o / (o * shared_s), 1.0)), 0.0)
        out = {
            "vw": total(d * d / safe),
            "ft": 4 * total((np.sqrt(s) - np.sqrt(o * ratio)) ** 2),
            "jsd": _divergence(p_o, p_s, total),
            "specks": total(np.abs(p_o - p_s)) / 2,
            "wmabsdd": total(np.abs(d) / np.sqrt(safe)) / np.sqrt(2 / np.pi),
            "u": _rank_sum(o, s, starts),
            "g": 2 * total(gain),
        }
        out["pmse"] = out["vw"] * c * (1 - c) ** 2 / (n + k)
        called = s * np.repeat(1 - c, lengths) > o * np.repeat(c, lengths)
        right = total(np.where(called, s, 0.0)) + total(np.where(called, 0.0, o))
        out["po50"] = 100 * right / (n + k) - 50
        out["mabsdd"] = total(np.abs(d)) / k
        out["dbhatt"] = np.sqrt(np.maximum(1 - total(np.sqrt(p_o * p_s)), 0.0))
        out |= {f"s_{name}": out[name] / df for name in ("vw", "ft", "wmabsdd")}
        out["s_jsd"] = 8 * np.log(2) * k * out["jsd"] / df
        out["s_g"] = out["g"] / df_g
        out["s_pmse"] = out["s_vw"]
    return {name: out[name] for name in MEASURES[:-2]} | {"df": df, "df_g": df_g}


def _divergence(p_o: Floats, p_s: Floats, total: Callable[[Floats], Floats]) -> Floats:
    middle = (p_o + p_s) / 2

    def part(p: Floats) -> Floats:
        return np.where(p > 0, p * np.log2(np.where(p > 0, p, 1.0) / np.where(p > 0, middle, 1.0)), 0.0)

    return total(part(p_o) + part(p_s)) / 2


def _rank_sum(o: Floats, s: Floats, starts: NDArray[np.intp]) -> Floats:
    """(T,) how often a synthetic row has a larger score than a real one, ties counted half."""
    if len(starts) < 2:
        return np.empty(0)
    table = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    both = o + s
    score = np.divide(s, both, where=both > 0, out=np.zeros(len(s)))
    order = np.lexsort((score, table))
    key, own = score[order], table[order]
    first = np.flatnonzero(np.append(True, (key[1:] != key[:-1]) | (own[1:] != own[:-1])))
    real, made = np.add.reduceat(o[order], first), np.add.reduceat(s[order], first)
    below = np.cumsum(real) - real
    begin = np.flatnonzero(np.append(True, own[first][1:] != own[first][:-1]))
    below -= np.repeat(below[begin], np.diff(np.append(begin, len(below))))
    return np.asarray(np.add.reduceat(made * (below + real / 2), begin))


def split_counts(
    pool: Floats, starts: NDArray[np.intp], rng: np.random.Generator, draws: int, size: int | None = None
) -> tuple[Floats, Floats]:
    """Random splits of the rows of a pool into two samples, drawn from the counts of its tables.

    The counts of a random half of n rows have the multivariate hypergeometric distribution, so no row is looked at.
    Each table is split by itself: a split says what one table shows of two samples, not what tables show together.

    Parameters
    ----------
    pool
        Counts of all tables behind one another: whole numbers, less than a billion rows.
    starts
        See `Layout.starts`.
    rng
        The stream of the splits.
    draws
        How many splits.
    size
        Rows of the first sample; half of them unless given.

    Returns
    -------
    tuple
        (draws, cells) counts of the first, and of the second sample.
    """
    whole = np.rint(pool).astype(np.int64)
    first = np.zeros((draws, len(pool)))
    for begin, end in pairwise(starts):
        cells = whole[begin:end]
        used = np.flatnonzero(cells)
        if not len(used):
            continue
        rows = int(cells.sum())
        taken = rows // 2 if size is None else min(size, rows)
        drawn = rng.multivariate_hypergeometric(cells[used], taken, draws, method="marginals")
        first[:, begin + used] = drawn
    return first, whole - first
