"""`rp.disclosure`: what m synthetic sets give away of the real records, each figure beside its baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from replicant.disclosure.attacks import attack
from replicant.disclosure.canaries import canary_figures
from replicant.disclosure.keys import Proposal, propose_keys
from replicant.disclosure.known import (
    Earlier,
    earlier_releases,
    population_of,
    tallied,
    with_levels,
    with_population,
)
from replicant.disclosure.measures import matches, measure
from replicant.disclosure.pictures import disclosure_pictures
from replicant.disclosure.records import in_order, numbers_at_risk, records_at_risk
from replicant.disclosure.tally import Comparison, Questions, compare_tallies, tally
from replicant.estimate.partitions import DeferredPartitions
from replicant.evaluation.grouping import GROUPS, Grouped
from replicant.evaluation.inputs import MOST_ROWS, in_memory, inputs
from replicant.evaluation.parameters import with_common_parameters
from replicant.evaluation.runner import Effort, Found, Subset, evaluate, known_columns

if TYPE_CHECKING:
    from replicant.disclosure.matching import MatchRisk
    from replicant.evaluation import Evaluation
    from replicant.evaluation.inputs import Inputs
    from replicant.evaluation.rows import Rows

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
    sensitive: Sequence[str] = (),
    earlier: Any = None,
    population: Any = None,
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
        A column that names households, or other groups of people: attacks then count these, and rows are compared
        without it.
    sensitive
        Columns that hold what people tell few others: they are proposed as targets, whatever they are called.
    earlier
        Earlier releases of the same people, or sets of any make: what an intruder has of all together is shown, too.
    population
        How many people of the population share the keys: a frame (or where it is) with the keys and a column `count`,
        or a series by the keys.

    Returns
    -------
    Evaluation
        `.frame`, `.flags`, `.passed`, `.to_html()`, `.to_json()`; and `.records`, the records at risk, which is
        confidential and part of no page: `.write_records(path)` writes it for its owner only.

    Raises
    ------
    DataError
        The tables have no column or no row in common.
    SpecError
        A name is not a column's, or a column is both key and target.
    """
    keys, targets = (None if one is None else [one] if isinstance(one, str) else list(one) for one in (keys, targets))
    sensitive = [sensitive] if isinstance(sensitive, str) else list(sensitive)
    given = inputs(real, syn, holdout, columns=columns, weights=weights, reading=reading, groups=grouped)
    known_columns(given, "sensitive", sensitive)
    proposals: Sequence[Proposal] = ()
    if keys is None or targets is None:
        proposals = propose_keys(in_memory(given.real, given.coding), sensitive=sensitive)
    keys, targets = _chosen(given, keys, targets, proposals)
    if cluster is not None:
        known_columns(given, "cluster", [cluster])
        keys, targets = ([name for name in names if name != cluster] for names in (keys, targets))
    before, unused = earlier_releases(_without(given, cluster), earlier, keys)
    people = None if population is None else population_of(population, keys)
    others = [*(one for release in before for one in release.sets), *([] if people is None else [people])]
    given = replace(given, schema=replace(given.schema, coding=with_levels(given.coding, others)))
    # Who lives together is no cell of a person: what is made up for it would hide that all others are copied.
    bare = _without(given, cluster)
    homes: list[Any] = []
    records: list[pd.DataFrame] = []
    pictures: dict[str, Any] = {}
    sampled = max(given.schema.n, *given.schema.k) > MOST_ROWS

    def figures(every: Subset) -> Found:
        rows = every.only([name for name in every.real.coding.names if name != cluster])
        asked = [[name for name in names if name in rows.real.coding.names] for names in (keys, targets)]
        known = () if isinstance(grouped, int) else tuple(name for name in asked[0] if name in grouped)
        questions = Questions(tuple(asked[0]), tuple(asked[1]), known)
        # Evenly chosen rows of several partitions are no longer each other's.
        aligned = given.aligned and rows.whole and not sampled
        aligned = aligned and all(len(one) == len(rows.real) for one in rows.sets)
        comparison = _compared(bare, rows, questions, before, people, sampled=sampled)
        found = measure(
            rows.real,
            rows.sets,
            keys=questions.keys,
            targets=questions.targets,
            holdout=rows.holdout,
            aligned=aligned,
            aligned_before=_aligned(bare, before) if aligned else (),
            comparison=comparison,
            rng=rows.rng_of("guesses") if effort == "full" else None,
        )
        # A column that was not synthesized has its own cells by intention.
        found = [one for one in found if not (one.measure == "own_cells" and one.of in given.kept)]
        if rows.whole:
            found += [] if given.canaries is None else canary_figures(given.canaries, len(given.sets))
            risks = matches(rows.real, rows.sets, questions) if aligned and questions.keys else None
            records.extend(_records(bare, comparison, risks))
            pictures.update(disclosure_pictures(rows.real, comparison, risks))
        inside = cluster if cluster in every.real.coding.names else None
        if inside is not None and rows.whole and not sampled:
            homes.append(every.real.only([inside]).cells[:, 0])
        attacked = attack(
            every.real,
            every.sets,
            holdout=every.holdout,
            keys=questions.keys,
            targets=questions.targets[: MOST_TARGETS[effort]],
            effort=effort,
            rng_of=rows.rng_of,
            cluster=inside,
            tasks=rows.tasks,
        )
        left_out = [*attacked.left_out, *(unused if rows.whole else ())]
        if given.observed and rows.whole and not aligned:
            left_out.append(
                "cells and matches of a record's own row: the rows of the sets were shuffled, or are too many"
            )
        left_out += _unasked(questions, effort)
        return [*found, *attacked.figures], left_out

    settings: dict[str, object] = {"keys": list(keys), "targets": list(targets), "cluster": cluster}
    settings |= {"earlier": len(before), "population": people is not None}
    settings |= {"proposed": [f"{one.column}: {one.role} ({one.reason})" for one in proposals]}
    found = evaluate(
        "disclosure", given, figures, by=by, effort=effort, seed=seed, settings=settings, client=client, threads=threads
    )
    return _with_records(replace(found, pictures=pictures), records, homes)


