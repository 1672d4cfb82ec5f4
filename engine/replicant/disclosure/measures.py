"""All measures of disclosure but the attacks, of tables in memory or of counts that were merged over partitions."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from replicant.disclosure.attribute import Target, attribute, trivial
from replicant.disclosure.combinations import Aligned
from replicant.disclosure.copies import copied_records, copied_rows, own_cells
from replicant.disclosure.guesses import confident_guesses
from replicant.disclosure.identity import class_sizes, identity, reidentification
from replicant.disclosure.matching import (
    Known,
    MatchRisk,
    class_risk_figures,
    match_cumulative,
    match_figures,
    match_risk,
)
from replicant.disclosure.tally import Comparison, Questions, compare_tallies, tally
from replicant.evaluation.figure import Figure, plain
from replicant.evaluation.rows import Rows
from replicant.table.arrays import Floats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator

__all__ = ["class_population", "compare_rows", "conclude", "matches", "measure"]

WITHIN = 0.1
"""How far a known number may be from the true one, as a share of it."""

WITH_WIDTHS = 200_000
"""Rows up to which numbers match within a width; in larger tables, by their groups."""


def measure(
    real: Rows,
    sets: Sequence[Rows],
    *,
    keys: Sequence[str] = (),
    targets: Sequence[str] | None = None,
    holdout: Rows | None = None,
    earlier: Sequence[Rows] = (),
    grouped: Collection[str] = (),
    uncounted: Mapping[str, Target] | None = None,
    aligned: bool = False,
    aligned_before: Sequence[Rows] = (),
    rng: Generator | None = None,
    comparison: Comparison | None = None,
) -> list[Figure]:
    """What a release gives away by its rows, keys and targets.

    Parameters
    ----------
    real, sets
        The tables, on one coding.
    keys, targets
        Columns that an intruder knows and wants; without targets, all that are no keys.
    holdout
        Real rows that were not synthesized.
    earlier
        Sets of earlier releases.
    grouped
        Numeric keys that are known by their groups only.
    uncounted
        How targets are taken, where not as they are.
    aligned
        Whether row i of every set is the real record i (`observed` conditioning).
    aligned_before
        Sets of earlier releases of which that is true as well.
    rng
        A stream of the caller for models of targets; None: there are none.
    comparison
        What was counted, where that was done before.

    Returns
    -------
    list of Figure
    """
    comparison = comparison or compare_rows(
        real, sets, keys=keys, targets=targets, holdout=holdout, earlier=earlier, grouped=grouped
    )
    questions = comparison.questions
    figures = conclude(comparison, uncounted)
    if aligned:
        figures += own_cells(real.coding.names, real.cells, [one.cells for one in sets])
        if questions.keys:
            figures += match_figures(matches(real, sets, questions), of=questions.label)
        if questions.keys and aligned_before:
            before = matches(real, [*sets, *aligned_before], questions)
            figures.append(match_cumulative(before, of=questions.label))
    if rng is not None and questions.keys:
        for name in questions.targets:
            figures.append(confident_guesses(real, sets, questions.keys, name, rng, holdout=holdout))
    return figures


def compare_rows(
    real: Rows,
    sets: Sequence[Rows],
    *,
    keys: Sequence[str] = (),
    targets: Sequence[str] | None = None,
    holdout: Rows | None = None,
    earlier: Sequence[Rows] = (),
    grouped: Collection[str] = (),
) -> Comparison:
    """Counts of tables in memory; arguments as in `measure`."""
    wanted = [name for name in real.coding.names if name not in keys] if targets is None else targets
    questions = Questions(tuple(keys), tuple(wanted) if keys else (), tuple(grouped))
    return compare_tallies(
        questions,
        tally(real, questions),
        [tally(one, questions) for one in sets],
        None if holdout is None else tally(holdout, questions),
        [tally(one, questions) for one in earlier],
    )


def conclude(comparison: Comparison, uncounted: Mapping[str, Target] | None = None) -> list[Figure]:
    """Figures of counts; `uncounted` as in `measure`."""
    figures = copied_rows(comparison.rows)
    if comparison.earlier_rows is not None:
        figures += copied_records(comparison.earlier_rows, comparison.m)
    if comparison.keys is None or comparison.earlier is None:
        return figures
    label = comparison.questions.label
    figures += copied_rows(comparison.keys, of=label)
    figures += identity(comparison.keys, of=label)
    figures += _anonymity(comparison.keys, label, comparison.known_population)
    figures += class_risk_figures(
        comparison.earlier, comparison.m, class_population(comparison.earlier, comparison.known_population), of=label
    )
    for name, tables in comparison.targets.items():
        target = (uncounted or {}).get(name)
        figures += attribute(tables, target, of=name)
        facts = trivial(tables, target)
        figures.append(plain("trivial_level", [float(one.level is not None) for one in facts], of=name))
        figures.append(plain("trivial_pairs", [float(len(one.pairs)) for one in facts], of=name))
    return figures


def matches(real: Rows, sets: Sequence[Rows], questions: Questions, within: float = WITHIN) -> MatchRisk:
    """Match risks of the real records by row-aligned sets.

    Numbers that are no grouped keys match within a share of themselves; in a table of more than `WITH_WIDTHS` rows
    by their groups, for the windows of so many rows would hold too many others.
    """
    numeric = real.only(questions.keys).coding.is_numeric & ~np.isin(questions.keys, list(questions.grouped))
    numeric &= len(real) <= WITH_WIDTHS

    def known(rows: Rows) -> Known:
        some = rows.only(questions.keys)
        return Known(some.groups[:, ~numeric].astype(np.int64), some.numbers[:, numeric])

    of_real = known(real)
    return match_risk(of_real, [known(one) for one in sets], np.abs(of_real.numbers) * within)


def _anonymity(tables: Aligned, label: str, known: bool) -> list[Figure]:
    """k-anonymity of the keys in the real table and in the release, and what is known of the population."""
    real, sets = tables.by_class(tables.real), tables.by_class(tables.sets)
    sizes, of_sets = class_sizes(real), [class_sizes(one) for one in sets]
    figures = [
        plain("smallest_class_real", [float(sizes.smallest)], of=label),
        plain("smallest_class_release", [float(one.smallest) for one in of_sets], of=label),
    ]
    for position, k in enumerate((2, 3, 5)):
        figures.append(plain(f"real_records_below_{k}", [sizes.below[position]], of=label))
        figures.append(plain(f"release_records_below_{k}", [one.below[position] for one in of_sets], of=label))
    population = class_population(tables, known)
    if population is not None:
        n = max(int(real.sum()), 1)
        risk = reidentification(real, population)
        figures.append(plain("reidentification_of_real", [float((risk * real).sum()) / n], of=label))
        present = [float((risk * real * (one > 0)).sum()) / n for one in sets]
        figures.append(plain("reidentification_by_release", present, of=label))
    return figures


def class_population(tables: Aligned, known: bool) -> Floats | None:
    """(u,) People of the population in each class: known, or by weights that add up to more than the rows."""
    if tables.weights is None:
        return None
    people = tables.by_class(tables.weights)
    rows = int(tables.real.sum())
    if known:
        return np.asarray(np.maximum(people, tables.by_class(tables.real)), dtype=np.float64)
    return people if math.isfinite(people.sum()) and people.sum() > 1.5 * rows else None
