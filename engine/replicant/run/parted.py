"""A job on a table that is larger than memory: `input.part_rows` rows at a time, each part synthesized by itself.

The client sees counts, records and the codebook, never rows. Its steps are passes over chunks, parts and files; each
pass is a list of pieces (`pieces`) that any thread or worker can make in any order. What an interrupted run has made is
found again by its records.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from replicant import methods, release
from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.execution.executor import farm
from replicant.execution.progress import Progress
from replicant.execution.timing import Effort
from replicant.plan.build import few_to_split
from replicant.plan.memory import check_memory
from replicant.plan.seen import Seen, names_looked_at
from replicant.plan.strata import largest_remainder, pool_small
from replicant.plan.whole import Whole
from replicant.run import pieces
from replicant.run.compilation import ensure_compiled
from replicant.run.identifiers import made_up, note, runs
from replicant.run.job import JobResult, check_begun
from replicant.run.metrics import keep_metrics
from replicant.run.partial_results import Records
from replicant.run.pieces import Counted, Head, Key, Parts
from replicant.run.release_writer import PartSink, Writer, Written, copied, finish, is_kept, staged
from replicant.run.resumable import document_of, told
from replicant.run.work import dataset_of
from replicant.spec.models import JobSpec
from replicant.table import Dataset, Scan, merge_scans
from replicant.table.recode import dropped
from replicant.utility.summary import Tally, combine, conclude

if TYPE_CHECKING:
    from replicant.execution.dask_client import Client

__all__ = ["digest_of", "run_parted"]

T = TypeVar("T")

CHUNK_ROWS = 500_000
"""Rows that are read at a time when the table is dealt to its parts."""


def run_parted(
    job: JobSpec,
    *,
    client: Client | None,
    threads: int,
    memory: int | None,
    overwrite: bool,
    progress: Progress,
    begun: str | None,
) -> JobResult:
    """Run a job whose input says `part_rows`.

    Parameters
    ----------
    job
        From `load_job`.
    client, threads
        Where: a client, or threads in this process.
    memory, overwrite, progress, begun
        As for `run_job`.

    Raises
    ------
    SpecError, DataError, ReleaseError, PartialError
        As `run_job`.
    """
    part_rows = job.input.part_rows
    if part_rows is None or job.input.path is None:
        raise SpecError("`part_rows` goes with a path.", need="input: {path: ..., part_rows: ...}")
    dataset = dataset_of(job)
    seed = secrets.randbits(63) if job.synthesis.seed is None else job.synthesis.seed
    job = job.model_copy(update={"synthesis": job.synthesis.model_copy(update={"seed": seed})})
    digest = digest_of(job, dataset)
    check_begun(digest, begun)
    target, internal = job.output.path, job.output.internal_path
    document = document_of(job, seed)
    with (
        told(target, progress, lambda: is_kept(target)),
        staged(
            target, digest=digest, m=job.synthesis.m, internal=internal, overwrite=overwrite, job=document
        ) as staging,
    ):
        run = _Run(job, dataset, part_rows, staging, client, threads, memory, progress)
        return run.go(digest)


class _Run:
    """One run: its passes, one after the other."""

    def __init__(
        self,
        job: JobSpec,
        dataset: Dataset,
        part_rows: int,
        staging: release.Staging,
        client: Client | None,
        threads: int,
        memory: int | None,
        progress: Progress,
    ) -> None:
        self.job = job
        self.dataset = dataset
        self.part_rows = part_rows
        self.staging = staging
        self.client = client
        self.threads = threads
        self.memory = memory
        self.progress = progress
        self.records = Records(staging.path)
        self.effort = Effort()
        self.chunks = dataset.chunks(CHUNK_ROWS)

    def go(self, digest: str) -> JobResult:
        resumed = self.records.any()
        counted, whole = self._count()
        parts, events = self._cut(counted, whole)
        if made_up(parts):
            spans = runs(parts)
            rows = [sum(chunk.rows for chunk in span) for span in spans]
            self._each("reading identifiers", note, parts, [(at,) for at in range(len(spans))], rows)
        self._each(
            "shuffling rows", pieces.deal, parts, [(chunk,) for chunk in self.chunks], [c.rows for c in self.chunks]
        )
        parts = self._look(parts)
        top: Head = self._one("planning", pieces.head, parts)
        events += few_to_split(parts.synthesis, top.plan.columns, parts.sizes.tolist())
        plan = replace(
            top.plan,
            n=int(parts.sizes.sum()),
            k=int(parts.k.sum()),
            strata=parts.strata,
            digest=digest,
            events=tuple(dict.fromkeys((*top.plan.events, *events))),
        )
        facts = {"rows": plan.n, "columns": len(plan.columns), "m": plan.m, "parts": parts.count}
        self.progress.planned(digest=digest[:8], target=self.job.output.path, **facts)
        self.progress.odd(plan.events)
        ensure_compiled(plan, self.progress.note)
        output = self.job.output
        # No value is in this table: copies are of the types and the reach that the whole has.
        known = (replace(one, whole=parts.scan[one.name].extent) for one in top.table.columns)
        table = replace(top.table, columns=tuple(known))
        copies = copied(output.formats, table, int(parts.k.max()))
        schema = release.output_schema(plan, table)
        sink = PartSink(self.staging, schema, top.outline, copies, self.records)
        writer = Writer(sink)
        real = self._draw(parts, top, writer)
        self._mix(parts, writer)
        writer.written.sort(key=lambda one: (one.part.imputation, one.part.partition))
        finish(
            writer,
            plan,
            table,
            helpers=output.helpers,
            spec=self.job,
            source={"path": self.dataset.path, "digest": self.dataset.signature},
        )
        summary = conclude(top.outline, real, writer.tallies())
        files = tuple(writer.files)
        keep_metrics(self.effort, self.progress, output.internal_path, digest=digest, files=files, resumed=resumed)
        return JobResult(output.path, output.internal_path, files, (*plan.events, *writer.events), summary, self.effort)

    def _count(self) -> tuple[list[Counted], Scan]:
        strata = self.job.synthesis.strata_columns
        shared = (self.dataset, dict(self.job.columns), strata, tuple(self.job.synthesis.drop))
        whole: list[Scan] = []

        def merge(one: Counted) -> Counted:
            # At once: what is known of thousands of chunks is more than what is known of the whole.
            whole[:] = [merge_scans(*whole, *([] if one.scan is None else [one.scan]))]
            return replace(one, scan=None)

        items = [(chunk,) for chunk in self.chunks]
        found = self._each("reading", _count, shared, items, [c.rows for c in self.chunks], merge)
        return sorted(found, key=lambda one: one.index), whole[0]

    def _cut(self, counted: Sequence[Counted], whole: Scan) -> tuple[Parts, list[Event]]:
        """Decide the parts."""
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
        hands = np.maximum(1, -(-totals // self.part_rows))
        first = np.concatenate([[0], np.cumsum(hands)])
        # Dealt round after round, the first parts of a group have the rest.
        sizes = np.concatenate([(n // h) + (np.arange(h) < n % h) for n, h in zip(totals, hands, strict=True)])
        if sizes.min() < 2:
            raise DataError("a part would have fewer than two rows", fix="raise input.part_rows or min_stratum")
        if self.memory is not None:
            # Threads share a process, and with it its memory.
            budget = self.memory if self.client is not None else self.memory // self.threads
            kinds = [spec_.kind for spec_ in codebook.values() if spec_.kind is not None]
            check_memory(kinds, int(sizes.max()), max(chunk.rows for chunk in self.chunks), budget)
        k = largest_remainder(sizes, int(sizes.sum()) if spec.k is None else spec.k)
        parts = Parts(
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
            self.records,
        )
        return parts, events

    def _look(self, parts: Parts) -> Parts:
        """The parts, with what only the cells of all of them tell, where the plan depends on that."""
        spec = parts.synthesis
        names = names_looked_at(spec, list(parts.codebook), parts.scan.alike())
        if not names:
            return parts
        items = [(names, part) for part in range(parts.count)]
        found: list[Seen] = self._each("counting cells", pieces.look, parts, items, parts.sizes.tolist())
        return replace(parts, whole=replace(parts.whole, seen=reduce(Seen.merge, found)))

    def _draw(self, parts: Parts, top: Head, writer: Writer) -> Tally:
        """All sets of all parts; gives back what was counted in the real rows."""
        m = self.job.synthesis.m
        hands = self._hands()
        items: list[tuple[int, tuple[int, ...]]] = []
        for part in range(parts.count):
            # The sets of the last parts are shared out, so that all hands end together; of few parts, those of all.
            shares = min(m, max(1, -(-2 * hands // (parts.count - part))))
            items += [(part, tuple(range(i * m // shares, (i + 1) * m // shares))) for i in range(shares)]
        tallies: dict[int, Tally] = {}
        found = self._each(
            "synthesizing",
            _draw,
            (parts, top.outline, writer.sink),
            items,
            [int(parts.sizes[part]) * len(span) for part, span in items],
        )
        for part, span, counted, written in found:
            if span[0] == 0:
                tallies[part] = counted
            writer.written.extend(written)
        return reduce(combine, (tallies[part] for part in sorted(tallies)))

    def _mix(self, parts: Parts, writer: Writer) -> None:
        """The files of the release whose rows come from several parts."""
        mixed = [part for part in range(parts.count) if len(parts.siblings(part)) > 1]
        items = [(part, i) for i in range(self.job.synthesis.m) for part in mixed]
        rows = [int(parts.k[part]) for part, _ in items]
        writer.written.extend(self._each("shuffling synthetic rows", _mix, (parts, writer.sink), items, rows))

    def _hands(self) -> int:
        if self.client is None:
            return self.threads
        from replicant.execution import dask_client

        return dask_client.count_workers(self.client)

    def _one(self, what: str, call: Callable[..., Any], shared: Any) -> Any:
        return self._each(what, _alone, (call, shared), [()], [1])[0]

    def _each(
        self,
        what: str,
        call: Callable[..., T],
        shared: Any,
        items: Sequence[tuple[Any, ...]],
        units: Sequence[int],
        arrived: Callable[[T], T] | None = None,
    ) -> list[T]:
        """A pass: every piece once, in any order; gives back what they gave, in the order of the items.

        What a piece gives goes through `arrived` first, as soon as it is there.
        """
        found: dict[int, T] = {}
        where: dict[str, Any] = {"client": self.client, "threads": self.threads, "effort": self.effort}
        with self.progress.running(sum(units), what):
            for at, made in farm(call, shared, items, what=what, **where):
                found[at] = made if arrived is None else arrived(made)
                self.progress.advance(units[at])
        return [found[at] for at in range(len(items))]


def _count(shared: tuple[Dataset, Mapping[str, Any], tuple[str, ...], tuple[str, ...]], chunk: Any) -> Counted:
    dataset, columns, strata, drop = shared
    return pieces.count(dataset, chunk, columns, strata, drop)


def _draw(
    shared: tuple[Parts, Any, PartSink], part: int, imputations: tuple[int, ...]
) -> tuple[int, tuple[int, ...], Tally, list[Written]]:
    parts, outline, sink = shared
    return part, imputations, *pieces.draw(parts, part, imputations, outline, sink)


def _mix(shared: tuple[Parts, PartSink], part: int, imputation: int) -> Written:
    parts, sink = shared
    return pieces.mix(parts, part, imputation, sink)


def _alone(shared: tuple[Callable[..., Any], Any]) -> Any:
    call, of = shared
    return call(of)


def digest_of(job: JobSpec, dataset: Dataset) -> str:
    """The digest of a run in parts, of a job whose seed is settled.

    It is of all that decides the release: settings, seed, codebook, and the files of the input, by whatever path.
    """
    said = job.model_dump(exclude={"output": True, "study": True, "input": {"path"}})
    said["synthesis"]["seed"] = str(job.synthesis.seed)
    text = json.dumps([1, CHUNK_ROWS, said, dataset.signature], sort_keys=True, default=str)
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
