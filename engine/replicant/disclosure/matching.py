"""The risk that a record is matched by somebody who knows its keys, record by record.

Where the rows of a set are the records of the real table (partial synthesis, `observed`), the intruder looks for the
rows that agree with what is known of a person, and guesses among them (Reiter and Mitra 2009). Where they are not,
nobody's row is there: a class of keys that the release has points to the real records of that class.

Numbers agree within a width. Rows are found by sorting within the classes of all other keys, so that time grows with
the number of rows and of matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant.disclosure.combinations import Aligned, keys_of
from replicant.disclosure.comparison import Share, compared
from replicant.evaluation.figure import Figure, plain
from replicant.evaluation.rows import Integers
from replicant.table.arrays import Floats

__all__ = ["Known", "MatchRisk", "class_risk", "class_risk_figures", "match_cumulative", "match_figures", "match_risk"]

PAIRS = 4_000_000  # matches of records with rows that are held at once


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of each record, or what the rows of a set say of it.

    Attributes
    ----------
    codes
        (n, q) keys that must be equal.
    numbers
        (n, r) keys that must agree within a width; NaN agrees with NaN only.
    """

    codes: Integers
    numbers: Floats


@dataclass(frozen=True, eq=False)
class MatchRisk:
    """Match risks of records by row-aligned sets: means over the sets, and of all sets together.

    Attributes
    ----------
    found
        (n,) share of sets in which any row matches.
    expected
        (n,) probability to guess right: 1 / c where the record's own row is among the c that match, else 0.
    true, false
        (n,) shares of sets in which one row only matches, the record's own or another.
    single
        (n,) share of sets in which one row only matches.
    together
        (n,) probability to guess right from all sets: by the rows whose mean probability to be the one is largest.
    together_single
        (n,) whether that is a single row.
    """

    found: Floats
    expected: Floats
    true: Floats
    false: Floats
    single: Floats
    together: Floats
    together_single: NDArray[np.bool_]


