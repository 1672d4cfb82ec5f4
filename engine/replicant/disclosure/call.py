"""`rp.disclosure`: what m synthetic sets give away of the real records, each figure beside its baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from replicant.disclosure.attacks import attack
from replicant.disclosure.keys import Proposal, propose_keys
from replicant.disclosure.measures import compare_rows, conclude, matches, measure
from replicant.disclosure.records import numbers_at_risk, records_at_risk
from replicant.disclosure.tally import Comparison, Questions, combine_tallies, compare_tallies, tally
from replicant.estimate.partitions import DeferredPartitions, partitioned
from replicant.evaluation.grouping import GROUPS, Grouped
from replicant.evaluation.inputs import MOST_ROWS, in_memory, inputs
from replicant.evaluation.parameters import with_common_parameters
from replicant.evaluation.runner import Effort, Found, Subset, evaluate, known_columns

if TYPE_CHECKING:
    from replicant.analysis import Data
    from replicant.disclosure.matching import MatchRisk
    from replicant.disclosure.tally import Tally
    from replicant.evaluation import Evaluation
    from replicant.evaluation.inputs import Inputs
    from replicant.evaluation.rows import Coding
    from replicant.table.arrays import Floats

__all__ = ["disclosure"]

MOST_TARGETS: dict[Effort, int] = {"quick": 3, "full": 8}
"""Targets that models are made for."""


@with_common_parameters
def disclosure(
    real: Any,
    syn: Any,
    *,
    keys: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    holdout: Any = None,
    by: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    columns: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
    grouped: Grouped = GROUPS,
    effort: Effort = "full",
    seed: int = 1,
    client: Any = None,
    threads: int | None = None,
) -> Evaluation:
    """Measure what synthetic sets give away of the real records. For the data owner.

    Parameters
    ----------
    {common}
    keys
        Columns that an intruder knows of a person. None: proposed by their names and by what tells records apart.
    targets
        Columns that must stay unknown. None: proposed; those that are no keys if none has such a name.
    holdout
        Real rows that were not synthesized: what holds of them as well is true of anybody.
    weights
        A column of sampling weights: keys are then also judged by the people of the population who share them.
    cluster
        A column that names households, or other groups of people: attacks then count these.

    Returns
    -------
    Evaluation
        `.frame`, `.flags`, `.passed`, `.to_html()`, `.to_json()`; and `.records`, the records at risk, which is
        confidential and part of no page or file.

    Raises
    ------
    DataError
        The tables have no column or no row in common.
    SpecError
        A name is not a column's, or a column is both key and target.
    """
    keys, targets = (None if one is None else [one] if isinstance(one, str) else list(one) for one in (keys, targets))
    given = inputs(real, syn, holdout, columns=columns, weights=weights, reading=reading, groups=grouped)
    proposals = () if keys is not None and targets is not None else propose_keys(in_memory(given.real, given.coding))
    keys, targets = _chosen(given, keys, targets, proposals)
    if cluster is not None:
        known_columns(given, "cluster", [cluster])
        keys, targets = ([name for name in names if name != cluster] for names in (keys, targets))
    records: list[pd.DataFrame] = []
    sampled = max(given.schema.n, *given.schema.k) > MOST_ROWS

    def figures(rows: Subset) -> Found:
        asked = [[name for name in names if name in rows.real.coding.names] for names in (keys, targets)]
        questions = Questions(tuple(asked[0]), tuple(asked[1]))
        # Evenly chosen rows of several partitions are no longer each other's.
        aligned = given.conditioning == "observed" and rows.whole and not sampled
        aligned = aligned and all(len(one) == len(rows.real) for one in rows.sets)
        found = measure(
            rows.real,
            rows.sets,
            keys=questions.keys,
            targets=questions.targets,
            holdout=rows.holdout,
            aligned=aligned,
            rng=rows.rng_of("guesses") if effort == "full" else None,
        )
        # A column that was not synthesized has its own cells by intention.
        found = [one for one in found if not (one.measure == "own_cells" and one.of in given.kept)]
        if rows.whole:
            comparison = compare_rows(
                rows.real, rows.sets, keys=questions.keys, targets=questions.targets, holdout=rows.holdout
            )
            if sampled:
                comparison = _counted(given, questions)
                counted = conclude(comparison)
                names = {one.measure for one in counted}
                found = [*counted, *(one for one in found if one.measure not in names)]
            risks = matches(rows.real, rows.sets, questions) if aligned and questions.keys else None
            records.extend(_records(given, comparison, risks))
        inside = cluster if cluster in rows.real.coding.names else None
        attacked = attack(
            rows.real,
            rows.sets,
            holdout=rows.holdout,
            keys=questions.keys,
            targets=questions.targets[: MOST_TARGETS[effort]],
            effort=effort,
            rng_of=rows.rng_of,
            cluster=inside,
            tasks=rows.tasks,
        )
        left_out = list(attacked.left_out)
        if len(questions.targets) > MOST_TARGETS[effort]:
            left_out.append(f"attribute inference of targets after the first {MOST_TARGETS[effort]}")
        return [*found, *attacked.figures], left_out

    settings: dict[str, object] = {"keys": list(keys), "targets": list(targets), "cluster": cluster}
    settings |= {"proposed": [f"{one.column}: {one.role} ({one.reason})" for one in proposals]}
    found = evaluate(
        "disclosure", given, figures, by=by, effort=effort, seed=seed, settings=settings, client=client, threads=threads
    )
    at_risk = pd.concat(records, ignore_index=True) if records else None
    said = {} if at_risk is None else {"records_at_risk": numbers_at_risk(at_risk)}
    return replace(found, settings={**found.settings, **said}, records=at_risk)


def _chosen(
    given: Inputs, keys: list[str] | None, targets: list[str] | None, proposals: Sequence[Proposal]
) -> tuple[list[str], list[str]]:
    from replicant.errors import SpecError

    known_columns(given, "keys", keys or [])
    known_columns(given, "targets", targets or [])
    both = [name for name in keys or [] if name in (targets or [])]
    if both:
        raise SpecError(
            f"{both[0]!r} is both a key and a target",
            need="keys that an intruder knows, and targets that are wanted",
            fix="take it out of one of them",
        )
    if keys is None:
        keys = [one.column for one in proposals if one.role == "key" and one.column not in (targets or [])]
    if targets is None:
        targets = [one.column for one in proposals if one.role == "target" and one.column not in keys]
        targets = targets or [name for name in given.coding.names if name not in keys]
    return keys, targets


def _records(given: Inputs, comparison: Comparison, risks: MatchRisk | None) -> Iterator[pd.DataFrame]:
    """The records at risk of each partition, by their positions in the whole table."""
    if isinstance(given.real, DeferredPartitions):
        return  # partitions of a cluster stay there
    start = 0
    for one in [given.real] if isinstance(given.real, pd.DataFrame) else given.real:
        frame = one if isinstance(one, pd.DataFrame) else one()
        yield records_at_risk(given.coding.rows(frame), comparison, start=start, matches=risks)
        start += len(frame)


def _counted(given: Inputs, questions: Questions) -> Comparison:
    """Counts of all rows, partition by partition."""
    real, *sets = (_tallied(one, given.coding, questions) for one in (given.real, *given.sets))
    holdout = None if given.holdout is None else _tallied(given.holdout, given.coding, questions)
    return compare_tallies(questions, real, sets, holdout)


def _tallied(data: Data, coding: Coding, questions: Questions) -> Tally:
    return partitioned(data).reduce(partial(_tally, coding=coding, questions=questions), _added)


def _tally(frame: pd.DataFrame, weights: Floats | None, *, coding: Coding, questions: Questions) -> Tally:
    return tally(coding.rows(frame), questions)


def _added(one: Tally, other: Tally) -> Tally:
    return combine_tallies([one, other])
