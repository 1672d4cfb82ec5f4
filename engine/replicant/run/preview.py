"""What a job would do, in words, before anything is written: what `replicant plan` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from replicant import methods
from replicant.fcs import Account, find_orders, fit_columns, touched_of
from replicant.fcs import prepare as prepare_partition
from replicant.gate.limits import check_limits
from replicant.methods import Touched
from replicant.plan import Task, build_plan
from replicant.plan.graph import graph_of_plan, graph_of_stages, graph_of_tasks
from replicant.plan.memory import check_memory, readable, task_bytes
from replicant.plan.model import Plan
from replicant.plan.recoding import recode
from replicant.plan.seen import look
from replicant.plan.show import render
from replicant.plan.whole import Whole
from replicant.run.chunks import FileChunks
from replicant.run.in_memory import ensure_compiled, prepare
from replicant.run.partitioned import PartitionedFiles
from replicant.run.source import dataset_of
from replicant.spec.models import JobSpec
from replicant.storage.folder import COPIES, HELPERS
from replicant.studies import Study, design, prepare_study
from replicant.table import Table, encode_table
from replicant.table.recode import listed
from replicant.view.plot import Plot

__all__ = ["Preview", "preview"]

MOST_TRIED = 20_000
"""Rows on which leaves that protect are tried; of larger tables a sample."""

SCRATCH = 1.3
"""Bytes of intermediate files beside a partitioned release, as a share of the input's and the release's."""


@dataclass(frozen=True, repr=False)
class Preview:
    """What a job would do.

    Attributes
    ----------
    text
        In words.
    digest
        Of the run; None if its seed is still to be drawn.
    peak
        About how many bytes one process takes.
    rows, columns
        Of the table.
    seconds
        About how long it takes on one core; of a study its synthesis only.
    graph
        Draws its tasks; of a table that is read in chunks, its stages.
    """

    text: str
    digest: str | None
    peak: int
    rows: int
    columns: int
    seconds: float
    graph: Callable[[], Plot]

    def __str__(self) -> str:
        return self.text


def preview(job: JobSpec, memory: int | None = None) -> Preview:
    """Read and plan a job, touching nothing.

    Parameters
    ----------
    job
        From `load_job`.
    memory
        Bytes that one process may take.

    Raises
    ------
    SpecError, DataError
        If the job cannot be done, or a task of it does not fit in the memory.
    """
    if job.gate is not None:
        check_limits(job.gate.tier, job.gate.said_limits)
    if job.synthesis.partition_rows is not None:
        return _partitioned(job, memory)
    ready = prepare(job)
    kinds, distinct = [column.kind for column in ready.plan.columns], ready.plan.donors is not None
    if memory is not None:
        check_memory(kinds, ready.table.n, 0, memory, distinct)
    peak = task_bytes(kinds, ready.table.n, 0, distinct)
    if job.study is not None:
        study = design(job.study, job.synthesis, ready.table, methods.registered())
        seconds = _seconds(study)
        text = _study(study, ready.table, job.output.path, seconds)
        blocks = [Task(f"block-{i}", "block", i, needs=("table",)) for i in range(study.blocks)]
        graph = partial(graph_of_tasks, "Tasks of a study", [Task("table", "load"), *blocks])
        return Preview(text, study.digest, peak, ready.table.n, len(kinds), seconds, graph)
    output = job.output
    extras = [f"{COPIES}/{form}/" for form in output.formats] + [HELPERS[language] for language in output.helpers]
    touched = _touched(ready.plan, ready.table, MOST_TRIED)
    text = render(ready.plan, ready.table, output.path, extras=extras, touched=touched)
    known = ready.plan.digest if ready.plan.seed_given else None
    text = f"{text}\nMemory: about {readable(peak)} in one process.\n"
    graph, seconds = partial(graph_of_plan, ready.plan), ready.plan.seconds_estimate
    return Preview(text, known, peak, ready.table.n, len(kinds), seconds, graph)


def _touched(plan: Plan, table: Table, most: int) -> tuple[int, Mapping[str, Touched]] | None:
    """What it changes that leaves protect their donors, tried on so many rows; None if nobody asks for it."""
    columns = [one.name for one in plan.columns if getattr(one.declaration.method, "protects", False)]
    if not columns or plan.imputation is not None:
        return None
    ensure_compiled(plan, lambda _: None)
    rng, tried, counted = np.random.default_rng(0), 0, []
    share = min(1.0, most / table.n)
    for part in plan.partitions:
        rows = np.arange(table.n) if part.rows is None else part.rows
        if share < 1:
            rows = np.sort(rng.choice(rows, max(1, int(share * len(rows))), replace=False))
        some = replace(plan, partitions=tuple(replace(one, rows=rows) for one in plan.partitions))
        models = fit_columns(prepare_partition(table.take(rows), some, part.index), some, columns)
        counted.append(Account(touched={name: one.touched for name, one in models.items() if one.touched is not None}))
        tried += len(rows)
    return tried, touched_of(counted)


_SAMPLES = {"drawn": "bootstrap samples (drawn)", "given": "bootstrap samples (given)", "halves": "halves of the rows"}


def _seconds(study: Study) -> float:
    return study.spec.replicates * sum(variant.plan.seconds_estimate for variant in study.variants)


def _study(study: Study, table: Table, target: str, seconds: float) -> str:
    heads = prepare_study(study, table).heads
    tables = [f"  {head.name:16}{head.kind:14}{len(head.terms)} terms" for head in heads]
    lines = [
        f"A study of {study.spec.replicates:,} {_SAMPLES[study.samples.how]} in {study.blocks:,} blocks, "
        f"under {len(study.variants)} variants.",
        f"Synthesis takes about {seconds:.0f} s on one core; analyses mostly take longer.",
        "",
        "Tables of results",
        *tables,
    ]
    for variant in study.variants:
        lines += ["", f"Variant {variant.name}", "", render(variant.plan, table).rstrip()]
    return "\n".join([*lines, "", f"Results go to {target}."]) + "\n"


def _partitioned(job: JobSpec, memory: int | None) -> Preview:
    """Of a table in random partitions, by its footers and its first chunk."""
    rows = job.synthesis.partition_rows or 0
    dataset = dataset_of(job)
    chunks = FileChunks.of(dataset)
    columns = {name: listed(spec) for name, spec in job.columns.items()}
    frame, columns, done = recode(chunks.read(0), columns, job.synthesis, sample=True)
    table = encode_table(frame, columns, events=done, drop=job.synthesis.drop)
    seen = look(job.synthesis.model_copy(update={"k": None}), table, table.n).seen().of_a_sample()
    whole = Whole.of_table(table, seen)
    plan = build_plan(job.synthesis.model_copy(update={"k": None}), table, methods.registered(), whole, find_orders)
    count = max(1, -(-dataset.rows // rows))
    size = -(-dataset.rows // count)
    k = job.synthesis.k or dataset.rows
    # Rows of a partition cost less than of a whole table: their trees are not as deep.
    depth = np.log2(max(size / plan.cart.fewest, 2)) / np.log2(max(table.n / plan.cart.fewest, 2))
    seconds = plan.seconds_estimate * dataset.rows / table.n * float(depth)
    kinds, distinct = [column.kind for column in plan.columns], plan.donors is not None
    longest = max(chunks.sizes)
    if memory is not None:
        check_memory(kinds, size, longest, memory, distinct)
    peak = task_bytes(kinds, size, longest, distinct)
    written = int(dataset.bytes * job.synthesis.sets * k / dataset.rows)
    tasks = 2 * len(chunks.sizes) + count + (count * job.synthesis.sets if count > 1 else 0) + 1
    meanwhile = int(SCRATCH * (written + dataset.bytes))
    within = ", within strata" if job.synthesis.strata else ""
    shuffled = f"{dataset.rows:,} rows are shuffled into {count:,} partitions of about {size:,}"
    lines = [
        f"{shuffled}{within}",
        f"{tasks:,} tasks, about {seconds:,.0f} s on one core",
        f"memory: about {readable(peak)} for a process and task",
        f"disk: about {readable(written)} of release, and {readable(meanwhile)} meanwhile",
        f"columns, kinds and events are those of the first chunk ({table.n:,} rows); a run reads all before it decides",
    ]
    touched = _touched(plan, table, min(size, MOST_TRIED))
    text = f"{render(replace(plan, n=dataset.rows, k=k), table, partitions=lines, touched=touched)}\n"
    text += f"The release goes to {job.output.path}.\n"
    known = None if job.synthesis.seed is None else PartitionedFiles(job).digest
    graph = partial(graph_of_stages, len(chunks.sizes), count, job.synthesis.sets)
    return Preview(text, known, peak, dataset.rows, len(kinds), seconds, graph)
