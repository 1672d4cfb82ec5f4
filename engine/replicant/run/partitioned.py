"""A table in partitions that are synthesized by themselves: larger than memory, or on the workers of a cluster.

    chunks ──> scan, plan ──> shuffle ──> partitions ──> draw ──> shuffle ──> sets

The client sees counts, records and the codebook, never rows. Its stages go over chunks, partitions and files; each is a
list of tasks (`partition_tasks`) that any worker can run in any order. Between stages rows lie in files, which an
interrupted run finds again by their records, or are held by the workers (`slices`): a job does the one, a call of
`rp.synthesize` the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from replicant import methods, release
from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.execution.backend import Backend
from replicant.execution.executor import Calls, Executor
from replicant.execution.progress import Progress
from replicant.fcs import Account, combined
from replicant.plan.build import few_to_split
from replicant.plan.memory import check_memory, largest_partition
from replicant.plan.model import Plan
from replicant.plan.passive import need_expressions
from replicant.plan.recodable import check_declared
from replicant.plan.recoding import Survey, settle
from replicant.plan.seen import Seen, names_looked_at
from replicant.plan.strata import largest_remainder, pool_small
from replicant.plan.task import Task, numbered
from replicant.plan.whole import Whole
from replicant.release import OutputSchema
from replicant.run import partition_tasks as tasks
from replicant.run.chunks import Chunks, FileChunks, MovedChunks
from replicant.run.held_sets import HeldSink
from replicant.run.holdout import Holdout, seeded, with_rows_of_the_whole
from replicant.run.identifiers import made_up, runs
from replicant.run.in_memory import ensure_compiled
from replicant.run.part_sink import PartSink
from replicant.run.partial_results import Records
from replicant.run.partition_tasks import Counted, Drawing, SetSink
from replicant.run.partitioning import Partitions, order_of, pooled
from replicant.run.release_writer import Synthesized, Writer, copied
from replicant.run.slices import FileSlices, Slices
from replicant.run.source import dataset_of
from replicant.spec.models import JobSpec, SynthesisSpec
from replicant.summaries.summary import Outline, Tally, combine
from replicant.table import Scan, Table, merge_scans
from replicant.table.codebook import as_specs
from replicant.table.recode import dropped
from replicant.versions import release_lines

if TYPE_CHECKING:
    from replicant.remedy.rows import RowRemedies

__all__ = ["PartitionedFiles", "PartitionedTable", "Planned", "digest_of", "digest_of_job"]

MOST_ROWS = 500_000
"""Rows of a partition at most, where nobody has said how many."""

MEMORY_SHARE = 0.5
"""Of the memory of a task, for its partition, where nobody has said how many rows that has."""


class Planned(NamedTuple):
    """Partitions that are ready to be synthesized.

    Attributes
    ----------
    partitions
        The partitions.
    plan
        Of the whole.
    table
        The columns of the whole, without a cell.
    outline
        What is counted of them.
    """

    partitions: Partitions
    plan: Plan
    table: Table
    outline: Outline


@dataclass(repr=False)
class PartitionedTable:
    """A table on its way from chunks to m synthetic sets: `make_plan`, then `draw_files` or `draw_held`.

    Attributes
    ----------
    executor
        Runs the tasks.
    synthesis, columns
        The settings, with their seed, and what was declared of columns.
    chunks
        How the table is read.
    slices
        Where rows are between two stages.
    digest
        Of all that decides the sets.
    given
        Handles of what is held, by the keys under which tasks need them.
    memory
        Bytes that a task may take; None if nobody has limited them.
    """

    executor: Executor
    synthesis: SynthesisSpec
    columns: Mapping[str, Any]
    chunks: Chunks
    slices: Slices
    digest: str
    given: dict[str, Any] = field(default_factory=dict)
    memory: int | None = None

    def make_plan(self, events: Iterable[Event] = ()) -> Planned:
        """Shuffle the rows to partitions, and plan their synthesis.

        Parameters
        ----------
        events
            What is known of the table before it is scanned.

        Raises
        ------
        SpecError, DataError
            If something impossible is asked for, or the data cannot be synthesized as they are.
        """
        need_expressions(self.synthesis)
        recoded = self._recode()
        counted, scan = self._count()
        partitions, found = self._cut(counted, scan)
        self._shuffle(partitions)
        partitions = self._look(partitions)
        # Orders that suit the data are found in one partition: that with the most rows.
        at = int(np.argmax(partitions.sizes)) if self.synthesis.used("visit_sequence") == "auto" else 0
        first = [Task("plan", "plan", at, needs=partitions.needs(at))]
        [head] = self._collect("planning", {"plan": tasks.head}, partitions, first)
        partitions = replace(partitions, orders=head.plan.orders)
        short = few_to_split(head.plan.columns, partitions.sizes.tolist(), chosen=self.synthesis.minbucket == "auto")
        plan = replace(
            head.plan,
            n=partitions.rows,
            k=int(partitions.k.sum()),
            strata=partitions.strata,
            digest=self.digest,
            events=tuple(dict.fromkeys((*events, *recoded, *found, *head.plan.events, *short))),
        )
        # No value is in this table: copies are of the types and the extent that the whole has.
        known = (replace(one, whole=scan[one.name].extent) for one in head.table.columns)
        return Planned(partitions, plan, replace(head.table, columns=tuple(known)), head.outline)

    def draw_files(self, planned: Planned, sink: PartSink) -> tuple[Tally, list[Any], list[Account]]:
        """All sets as files of a release.

        Returns
        -------
        tuple
            What was counted in the real rows, what the sink gave, and accounts of sets of which it does not know.
        """
        partitions = planned.partitions
        counted, found = self._draw(planned, sink.schema, sink)
        written = [one for _, of_draw, _ in found for one in of_draw]
        several = [index for index in range(partitions.count) if len(partitions.siblings(index)) > 1]
        calls, todo = {"shuffle": tasks.shuffle_set}, self._sets(partitions, several)
        written += self._collect("shuffling synthetic rows", calls, (partitions, sink), todo)
        written.sort(key=lambda one: (one.part.imputation, one.part.partition))
        return counted, written, _accounts(found)

    def draw_held(self, planned: Planned) -> tuple[Tally, list[Any], list[Any], list[Account]]:
        """All sets as rows that are held; gives back what was counted, handles of `HeldSet`s, their facts, accounts."""
        partitions, schema = planned.partitions, release.output_schema(planned.plan, planned.table)
        counted, found = self._draw(planned, schema, None)
        calls, todo = {"shuffle": tasks.shuffle_set}, self._sets(partitions, range(partitions.count))
        shared = partitions, HeldSink(schema, planned.outline)
        held, facts = self.executor.hold("shuffling synthetic rows", calls, shared, todo, self.given)
        return counted, held, facts, _accounts(found)

    def _collect(self, stage: str, calls: Calls, shared: Any, todo: Sequence[Task]) -> list[Any]:
        return self.executor.collect(stage, calls, shared, todo, given=self.given)

    def _move(self, stage: str, calls: Calls, shared: Any, todo: Sequence[Task], word: str, count: int) -> list[Any]:
        """Run tasks that address rows to others, for which these are then under `word` and their number."""
        if not self.slices.held:
            return [one for _, one in self._collect(stage, calls, shared, todo)]
        addressed, known = self.executor.hold(stage, calls, shared, todo, self.given)
        moved = self.executor.exchange(f"{stage}: moving", addressed, count)
        self.given = {f"{word}-{at}": one for at, one in enumerate(moved)}
        return known

    def _recode(self) -> tuple[Event, ...]:
        """Decide how columns are recoded, and see to it that all that follows is."""
        spec = self.synthesis
        check_declared(as_specs(self.columns))
        if not spec.recoded:
            return ()
        shared = self.chunks, self.columns, spec
        surveys = self._collect("surveying columns", {"survey": tasks.see}, shared, self._of_chunks("survey"))
        recoder = settle(reduce(Survey.merge, surveys), self.columns, spec)
        self.columns = recoder.columns
        if recoder.moved:
            self.chunks = MovedChunks(self.chunks, recoder)
        return recoder.events

    def _count(self) -> tuple[list[Counted], Scan]:
        """What the chunks hold, and the scan of the whole."""
        spec = self.synthesis
        shared = tasks.Scanning(self.chunks, self.columns, spec.strata_columns, tuple(spec.drop))
        whole: Scan | None = None
        found = []
        run = self.executor.run("scanning", {"scan": tasks.count}, shared, self._of_chunks("scan"), given=self.given)
        for _, one in run:
            # At once: what is known of thousands of chunks is more than what is known of the whole.
            whole = merge_scans(*(scan for scan in (whole, one.scan) if scan is not None))
            found.append(replace(one, scan=None))
        if whole is None:
            raise DataError("The table has no rows.", need="at least two")
        return sorted(found, key=lambda one: one.index), whole

    def _of_chunks(self, kind: str) -> list[Task]:
        return [replace(task, needs=self.chunks.needs(task.index)) for task in numbered(kind, self.chunks.sizes)]

    def _cut(self, counted: Sequence[Counted], whole: Scan) -> tuple[Partitions, list[Event]]:
        """Decide the partitions."""
        spec = self.synthesis
        codebook = whole.codebook(self.columns)
        keys = sorted({key for one in counted for key in one.strata}, key=lambda key: order_of(key, codebook, spec))
        rows = np.array([[one.strata.get(key, 0) for key in keys] for one in counted], dtype=np.int64)
        bins = pool_small(rows.sum(axis=0), spec.min_stratum)
        events = [*dropped(spec.drop), *whole.findings(self.columns)]
        events += pooled(rows.sum(axis=0), bins, spec.min_stratum)
        groups = int(bins[-1]) + 1
        by_group = np.stack([np.bincount(bins, one, groups).astype(np.int64) for one in rows])
        totals = by_group.sum(axis=0)
        kinds = [column.kind for column in codebook.values() if column.kind is not None]
        most = spec.partition_rows or self._chosen(kinds)
        counts = np.maximum(1, -(-totals // most))
        first = np.concatenate([[0], np.cumsum(counts)])
        # Rows go round after round, so the first partitions of a group have the rest.
        sizes = np.concatenate([(n // h) + (np.arange(h) < n % h) for n, h in zip(totals, counts, strict=True)])
        if sizes.min() < 2:
            raise DataError("a partition would have fewer than two rows", fix="raise partition_rows or min_stratum")
        if self.memory is not None:
            check_memory(kinds, int(sizes.max()), max(self.chunks.sizes), self.memory, spec.most_donations is not None)
        if spec.partition_rows is None and len(sizes) > groups:
            events.append(_divided(sizes, most))
        k = largest_remainder(sizes, int(sizes.sum()) if spec.k is None else spec.k)
        partitions = Partitions(
            self.chunks,
            whole,
            codebook,
            Whole.of_scan(whole, self.columns, Seen(int(sizes.sum()))),
            spec,
            methods.registered(),
            spec.strata_columns,
            {key: int(group) for key, group in zip(keys, bins, strict=True)},
            np.concatenate([np.zeros((1, groups), dtype=np.int64), np.cumsum(by_group, axis=0)[:-1]]),
            first,
            sizes,
            k,
            self.slices,
        )
        return partitions, events

    def _chosen(self, kinds: Sequence[Any]) -> int:
        """Rows of a partition that a task has the memory for."""
        memory = self.executor.task_memory
        if memory is None:
            return MOST_ROWS
        fitting = largest_partition(kinds, int(MEMORY_SHARE * memory), self.synthesis.most_donations is not None)
        if fitting < 2:
            raise SpecError(
                "A worker has too little memory for a partition of this table.",
                fix="give workers more memory, or select fewer columns",
            )
        return min(MOST_ROWS, fitting)

    def _shuffle(self, partitions: Partitions) -> None:
        """The rows of every chunk to their partitions."""
        notes: dict[str, Any] = {}
        if made_up(partitions):
            todo = [
                Task(
                    f"identifiers-{at}",
                    "identifiers",
                    at,
                    needs=tuple(key for chunk in span for key in self.chunks.needs(chunk)),
                    units=sum(self.chunks.sizes[chunk] for chunk in span),
                )
                for at, span in enumerate(runs(partitions))
            ]
            held, _ = self.executor.hold(
                "reading identifiers", {"identifiers": tasks.note}, partitions, todo, self.given
            )
            notes = {f"identifiers-{at}": one for at, one in enumerate(held)}
        calls, todo = {"shuffle": tasks.shuffle}, self._of_chunks("shuffle")
        self._move("shuffling rows", calls, partitions, todo, "rows", partitions.count)
        if self.slices.held:
            self.given |= notes

    def _look(self, partitions: Partitions) -> Partitions:
        """The partitions, with what only the cells of all of them show, where the plan depends on that."""
        names = names_looked_at(partitions.synthesis, list(partitions.codebook), partitions.scan.alike())
        if not names:
            return partitions
        todo = [
            replace(task, needs=partitions.needs(task.index)) for task in numbered("count", partitions.sizes.tolist())
        ]
        found = self._collect("counting cells", {"count": tasks.look}, (partitions, names), todo)
        return replace(partitions, whole=replace(partitions.whole, seen=reduce(Seen.merge, found)))

    def _draw(self, planned: Planned, schema: OutputSchema, sink: SetSink | None) -> tuple[Tally, list[Any]]:
        """All sets of all partitions; gives back what was counted in the real rows, and what each draw said."""
        shared = Drawing(planned.partitions, planned.outline, schema, sink)
        todo = list(_draws(planned.partitions, self.executor.workers))
        count = planned.partitions.count * self.synthesis.sets
        found = self._move("synthesizing", {"draw": tasks.draw}, shared, todo, "drawn", count)
        tallies = {task.index: one[0] for task, one in zip(todo, found, strict=True) if task.imputations[0] == 0}
        return reduce(combine, (tallies[index] for index in sorted(tallies))), found

    def _sets(self, partitions: Partitions, indices: Sequence[int]) -> list[Task]:
        """Shuffles of the rows of sets, one for each file of the release."""
        return [
            Task(
                f"shuffle-p{index}-i{i}",
                "shuffle",
                index,
                (i,),
                needs=(f"drawn-{partitions.address(i, index)}",) if self.slices.held else (),
                units=int(partitions.k[index]),
            )
            for i in range(self.synthesis.sets)
            for index in indices
        ]


class PartitionedFiles:
    """The pipeline of a job on a table that is read in chunks.

    Parameters
    ----------
    job
        Its synthesis says `partition_rows`.

    Raises
    ------
    SpecError, DataError
        If the input is no Parquet, or cannot be read.
    """

    def __init__(self, job: JobSpec) -> None:
        if job.input.path is None:
            raise SpecError("`partition_rows` needs a table that is read in chunks.", need="input.path to Parquet")
        synthesis = seeded(job.synthesis)
        self.seed = synthesis.seed or 0
        self.remedies: RowRemedies | None = None
        self.planned = None  # before the chunks are scanned
        self.dataset = dataset_of(job)
        share = None if job.gate is None else job.gate.share
        self.chunks = FileChunks.of(self.dataset, None if share is None else Holdout(share, self.seed))
        if self.chunks.holdout is not None:
            self.chunks.holdout.check(rows := sum(chunk.rows for chunk in self.chunks.chunks))
            synthesis = with_rows_of_the_whole(synthesis, rows)
        self.job = job.model_copy(update={"synthesis": synthesis})
        self.digest = digest_of_job(self.job, self.chunks)

    def begin(self, progress: Progress, backend: Backend) -> None:
        """Nothing is known before the chunks are scanned; see `job.Pipeline`."""

    def synthesize(self, executor: Executor, staging: release.Staging, backend: Backend) -> Synthesized:
        """Write the files of the release; see `job.Pipeline`."""
        records, output, progress = Records(staging.path), self.job.output, executor.progress
        resumed = records.any()
        columns, slices = dict(self.job.columns), FileSlices(records)
        run = PartitionedTable(
            executor, self.job.synthesis, columns, self.chunks, slices, self.digest, memory=backend.process_memory
        )
        held = self.chunks.holdout
        whole = sum(chunk.rows for chunk in self.chunks.chunks)
        planned = run.make_plan(() if held is None else held.events(whole))
        _, plan, table, outline = planned
        facts = {"rows": plan.n, "columns": len(plan.columns), "m": plan.m, "partitions": len(plan.partitions)}
        progress.planned(digest=self.digest[:8], target=output.path, **facts)
        progress.unusual(plan.events)
        ensure_compiled(plan, progress.note)
        flag = output.flag_name
        copies = copied(output.formats, table, max(one.k for one in plan.partitions), flag)
        schema = release.output_schema(plan, table, flag)
        writer = Writer(PartSink(staging, schema, outline, copies, records, self.remedies))
        real, written, writer.elsewhere = run.draw_files(planned, writer.sink)
        writer.written.extend(written)
        source = {"path": self.dataset.path, "digest": self.dataset.signature}
        return Synthesized(writer, plan, table, outline, real, source, resumed)


def _accounts(found: Iterable[Any]) -> list[Account]:
    """The accounts of what draws gave back."""
    return combined(account for _, _, accounts in found for account in accounts)


def _draws(partitions: Partitions, workers: int) -> Iterable[Task]:
    """Draws of all partitions. The sets of the last ones are shared out, so that all workers end together."""
    m, step = partitions.synthesis.m, partitions.synthesis.syntheses  # sets of one completed table stay together
    for index in range(partitions.count):
        shares = min(m, max(1, -(-2 * workers // (partitions.count - index))))
        for i in range(shares):
            span = tuple(range(i * m // shares * step, (i + 1) * m // shares * step))
            units = int(partitions.sizes[index]) * len(span)
            key, needs = f"draw-p{index}-i{span[0]}-{span[-1]}", partitions.needs(index)
            yield Task(key, "draw", index, span, needs=needs, units=units)


def digest_of_job(job: JobSpec, chunks: Chunks) -> str:
    """The digest of a job in partitions, whose seed is settled."""
    return digest_of(job.model_dump(exclude={"output": True, "study": True, "gate": True, "input": {"path"}}), chunks)


def digest_of(said: dict[str, Any], chunks: Chunks) -> str:
    """The digest of a run in partitions.

    It is of all that decides the sets: versions, settings, seed, codebook, and the content of the table, wherever that
    is.

    Parameters
    ----------
    said
        What was said of `synthesis`, with its seed, and of the table.
    chunks
        The table.
    """
    said["synthesis"]["seed"] = str(said["synthesis"]["seed"])
    text = json.dumps([release_lines(), chunks.sizes, said, chunks.signature], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _divided(sizes: Any, most: int) -> Event:
    return Event(
        "partitioned",
        "",
        f"the table is divided into {len(sizes):,} random partitions of at most {most:,} rows, for which workers have "
        "the memory; each is synthesized by itself",
    )