def _unasked(questions: Questions, effort: Effort) -> Iterator[str]:
    """Guesses that are left out."""
    if effort == "quick" and questions.keys and questions.targets:
        yield "quick effort leaves out confident guesses"
    if len(questions.targets) > MOST_TARGETS[effort]:
        yield f"attribute inference of targets after the first {MOST_TARGETS[effort]}"


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


def _with_records(found: Evaluation, records: Sequence[pd.DataFrame], homes: Sequence[Any]) -> Evaluation:
    """The result with the records at risk, and how many there are."""
    if not records:
        return found
    at_risk = in_order(pd.concat(records, ignore_index=True))
    said: dict[str, object] = {"records_at_risk": numbers_at_risk(at_risk)}
    if homes:
        said["households_at_risk"] = len(set(homes[0][at_risk["row"]].tolist()))
    return replace(found, settings={**found.settings, **said}, records=at_risk)


def _without(given: Inputs, name: str | None) -> Inputs:
    """The tables without a column."""
    coding = given.coding.only([one for one in given.coding.names if one != name])
    return replace(given, schema=replace(given.schema, coding=coding))


def _records(given: Inputs, comparison: Comparison, risks: MatchRisk | None) -> Iterator[pd.DataFrame]:
    """The records at risk of each partition, by their positions in the whole table."""
    if isinstance(given.real, DeferredPartitions):
        return  # partitions of a cluster stay there
    start = 0
    for one in [given.real] if isinstance(given.real, pd.DataFrame) else given.real:
        frame = one if isinstance(one, pd.DataFrame) else one()
        yield records_at_risk(given.coding.rows(frame), comparison, start=start, matches=risks)
        start += len(frame)


def _compared(
    given: Inputs,
    rows: Subset,
    questions: Questions,
    before: Sequence[Earlier],
    people: pd.DataFrame | None,
    *,
    sampled: bool,
) -> Comparison:
    """Counts of a group's rows; of the whole tables those of all rows, with what else is known of the people."""
    if not rows.whole:
        real, *sets = (tally(one, questions) for one in (rows.real, *rows.sets))
        return compare_tallies(questions, real, sets, None if rows.holdout is None else tally(rows.holdout, questions))
    if sampled:
        real, *sets = (tallied(one, given.coding, questions) for one in (given.real, *given.sets))
        held = None if given.holdout is None else tallied(given.holdout, given.coding, questions)
    else:
        real, *sets = (tally(one, questions) for one in (rows.real, *rows.sets))
        held = None if rows.holdout is None else tally(rows.holdout, questions)
    if people is not None:
        real = with_population(real, people, given.coding, questions)
    earlier = [one for release in before for one in release.tallies(questions, given.coding)]
    return replace(compare_tallies(questions, real, sets, held, earlier), known_population=people is not None)


def _aligned(given: Inputs, before: Sequence[Earlier]) -> list[Rows]:
    """Sets of earlier releases whose rows are the real records."""
    sets = [in_memory(one, given.coding) for release in before if release.aligned for one in release.sets]
    return [one for one in sets if len(one) == given.schema.n]
