"""What is counted of a table for all measures on combinations: a state that merges over partitions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from replicant.disclosure.combinations import Aligned, Counts, align, combine, count, keys_of
from replicant.evaluation.rows import Integers, Rows

__all__ = ["Comparison", "Questions", "Tally", "combine_tallies", "compare_tallies", "tally"]


@dataclass(frozen=True)
class Questions:
    """What an intruder knows, and wants to know.

    Attributes
    ----------
    keys
        Columns known of a person; none: only whole rows are counted.
    targets
        Columns wanted. Numbers are taken in their groups.
    grouped
        Keys that are known by their groups only; numbers are else known exactly.
    """

    keys: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    grouped: Collection[str] = ()

    @property
    def label(self) -> str:
        """The keys as text: `age x sex`."""
        return " x ".join(self.keys)

    def codes(self, rows: Rows) -> tuple[Integers, Integers]:
        """(n, q) codes of the keys, and (n,) the key of their combination."""
        known = rows.only(self.keys)
        exact = known.coding.is_numeric & ~np.isin(self.keys, list(self.grouped))
        codes = np.where(exact, known.cells, known.groups)
        return codes, keys_of(codes, None if exact.any() else known.coding.sizes)


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of one table, or of one of its partitions.

    Attributes
    ----------
    rows
        Of combinations of all columns.
    keys
        Of combinations of the keys.
    targets
        Of the keys crossed with each target.
    """

    rows: Counts
    keys: Counts | None
    targets: dict[str, Counts]


def tally(rows: Rows, questions: Questions) -> Tally:
    """Count one partition."""
    whole = count(keys_of(rows.cells))
    if not questions.keys:
        return Tally(whole, None, {})
    codes, keys = questions.codes(rows)
    wanted = rows.only(questions.targets).groups.astype(np.int64)
    targets = {name: count(keys, wanted[:, j], codes=codes) for j, name in enumerate(questions.targets)}
    return Tally(whole, count(keys, weights=rows.weights), targets)


def combine_tallies(states: Sequence[Tally]) -> Tally:
    """The counts of several partitions together."""
    keys = [one.keys for one in states if one.keys is not None]
    return Tally(
        combine([one.rows for one in states]),
        combine(keys) if keys else None,
        {name: combine([one.targets[name] for one in states]) for name in states[0].targets},
    )


@dataclass(frozen=True, eq=False)
class Comparison:
    """The real table, the sets and a holdout, counted over the same combinations.

    Attributes
    ----------
    questions
        What was counted.
    rows, keys, targets
        As in a `Tally`.
    m
        Sets of this release.
    earlier
        The keys with the sets of earlier releases after those of this one; `keys` itself where there are none.
    earlier_rows
        The same of whole rows; None where there are none.
    known_population
        Whether the weights are the people of the population, counted and not estimated.
    """

    questions: Questions
    rows: Aligned
    keys: Aligned | None
    targets: dict[str, Aligned]
    m: int
    earlier: Aligned | None
    earlier_rows: Aligned | None = None
    known_population: bool = False


def compare_tallies(
    questions: Questions,
    real: Tally,
    sets: Sequence[Tally],
    holdout: Tally | None = None,
    earlier: Sequence[Tally] = (),
) -> Comparison:
    """Set the counts of all tables side by side."""
    keys = before = None
    if real.keys is not None:
        of_sets = [one.keys for one in sets if one.keys is not None]
        of_earlier = [one.keys for one in earlier if one.keys is not None]
        of_holdout = None if holdout is None else holdout.keys
        keys = align(real.keys, of_sets, of_holdout)
        before = align(real.keys, [*of_sets, *of_earlier], of_holdout) if of_earlier else keys
    targets = {
        name: align(one, [each.targets[name] for each in sets], None if holdout is None else holdout.targets[name])
        for name, one in real.targets.items()
    }
    whole = align(real.rows, [one.rows for one in sets], None if holdout is None else holdout.rows, every=False)
    ever = None
    if earlier:
        both = [*(one.rows for one in sets), *(one.rows for one in earlier)]
        ever = align(real.rows, both, None if holdout is None else holdout.rows, every=False)
    return Comparison(questions, whole, keys, targets, len(sets), before, ever)