def match_risk(real: Known, sets: Sequence[Known], widths: Floats | None = None) -> MatchRisk:
    """Reiter and Mitra's (2009) risks of all records.

    Parameters
    ----------
    real
        What is known of the records.
    sets
        Their rows in each set, in the same order.
    widths
        (n, r) how far numbers may lie from those known; zero by default.

    Returns
    -------
    MatchRisk
    """
    real, sets = _comparable([real, *sets])[0], _comparable([real, *sets])[1:]
    n, r = real.numbers.shape
    widths = np.zeros((n, r)) if widths is None else np.broadcast_to(widths, (n, r))
    widths = np.where(np.isnan(widths), 0.0, widths)
    _, classes = np.unique(np.concatenate([keys_of(one.codes) for one in (real, *sets)]), return_inverse=True)
    by_set = classes.reshape(len(sets) + 1, n)
    profile = np.column_stack([by_set[0], real.numbers, widths])
    targets, position = np.unique(profile, axis=0, return_inverse=True)
    position = position.reshape(-1)
    sorted_sets = [_Sorted(each, one.numbers) for each, one in zip(by_set[1:], sets, strict=True)]
    own = np.array(
        [
            (each == by_set[0]) & (np.abs(one.numbers - real.numbers) <= widths).all(axis=1)
            for each, one in zip(by_set[1:], sets, strict=True)
        ]
    )
    counts: Floats = np.zeros((len(sets), len(targets)))
    best, ties, mine = np.zeros(len(targets)), np.ones(len(targets)), np.zeros(n)
    records = np.argsort(position, kind="stable")
    ends = np.searchsorted(position[records], np.arange(len(targets) + 1))
    c: NDArray[Any]
    for block, pairs in _blocks(targets, sorted_sets):
        keys, weights = [], []
        for number, (target, row) in enumerate(pairs):
            c = np.bincount(target, minlength=len(block))
            counts[number, block] = c
            keys.append(target.astype(np.int64) * n + row)
            weights.append(1 / c[target] / len(sets))
        pair, where = np.unique(np.concatenate(keys), return_inverse=True)
        weight = np.bincount(where, np.concatenate(weights), minlength=len(pair)).round(12)
        most = np.zeros(len(block))
        np.maximum.at(most, pair // n, weight)
        best[block] = most
        ties[block] = np.maximum(np.bincount((pair // n)[weight == most[pair // n]], minlength=len(block)), 1)
        members = records[ends[block[0]] : ends[block[-1] + 1]]
        wanted = (position[members] - block[0]) * n + members
        at = np.minimum(np.searchsorted(pair, wanted), max(len(pair) - 1, 0))
        if len(pair):
            mine[members] = np.where(pair[at] == wanted, weight[at], 0.0)
    c = counts[:, position]
    right = (mine > 0) & (mine == best[position])
    return MatchRisk(
        (c > 0).mean(axis=0),
        (own / np.maximum(c, 1)).mean(axis=0),
        (own & (c == 1)).mean(axis=0),
        (~own & (c == 1)).mean(axis=0),
        (c == 1).mean(axis=0),
        right / ties[position],
        (best[position] > 0) & (ties[position] == 1),
    )


def match_figures(risk: MatchRisk, *, of: str = "") -> list[Figure]:
    """Match risks of a release beside those of the same release with its rows in random order.

    Parameters
    ----------
    risk
        Of the records.
    of
        The keys.

    Returns
    -------
    list of Figure
        `match_expected`, the mean probability to guess right, `match_true`, the share of records that are the only
        match and rightly so, `match_together` of all sets; `match_false` is the share of wrong ones among single
        matches. A rise of the first three means that rows can be led back to people. In random order, a row is the
        record's own with probability 1 / n (theory).
    """
    n = len(risk.expected)
    ones = np.ones(n)
    together_single = float(risk.together_single.sum())
    wrong = float((risk.together_single & (risk.together == 0)).sum())
    single = float(risk.single.sum())
    return [
        compared("match_expected", [Share(risk.expected, ones)], Share(risk.found / n, ones), of=of, kind="theory"),
        compared("match_true", [Share(risk.true, ones)], Share(risk.single / n, ones), of=of, kind="theory"),
        compared("match_together", [Share(risk.together, ones)], Share(risk.found / n, ones), of=of, kind="theory"),
        plain("match_false", [float(risk.false.sum()) / single if single else np.nan], of=of),
        plain("match_false_together", [wrong / together_single if together_single else np.nan], of=of),
    ]


def match_cumulative(risk: MatchRisk, *, of: str = "") -> Figure:
    """`match_together_cumulative`: that of all sets of this and of earlier releases, by their risk."""
    ones = np.ones(len(risk.expected))
    by_chance = Share(risk.found / len(ones), ones)
    return compared("match_together_cumulative", [Share(risk.together, ones)], by_chance, of=of, kind="theory")


def class_risk(tables: Aligned, m: int, population: Floats | None = None) -> tuple[Floats, Floats]:
    """Match risks of the records of each class of keys where rows of sets are nobody's.

    Parameters
    ----------
    tables
        Counts of the keys' combinations; of the sets, the first m are those of this release, others of earlier ones.
    m
        Number of its sets.
    population
        (u,) people of the population in each class, where that is known: they, too, have those keys.

    Returns
    -------
    tuple of numpy.ndarray
        (u,) probabilities of each class: that a set has it, by the number of people it points to; and that any set of
        this or an earlier release has it, by that number. The second never falls from one release to the next.
    """
    real = tables.by_class(tables.real)
    present = tables.by_class(tables.sets) > 0
    people = real if population is None else np.maximum(real, population)
    each: Floats = np.where(real > 0, 1 / np.maximum(people, 1), 0.0)
    now: Floats = present[:m].mean(axis=0) * each
    return now, np.asarray(present.any(axis=0) * each)


def class_risk_figures(tables: Aligned, m: int, population: Floats | None = None, *, of: str = "") -> list[Figure]:
    """`class_match` and `class_match_cumulative`: means of `class_risk` over the real records.

    With a holdout, the baseline is the risk of its records, each as if it were one more of its real class.
    """
    real = tables.by_class(tables.real).astype(np.float64)
    now, ever = class_risk(tables, m, population)
    fresh = expected = None
    if tables.holdout is not None and population is None:
        fresh = tables.by_class(tables.holdout).astype(np.float64)
        present = tables.by_class(tables.sets) > 0
        expected = [one * fresh / (real + 1) for one in (present[:m].mean(axis=0), present.any(axis=0))]
    return [
        compared(
            measure,
            [Share(risk * real, real)],
            None if fresh is None or expected is None else Share(expected[position], fresh),
            of=of,
            kind="holdout",
        )
        for position, (measure, risk) in enumerate((("class_match", now), ("class_match_cumulative", ever)))
    ]


def _comparable(tables: list[Known]) -> list[Known]:
    """Missing numbers as codes that must be equal."""
    return [
        Known(
            np.column_stack([one.codes, np.isnan(one.numbers).astype(np.int64)]),
            np.nan_to_num(one.numbers, nan=0.0),
        )
        for one in tables
    ]


class _Sorted:
    """Rows of one set, by class and within it by the first number."""

    def __init__(self, classes: Integers, numbers: Floats) -> None:
        self.numbers = numbers
        first = numbers[:, 0] if numbers.shape[1] else np.zeros(len(numbers))
        self.values, ranks = np.unique(first, return_inverse=True)
        position = classes * (len(self.values) + 1) + ranks.reshape(-1)
        self.order = np.argsort(position, kind="stable")
        self.position = position[self.order]

    def ranges(self, targets: Floats) -> tuple[Integers, Integers]:
        """(t,) From and to which sorted row the class agrees, and the first number as far as it goes."""
        r = self.numbers.shape[1]
        first, width = (targets[:, 1], targets[:, 1 + r]) if r else (np.zeros(len(targets)),) * 2
        base = targets[:, 0].astype(np.int64) * (len(self.values) + 1)
        # What lies at the width itself must not be lost by rounding: `pairs` compares once more.
        low = base + np.searchsorted(self.values, np.nextafter(first - width, -np.inf), side="left")
        high = base + np.searchsorted(self.values, np.nextafter(first + width, np.inf), side="right")
        return np.searchsorted(self.position, low), np.searchsorted(self.position, high)

    def pairs(self, targets: Floats, low: Integers, high: Integers) -> tuple[Integers, Integers]:
        """Positions of targets, and rows that match them."""
        sizes = high - low
        target = np.repeat(np.arange(len(targets)), sizes)
        row = self.order[np.arange(len(target)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(low, sizes)]
        r = self.numbers.shape[1]
        if r:
            apart = np.abs(self.numbers[row] - targets[target, 1 : 1 + r])
            agree = (apart <= targets[target, 1 + r :]).all(axis=1)
            target, row = target[agree], row[agree]
        return target, row


def _blocks(targets: Floats, sets: list[_Sorted]) -> Iterator[tuple[Integers, Iterator[tuple[Integers, Integers]]]]:
    """Blocks of targets, each with the matches in every set."""
    ranges = [one.ranges(targets) for one in sets]
    total = np.cumsum(sum(high - low for low, high in ranges)) if ranges else np.zeros(len(targets))
    start = 0
    while start < len(targets):
        before = total[start - 1] if start else 0
        stop = max(int(np.searchsorted(total, before + PAIRS, side="right")), start + 1)
        block = np.arange(start, min(stop, len(targets)))
        yield (
            block,
            (one.pairs(targets[block], low[block], high[block]) for one, (low, high) in zip(sets, ranges, strict=True)),
        )
        start = int(block[-1]) + 1
