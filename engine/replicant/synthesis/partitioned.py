"""`rp.synthesize` of a table in partitions: a `dask.dataframe`, or any table with `partition_rows`.

The rows are scanned, shuffled and synthesized where the tasks run, and the sets stay there: on a cluster no row comes
to this process unless it is asked for.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError
from replicant.plan.task import Task
from replicant.release import output_schema
from replicant.run import chunks as chunking
from replicant.run.chunks import Chunks, FileChunks, HeldChunks, measured
from replicant.run.holdout import seeded
from replicant.run.in_memory import ensure_compiled
from replicant.run.partitioned import PartitionedTable, digest_of
from replicant.run.slices import HeldSlices
from replicant.storage.location import Location
from replicant.summaries.summary import Outline, Tally, combine, conclude
from replicant.synthesis.result import Synthesis, say
from replicant.table import Dataset, Reading, Table, is_dask_frame, read_table
from replicant.table.codebook import as_specs
from replicant.table.formats import is_parquet

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from replicant.analysis import Data
    from replicant.events import Event
    from replicant.execution.backend import Backend
    from replicant.execution.executor import Executor
    from replicant.execution.progress import Progress
    from replicant.fcs import Account
    from replicant.plan.model import Plan
    from replicant.run.held_sets import HeldFacts, HeldSet
    from replicant.run.part_sink import PartSink, Written
    from replicant.run.release_writer import Writer
    from replicant.spec.models import SynthesisSpec
    from replicant.view.plot import Plot

__all__ = ["PartitionedSynthesis", "synthesize_partitions"]

LARGE_BYTES = 1 << 30
"""A set that takes more is collected with a warning."""


def synthesize_partitions(
    data: Any,
    spec: SynthesisSpec,
    columns: Mapping[str, Any] | None,
    reading: Mapping[str, Any] | None,
    backend: Backend,
    progress: Progress,
) -> PartitionedSynthesis:
    """Synthesize a table in random partitions; the sets stay where the tasks ran.

    Parameters
    ----------
    data
        A `dask.dataframe`, a frame, a path or a URL.
    spec
        The settings. Without `partition_rows` partitions are as long as workers have the memory for.
    columns, reading
        As of `replicant.synthesize`.
    backend
        Where it runs.
    progress
        What the user sees.

    Raises
    ------
    SpecError, DataError
        If something impossible is asked for, or the data cannot be synthesized as they are.
    """
    if isinstance(data, Table):
        raise SpecError("`partition_rows` was given with a table that is encoded.", fix="give the frame, or its path")
    _refuse_masks(spec.where)
    if spec.imputation is not None:
        _refuse_masks(spec.imputation.where)
        _refuse_masks(spec.imputation.ignore)
    spec = seeded(spec)
    with backend.open(progress) as executor:
        given = _open(data, columns, reading, executor)
        said = {
            "synthesis": spec.model_dump(),
            "columns": {name: one.model_dump() for name, one in given.columns.items()},
        }
        run = PartitionedTable(
            executor, spec, given.columns, given.chunks, HeldSlices(), digest_of(said, given.chunks), dict(given.held)
        )
        planned = run.make_plan(given.events)
        _, plan, table, outline = planned
        ensure_compiled(plan, say)
        real, held, facts, accounts = run.draw_held(planned)
    chunks, both = len(given.chunks.sizes), (outline, real)
    about: dict[str, Any] = {"chunks": chunks, "accounts": accounts, "spec": spec, "source": given.source}
    return PartitionedSynthesis(plan, table, held, facts, both, backend, **about)


@dataclass(frozen=True, repr=False)
class _Given:
    """A table that is about to be read.

    Attributes
    ----------
    chunks
        How it is read.
    held
        Handles of what its chunks are made of, by their keys.
    columns
        What is declared of its columns.
    events
        What was recognised in its file.
    source
        Where it is, for the internal manifest.
    """

    chunks: Chunks
    held: Mapping[str, Any]
    columns: Mapping[str, Any]
    events: tuple[Event, ...] = ()
    source: Mapping[str, Any] | None = None


def _open(
    data: Any, columns: Mapping[str, Any] | None, reading: Mapping[str, Any] | None, executor: Executor
) -> _Given:
    declared = as_specs(columns)
    if is_dask_frame(data):
        if reading:
            raise SpecError("`reading` was given with a Dask DataFrame.", fix="leave it out, or give the path")
        frames = executor.opened(data)
        return _Given(_chunks(frames, executor), _named(frames), declared)
    source = {"path": os.fspath(data)} if isinstance(data, str | os.PathLike) else None
    if source is not None and is_parquet(Location.of(data)):
        path = os.fspath(data) if "://" in os.fspath(data) else os.path.abspath(data)
        dataset = Dataset.open(path, reading=Reading.of(reading), codebook=declared)
        return _Given(FileChunks.of(dataset), {}, declared, source=source)
    loaded = read_table(data, reading=reading, codebook=columns)
    rows = chunking.CHUNK_ROWS
    frames = [executor.sent(loaded.frame.iloc[at : at + rows]) for at in range(0, max(1, len(loaded.frame)), rows)]
    chunks = _chunks(frames, executor)
    return _Given(chunks, _named(frames), loaded.declared(columns or {}), loaded.events, source)


def _named(frames: Sequence[Any]) -> dict[str, Any]:
    return {f"frame-{at}": frame for at, frame in enumerate(frames)}


def _chunks(frames: Sequence[Any], executor: Executor) -> HeldChunks:
    todo = [Task(f"measure-{at}", "measure", at, needs=(f"frame-{at}",)) for at in range(len(frames))]
    facts = executor.collect("counting rows", {"measure": measured}, None, todo, given=_named(frames))
    return HeldChunks.of(facts)


def _refuse_masks(where: Any) -> None:
    cells = where.values() if isinstance(where, Mapping) else [where]
    if any(one is not None and not isinstance(one, str | list) for one in cells):
        raise SpecError(
            "`where` or `ignore` holds a mask, and the rows of this table are shuffled into partitions.",
            need='rules, such as {"income": "income > p99"}',
        )


class PartitionedSynthesis(Synthesis):
    """The m synthetic tables of one run, held in partitions where they were drawn: on a cluster by its workers.

    `syn.to_dask()` is a lazy frame of them. `analyse`, `describe`, `compare`, `discriminate` and the like reduce where
    they are, and `to_parquet` writes from there; `syn[0]`, `list(syn)` and `stack()` collect them here.

    Attributes
    ----------
    plan
        What was done, column by column. Holds the seed: it stays with the data owner.
    table
        The columns of the observed table, without a cell.
    """

    def __init__(
        self,
        plan: Plan,
        table: Table,
        held: Sequence[Any],
        facts: Sequence[HeldFacts],
        real: tuple[Outline, Tally],
        backend: Backend,
        *,
        chunks: int,
        accounts: Sequence[Account] = (),
        spec: Any = None,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(plan, table, (), spec=spec, source=source)
        self._held = {(one.imputation, one.partition): handle for one, handle in zip(facts, held, strict=True)}
        self._facts = tuple(facts)
        self._accounts = tuple(accounts)
        self._chunks = chunks
        self._backend = backend
        tallies = [[one.tally for one in facts if one.imputation == i] for i in range(plan.m)]
        self._summary = conclude(*real, [reduce(combine, one) for one in tallies], completed=plan.keeps_all)
        if backend.client is not None:
            with backend.open() as executor:
                self._elsewhere = executor.partitions

    def _loads(self, imputation: int) -> list[Any]:
        return [self._held[imputation, part.index] for part in self.plan.partitions]

    def _data(self, imputation: int) -> Data:
        return self._partitioned(self._loads(imputation))

    def _collected(self, imputation: int) -> list[HeldSet]:
        own = [one for one in self._facts if one.imputation == imputation]
        size = sum(one.bytes for one in own)
        if self._elsewhere is not None and size > LARGE_BYTES:
            warnings.warn(
                f"Set {imputation} has {sum(one.rows for one in own):,} rows, about {size / 2**30:.1f} GiB, and comes "
                f"to this process. `to_dask({imputation})` leaves it with the workers.",
                stacklevel=4,
            )
        with self._backend.open() as executor:
            return executor.fetched(self._loads(imputation))

    def _make(self, imputation: int) -> pd.DataFrame:
        import pandas as pd

        return pd.concat([load() for load in self._collected(imputation)], ignore_index=True)

    def _stored(self, imputation: int) -> pa.Table:
        import pyarrow as pa

        return pa.concat_tables([one.table for one in self._collected(imputation)])

    def graph(self) -> Plot:
        """The stages of the run as a picture: shown in a notebook, kept by `.save("graph.svg")`."""
        from replicant.plan.graph import graph_of_stages

        return graph_of_stages(self._chunks, len(self.plan.partitions), self.m, scanned=True)

    @property
    def _schema(self) -> pa.Schema:
        return output_schema(self.plan, self.table).arrow

    def _write(self, writer: Writer) -> None:
        tasks = [Task(f"write-p{p}-i{i}", "write", p, (i,), needs=(f"set-{i}-{p}",)) for i, p in self._held]
        given = {f"set-{i}-{p}": handle for (i, p), handle in self._held.items()}
        with self._backend.open() as executor:
            writer.written += executor.collect("writing", {"write": _written}, writer.sink, tasks, given=given)

    def __repr__(self) -> str:
        count = len(self.plan.partitions)
        where = "by the workers" if self._elsewhere is not None else "here"
        return f"{super().__repr__()[:-1]}, {count} partition{'s' if count > 1 else ''} held {where}>"


def _written(sink: PartSink, task: Task, held: HeldSet) -> Written:
    [imputation] = task.imputations
    return sink(held(), imputation, task.index)
