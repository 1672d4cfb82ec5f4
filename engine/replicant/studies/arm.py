"""An arm of a study: within one replicate, the bootstrap sample itself or the m sets that a variant synthesized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant import fcs
from replicant.plan.model import Plan
from replicant.plan.seeds import Stage, stream
from replicant.table import Table
from replicant.table.dtypes import ColumnType

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SAMPLE", "Arm", "Codes", "Set", "amputed", "arm_of_rows", "sample_arm", "synthetic_arm"]

Codes: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float64]

SAMPLE = "sample"
"""Name of the arm that holds the bootstrap sample."""


@dataclass(frozen=True, eq=False, repr=False)
class Set:
    """One table in codes.

    Attributes
    ----------
    codes
        (p, n) int32.
    exact
        Computed columns: (n,) float64.
    rows
        (n,) rows of the original table with which a synthetic set's rows are paired. Where rows are not paired, the
        rows of the bootstrap sample in their order, so that equal cells are equal by chance.
    """

    codes: Codes
    exact: Mapping[str, Floats]
    rows: NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class Arm:
    """One arm of one replicate.

    Attributes
    ----------
    name
        `sample`, or the name of a variant.
    replicate
        0-based.
    table
        The original table, which gives codes their meaning.
    sets
        One set for the sample, m for a variant.
    manifest
        Describes how the sets were synthesized; None for the sample.
    seed
        The seed of the study.
    sample
        For a variant: the bootstrap sample that was synthesized.
    outputs
        The types of computed columns.
    """

    name: str
    replicate: int
    table: Table
    sets: tuple[Set, ...]
    manifest: Mapping[str, Any] | None
    seed: int
    sample: Arm | None = None
    outputs: Mapping[str, ColumnType] = field(default_factory=dict)

    @property
    def is_sample(self) -> bool:
        """Whether this arm is the bootstrap sample."""
        return self.manifest is None

    @cached_property
    def frames(self) -> list[pd.DataFrame]:
        """The sets in their own types."""
        return [self.table.to_frame(one.codes, one.exact, self.outputs) for one in self.sets]

    def stream(self) -> np.random.Generator:
        """The random numbers of an estimand that draws."""
        return stream(self.seed, Stage.ESTIMATE, replicate=self.replicate)


def sample_arm(
    table: Table, codes: Codes, weights: Codes, replicate: int, seed: int, clusters: Mapping[int, Codes] | None = None
) -> Arm:
    """The bootstrap sample, its rows in table order; `clusters`: by position of a column, its codes in the sample."""
    rows = np.repeat(np.arange(table.n), weights)
    of_sample = codes[:, rows]
    for at, own in (clusters or {}).items():
        of_sample[at] = own
    return Arm(SAMPLE, replicate, table, (Set(of_sample, {}, rows),), None, seed)


def synthetic_arm(
    name: str,
    sample: Arm,
    weights: Codes,
    prepared: tuple[fcs.Prepared, ...],
    plan: Plan,
    manifest: Mapping[str, Any],
) -> Arm:
    """Synthesize a bootstrap sample m times.

    Parameters
    ----------
    name
        Name of the variant.
    sample, weights
        The bootstrap sample, and how often it holds each row of the table.
    prepared
        The table's partitions under the variant's plan.
    plan, manifest
        The plan and the manifest of the variant.
    """
    table, replicate = sample.table, sample.replicate
    sampled = [one for one in _weighted(prepared, plan, weights) if one.weights.any()]
    drawn = [fcs.impute(one.prepared, plan, range(plan.m), replicate=replicate, weights=one.weights) for one in sampled]
    sets = [_joined(table, of_imputation, sampled) for of_imputation in zip(*drawn, strict=True)]
    return Arm(name, replicate, table, tuple(sets), manifest, sample.seed, sample, plan.outputs)


def amputed(table: Table, cells: NDArray[np.bool_]) -> Table:
    """The table without some of its cells.

    Parameters
    ----------
    table
        The table.
    cells
        (n, p) bool: those that go missing.
    """
    columns = (
        replace(column, codes=np.where(cells[:, at], np.int32(-1), column.codes))
        for at, column in enumerate(table.columns)
    )
    return replace(table, columns=tuple(columns))


def arm_of_rows(
    name: str,
    sample: Arm,
    cells: NDArray[np.bool_] | None,
    prepared: tuple[fcs.Prepared, ...],
    plan: Plan,
    manifest: Mapping[str, Any],
) -> Arm:
    """Synthesize, or complete, a bootstrap sample row by row as it is: with missing cells, or clusters of its own.

    Parameters
    ----------
    name
        Name of the variant.
    sample
        The bootstrap sample.
    cells
        (n, p) bool: cells that it loses before; None: none but those that are missing in the table.
    prepared, plan, manifest
        Of the variant.
    """
    table, replicate, [whole] = sample.table, sample.replicate, sample.sets
    cells_of = zip(table.columns, whole.codes, strict=True)
    columns = tuple(replace(column, codes=codes) for column, codes in cells_of)
    taken = replace(table, columns=columns, n=len(whole.rows))
    if cells is not None:
        taken = amputed(taken, cells)
    found, positions = [], []
    for of_table, partition in zip(prepared, plan.partitions, strict=True):
        at, within = np.arange(taken.n), whole.rows
        if partition.rows is not None:
            at = np.flatnonzero(np.isin(whole.rows, partition.rows))
            within = np.searchsorted(partition.rows, whole.rows[at])
        if not len(at):
            continue
        own = taken if partition.rows is None else taken.take(at)
        where = {name: mask[within] for name, mask in of_table.where.items()}
        here = fcs.Prepared(own, partition.index, own.n, where, plan.outputs)
        found.append(list(fcs.impute(here, plan, range(plan.m), replicate=replicate)))
        positions.append(at)
    sets = []
    for drawn in zip(*found, strict=True):
        codes, exact = fcs.join(table, [one.codes for one in drawn], [one.exact for one in drawn])
        rows = [at if one.rows is None else at[one.rows] for one, at in zip(drawn, positions, strict=True)]
        sets.append(Set(codes, exact, whole.rows[np.concatenate(rows)]))
    return Arm(name, replicate, table, tuple(sets), manifest, sample.seed, sample, plan.outputs)


@dataclass(frozen=True, eq=False, repr=False)
class _Weighted:
    """A partition with its rows of the table, None for all, and how often the bootstrap sample holds each."""

    prepared: fcs.Prepared
    rows: NDArray[np.int64] | None
    weights: Codes


def _weighted(prepared: tuple[fcs.Prepared, ...], plan: Plan, weights: Codes) -> list[_Weighted]:
    return [
        _Weighted(one, partition.rows, weights if partition.rows is None else weights[partition.rows])
        for one, partition in zip(prepared, plan.partitions, strict=True)
    ]


def _joined(table: Table, drawn: Sequence[fcs.Drawn], sampled: Sequence[_Weighted]) -> Set:
    def original(i: int) -> NDArray[np.integer[Any]]:
        one, within = sampled[i], drawn[i].rows
        here = np.repeat(np.arange(len(one.weights)), one.weights) if within is None else within
        return here if one.rows is None else one.rows[here]

    codes, exact = fcs.join(table, [one.codes for one in drawn], [one.exact for one in drawn])
    return Set(codes, exact, np.concatenate([original(i) for i in range(len(drawn))]))
