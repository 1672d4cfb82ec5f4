"""How a table is partitioned: strata, and random partitions of them; and which partition each row goes to.

Rows go to the partitions of their stratum at random, so each is a random sample of it; their sizes differ by one at
most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.errors import SpecError, nearest
from replicant.events import Event
from replicant.fcs import find_orders
from replicant.plan import build_plan
from replicant.plan.column import Partition
from replicant.plan.model import Plan
from replicant.plan.orders import Orders
from replicant.plan.seeds import Stage, stream
from replicant.plan.whole import Whole
from replicant.run.chunks import Chunks
from replicant.run.identifiers import made_up, runs, with_spaces
from replicant.run.slices import Slices, gathered
from replicant.spec.models import SynthesisSpec
from replicant.table import Codebook, Scan, Table, encode_table
from replicant.table.codebook import as_spec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Key", "Partitions", "members", "order_of", "pooled", "shuffled_name", "strata_sizes"]

Key: TypeAlias = tuple[Any, ...]
"""A stratum: the levels of its columns, None for missing."""

SIBLINGS = 256
"""Partitions among which synthetic rows are shuffled at most: work grows with the rows then, not with the square of the
partitions."""


@dataclass(frozen=True, repr=False)
class Partitions:
    """How a table is partitioned, for every task; small, and it pickles.

    Attributes
    ----------
    chunks
        How the table is read.
    scan, codebook
        What the whole table holds, and so its kinds and levels: every partition has the same.
    whole
        What a plan must know of all rows.
    synthesis
        The settings, with their seed.
    methods
        Registered methods, by name.
    strata
        Columns of the strata.
    group
        The group of each stratum: small strata are pooled.
    before
        For each chunk and group, its rows in earlier chunks: where shuffling goes on.
    first
        (groups + 1,) first partition of each group.
    sizes, k
        Rows, and synthetic rows, of each partition.
    slices
        Where rows are between two stages.
    orders
        Those that suit the data, once a partition has been looked at for them.
    """

    chunks: Chunks
    scan: Scan
    codebook: Codebook
    whole: Whole
    synthesis: SynthesisSpec
    methods: Mapping[str, Any]
    strata: tuple[str, ...]
    group: Mapping[Key, int]
    before: NDArray[np.int64]
    first: NDArray[np.int64]
    sizes: NDArray[np.int64]
    k: NDArray[np.int64]
    slices: Slices
    orders: Orders | None = None

    @property
    def rows(self) -> int:
        """Of the whole table."""
        return int(self.sizes.sum())

    @property
    def count(self) -> int:
        """How many partitions there are."""
        return len(self.sizes)

    @property
    def seed(self) -> int:
        """Of all streams."""
        seed = self.synthesis.seed
        if seed is None:
            raise TypeError("the seed is settled before")
        return seed

    def siblings(self, index: int) -> range:
        """Partitions among which synthetic rows are shuffled: those of the group, or neighbours where they are many."""
        group = int(np.searchsorted(self.first, index, side="right")) - 1
        start, stop = int(self.first[group]), int(self.first[group + 1])
        runs = -(-(stop - start) // SIBLINGS)
        edges = start + np.arange(runs + 1) * (stop - start) // runs
        at = int(np.searchsorted(edges, index, side="right")) - 1
        return range(int(edges[at]), int(edges[at + 1]))

    def address(self, imputation: int, partition: int) -> int:
        """The number of the rows of a set that a file of the release will hold."""
        return imputation * self.count + partition

    def needs(self, index: int) -> tuple[str, ...]:
        """Keys of what a task must be given to have the table of a partition."""
        if not self.slices.held:
            return ()
        notes = range(len(runs(self))) if made_up(self) else ()
        return (f"rows-{index}", *(f"identifiers-{at}" for at in notes))

    def table(self, index: int, held: Sequence[Any] = (), columns: Sequence[str] | None = None) -> Table:
        """The rows of a partition, encoded by the codebook of the whole; some columns, or all.

        Parameters
        ----------
        index
            Of the partition.
        held
            Its rows, and the notes of identifiers, where these are held rather than in files.
        columns
            Names of columns; None for all.
        """
        rows, *notes = held or [()]
        batches = self.slices.get([shuffled_name(chunk) for chunk in range(len(self.chunks.sizes))], index, rows)
        codebook: Mapping[str, Any] = self.codebook
        sources = None
        if columns is not None:
            codebook = {name: self.codebook[name] for name in columns}
            sources = {self.scan[name].source for name in columns}
        table = encode_table(gathered(batches, sources), codebook, judged=True)
        types = self.whole.types
        # Nor do the digits of a partition say how many the whole has.
        typed = tuple(
            replace(one, dtype=types.get(one.name, one.dtype), decimals=self.codebook[one.name].decimals)
            for one in table.columns
        )
        # What is unusual about the whole is known; what is about a partition is chance.
        table = replace(table, columns=typed, events=())
        return with_spaces(self, table, notes) if columns is None else table

    def plan(self, index: int, table: Table) -> Plan:
        """The plan of a partition: what the whole table says is done to every column, whatever occurs in it.

        Orders that suit the data are found in the first partition that is planned, and serve all.
        """
        plan = build_plan(self.synthesis, table, self.methods, self.whole, self.orders or find_orders)
        partitions = tuple(Partition(i, None, int(k)) for i, k in enumerate(self.k))
        return replace(plan, partitions=partitions, n=table.n, k=int(self.k[index]))


def strata_sizes(frame: pd.DataFrame, columns: Mapping[str, Any], names: Sequence[str]) -> dict[Key, int]:
    """Rows by stratum."""
    member, keys = _strata(frame, columns, names)
    return dict(zip(keys, np.bincount(member, minlength=len(keys)).tolist(), strict=True))


def _strata(
    frame: pd.DataFrame, columns: Mapping[str, Any], names: Sequence[str]
) -> tuple[NDArray[np.int64], list[Key]]:
    """The stratum of each row, and the strata that occur."""
    if not names:
        return np.zeros(len(frame), dtype=np.int64), [()]
    specs = {name: as_spec(name, columns[name]) for name in names if name in columns}
    sources = [specs[name].source or name if name in specs else name for name in names]
    for name, source in zip(names, sources, strict=True):
        if source not in frame:
            raise SpecError(
                f"strata names {name!r}, which is not a column{nearest(name, frame.columns)}",
                need="columns of the table",
            )
    table = encode_table(frame[sources], specs, judged=True)
    codes = np.stack([table[name].codes for name in names], axis=1)
    found, member = np.unique(codes, axis=0, return_inverse=True)
    values = [_values(table, name) for name in names]
    keys = [tuple(value.get(int(code)) for value, code in zip(values, row, strict=True)) for row in found]
    return member.reshape(-1), keys


def _values(table: Table, name: str) -> dict[int, Any]:
    """Code to plain value; what is missing has none."""
    column = table[name]
    cells = column.levels() if column.is_categorical else column.values.tolist()
    return dict(enumerate(cells))


def members(partitions: Partitions, chunk: int, frame: pd.DataFrame) -> NDArray[np.int64]:
    """The partition of each row: within its group, rows go round after round to all of them, in random order."""
    n = len(frame)
    stratum, keys = _strata(frame, partitions.codebook, partitions.strata)
    group = np.array([partitions.group[key] for key in keys], dtype=np.int64)[stratum]
    rng = stream(partitions.seed, Stage.SPLIT, partition=chunk)
    order = np.lexsort((rng.random(n), group))
    edges = np.searchsorted(group[order], np.arange(len(partitions.first)))
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - edges[group[order]]
    count = np.diff(partitions.first)[group]
    return np.asarray(partitions.first[group] + (partitions.before[chunk][group] + rank) % count)


def shuffled_name(chunk: int) -> str:
    """The name under which the shuffled rows of a chunk are kept."""
    return f"shuffled-{chunk:06d}"


def order_of(key: Key, codebook: Mapping[str, Any], spec: Any) -> tuple[Any, ...]:
    """The position of a stratum: in the order of the columns' levels, missing last."""
    positions: list[Any] = []
    for name, value in zip(spec.strata_columns, key, strict=True):
        levels = codebook[name].levels if name in codebook else None
        position = levels.index(value) if levels and value in levels else value
        positions.append((value is None, 0 if value is None else position))
    return tuple(positions)


def pooled(sizes: NDArray[np.int64], bins: NDArray[Any], least: int) -> list[Event]:
    """That small strata were pooled."""
    groups = int(bins[-1]) + 1
    if groups == len(sizes):
        return []
    small = int((sizes < least).sum())
    return [
        Event(
            "pooled_strata",
            "",
            f"{small} of the {len(sizes)} strata have fewer than {least} rows; they were pooled with their neighbours, "
            f"which leaves {groups}",
        )
    ]
