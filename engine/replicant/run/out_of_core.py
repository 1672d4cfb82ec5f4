"""A job on a table that is larger than memory: every partition of `partition_rows` rows is synthesized by itself.

The client sees counts, records and the codebook, never rows. Its stages go over chunks, partitions and files; each is a
list of tasks (`out_of_core_tasks`) that any worker can run in any order. What an interrupted run has finished is found
again by its records.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from replicant import methods, release
from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.execution.backend import Backend
from replicant.execution.executor import Calls, Executor
from replicant.execution.progress import Progress
from replicant.plan.build import few_to_split
from replicant.plan.memory import check_memory
from replicant.plan.seen import Seen, names_looked_at
from replicant.plan.strata import largest_remainder, pool_small
from replicant.plan.task import Task, numbered
from replicant.plan.whole import Whole
from replicant.run import out_of_core_tasks as tasks
from replicant.run.identifiers import made_up, runs
from replicant.run.in_memory import ensure_compiled
from replicant.run.out_of_core_tasks import Counted, Head
from replicant.run.partial_results import Records
from replicant.run.partitioning import Key, Partitions
from replicant.run.release_writer import PartSink, Synthesized, Writer, copied
from replicant.run.source import dataset_of
from replicant.spec.models import JobSpec
from replicant.table import Dataset, Scan, merge_scans
from replicant.table.recode import dropped
from replicant.utility.summary import Tally, combine
from replicant.versions import release_lines

__all__ = ["CHUNK_ROWS", "OutOfCore", "digest_of"]

CHUNK_ROWS = 500_000
"""Rows that are read at a time when the table is shuffled into its partitions."""


class OutOfCore:
    """The pipeline of a job on a table that is read in chunks.

    Parameters
    ----------
    job
        Its input says `partition_rows`.

    Raises
    ------
    SpecError, DataError
        If the input is no Parquet, or cannot be read.
    """

    def __init__(self, job: JobSpec) -> None:
        if job.synthesis.partition_rows is None or job.input.path is None:
            raise SpecError("`partition_rows` needs a table that is read in chunks.", need="input.path to Parquet")
        self.seed = secrets.randbits(63) if job.synthesis.seed is None else job.synthesis.seed
        self.job = job.model_copy(update={"synthesis": job.synthesis.model_copy(update={"seed": self.seed})})
        self.rows = job.synthesis.partition_rows
        self.dataset = dataset_of(job)
        self.chunks = self.dataset.chunks(CHUNK_ROWS)
        self.digest = digest_of(self.job, self.dataset)

    def begin(self, progress: Progress, backend: Backend) -> None:
        """Nothing is known before the chunks are scanned; see `job.Pipeline`."""

    def synthesize(self, executor: Executor, staging: release.Staging, backend: Backend) -> Synthesized:
        """Write the files of the release; see `job.Pipeline`."""
        records, output, progress = Records(staging.path), self.job.output, executor.progress
        resumed = records.any()
        counted, scan = self._count(executor)
        partitions, events = self._cut(counted, scan, records, backend)
        self._shuffle(executor, partitions)
        partitions = self._look(executor, partitions)
        [head] = executor.collect("planning", {"plan": tasks.head}, partitions, numbered("plan", [1]))
        events += few_to_split(head.plan.columns, partitions.sizes.tolist())
        plan = replace(
            head.plan,
            n=int(partitions.sizes.sum()),
            k=int(partitions.k.sum()),
            strata=partitions.strata,
            digest=self.digest,
            events=tuple(dict.fromkeys((*head.plan.events, *events))),
        )
        facts = {"rows": plan.n, "columns": len(plan.columns), "m": plan.m, "partitions": partitions.count}
        progress.planned(digest=self.digest[:8], target=output.path, **facts)
        progress.odd(plan.events)
        ensure_compiled(plan, progress.note)
        # No value is in this table: copies are of the types and the extent that the whole has.
        known = (replace(one, whole=scan[one.name].extent) for one in head.table.columns)
        table = replace(head.table, columns=tuple(known))
        copies = copied(output.formats, table, int(partitions.k.max()))
        writer = Writer(PartSink(staging, release.output_schema(plan, table), head.outline, copies, records))
        real = self._draw(executor, partitions, head, writer)
        self._shuffle_sets(executor, partitions, writer)
        writer.written.sort(key=lambda one: (one.part.imputation, one.part.partition))
        source = {"path": self.dataset.path, "digest": self.dataset.signature}
        return Synthesized(writer, plan, table, head.outline, real, source, resumed)

    def _count(self, executor: Executor) -> tuple[list[Counted], Scan]:
        """What the chunks hold, and the scan of the whole."""
        strata = self.job.synthesis.strata_columns
        shared = tasks.Scanning(
            self.dataset, self.chunks, dict(self.job.columns), strata, tuple(self.job.synthesis.drop)
        )
        whole: Scan | None = None
        found = []
        for _, one in executor.run("scanning", {"scan": tasks.count}, shared, self._chunk_tasks("scan")):
            # At once: what is known of thousands of chunks is more than what is known of the whole.
            whole = merge_scans(*(scan for scan in (whole, one.scan) if scan is not None))
            found.append(replace(one, scan=None))
        if whole is None:
            raise TypeError("a dataset has a chunk")
        return sorted(found, key=lambda one: one.index), whole

    def _chunk_tasks(self, kind: str) -> list[Task]:
        return numbered(kind, [chunk.rows for chunk in self.chunks])

    def _cut(
        self, counted: Sequence[Counted], whole: Scan, records: Records, backend: Backend
    ) -> tuple[Partitions, list[Event]]:
        """Decide the partitions."""
        spec = self.job.synthesis
        codebook = whole.codebook(self.job.columns)
        keys = sorted({key for one in counted for key in one.strata}, key=lambda key: _order(key, codebook, spec))
        rows = np.array([[one.strata.get(key, 0) for key in keys] for one in counted], dtype=np.int64)
        bins = pool_small(rows.sum(axis=0), spec.min_stratum)
        events = [*dropped(spec.drop), *whole.findings(self.job.columns)]
        events += _pooled(rows.sum(axis=0), bins, spec.min_stratum)
        groups = int(bins[-1]) + 1
        by_group = np.stack([np.bincount(bins, one, groups).astype(np.int64) for one in rows])
        totals = by_group.sum(axis=0)
        counts = np.maximum(1, -(-totals // self.rows))
        first = np.concatenate([[0], np.cumsum(counts)])
        # Rows go round after round, so the first partitions of a group have the rest.
        sizes = np.concatenate([(n // h) + (np.arange(h) < n % h) for n, h in zip(totals, counts, strict=True)])
        if sizes.min() < 2:
            raise DataError(
                "a partition would have fewer than two rows", fix="raise synthesis.partition_rows or min_stratum"
            )
        budget = backend.process_memory
        if budget is not None:
            kinds = [spec_.kind for spec_ in codebook.values() if spec_.kind is not None]
            check_memory(kinds, int(sizes.max()), max(chunk.rows for chunk in self.chunks), budget)
        k = largest_remainder(sizes, int(sizes.sum()) if spec.k is None else spec.k)
        partitions = Partitions(
            self.dataset,
            self.chunks,
            whole,
            codebook,
            Whole.of_scan(whole, self.job.columns, Seen(int(sizes.sum()))),
            spec,
            methods.registered(),
            spec.strata_columns,
            {key: int(group) for key, group in zip(keys, bins, strict=True)},
            np.concatenate([np.zeros((1, groups), dtype=np.int64), np.cumsum(by_group, axis=0)[:-1]]),
            first,
            sizes,
            k,
            records,
        )
        return partitions, events

    def _shuffle(self, executor: Executor, partitions: Partitions) -> None:
        """The rows of every chunk to their partitions."""
        if made_up(partitions):
            rows = [sum(chunk.rows for chunk in span) for span in runs(partitions)]
            calls: Calls = {"identifiers": tasks.note}
            executor.collect("reading identifiers", calls, partitions, numbered("identifiers", rows))
        calls = {"shuffle": tasks.shuffle}
        executor.collect("shuffling rows", calls, partitions, self._chunk_tasks("shuffle"))

    def _look(self, executor: Executor, partitions: Partitions) -> Partitions:
        """The partitions, with what only the cells of all of them show, where the plan depends on that."""
        names = names_looked_at(partitions.synthesis, list(partitions.codebook), partitions.scan.alike())
        if not names:
            return partitions
        todo = numbered("count", partitions.sizes.tolist())
        found = executor.collect("counting cells", {"count": tasks.look}, (partitions, names), todo)
        return replace(partitions, whole=replace(partitions.whole, seen=reduce(Seen.merge, found)))

    def _draw(self, executor: Executor, partitions: Partitions, head: Head, writer: Writer) -> Tally:
        """All sets of all partitions; gives back what was counted in the real rows."""
        tallies: dict[int, Tally] = {}
        shared = partitions, head.outline, writer.sink
        todo = list(_draws(partitions, executor.workers))
        for task, (counted, written) in executor.run("synthesizing", {"draw": tasks.draw}, shared, todo):
            if task.imputations[0] == 0:
                tallies[task.index] = counted
            writer.written.extend(written)
        return reduce(combine, (tallies[index] for index in sorted(tallies)))

    def _shuffle_sets(self, executor: Executor, partitions: Partitions, writer: Writer) -> None:
        """The files of the release whose rows come from several partitions."""
        several = [index for index in range(partitions.count) if len(partitions.siblings(index)) > 1]
        todo = [
            Task(f"shuffle-p{index}-i{i}", "shuffle", index, (i,), units=int(partitions.k[index]))
            for i in range(self.job.synthesis.m)
            for index in several
        ]
        shared = partitions, writer.sink
        writer.written.extend(
            executor.collect("shuffling synthetic rows", {"shuffle": tasks.shuffle_set}, shared, todo)
        )


def _draws(partitions: Partitions, workers: int) -> Iterable[Task]:
    """Draws of all partitions. The sets of the last ones are shared out, so that all workers end together."""
    m = partitions.synthesis.m
    for index in range(partitions.count):
        shares = min(m, max(1, -(-2 * workers // (partitions.count - index))))
        for i in range(shares):
            span = tuple(range(i * m // shares, (i + 1) * m // shares))
            units = int(partitions.sizes[index]) * len(span)
            yield Task(f"draw-p{index}-i{span[0]}-{span[-1]}", "draw", index, span, units=units)


def digest_of(job: JobSpec, dataset: Dataset) -> str:
    """The digest of a run in parts, of a job whose seed is settled.

    It is of all that decides the release: versions, settings, seed, codebook, and the files of the input, by
    whatever path.
    """
    said = job.model_dump(exclude={"output": True, "study": True, "input": {"path"}})
    said["synthesis"]["seed"] = str(job.synthesis.seed)
    text = json.dumps([release_lines(), CHUNK_ROWS, said, dataset.signature], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _order(key: Key, codebook: Mapping[str, Any], spec: Any) -> tuple[Any, ...]:
    """Where a stratum stands: in the order of the columns' levels, missing last."""
    places: list[Any] = []
    for name, value in zip(spec.strata_columns, key, strict=True):
        levels = codebook[name].levels if name in codebook else None
        place = levels.index(value) if levels and value in levels else value
        places.append((value is None, 0 if value is None else place))
    return tuple(places)


def _pooled(sizes: Any, bins: Any, least: int) -> list[Event]:
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
