"""What is done to a chunk of a table, to a partition, and to a file of the release, none of which needs the others.

    chunk     ──> scan         what it holds (kinds, levels, counts): small, and merged to the codebook of the whole
    chunk     ──> shuffle      its rows in one file, with a slice for each partition
    partition ──> count        what only its cells show (which a rule selects, which columns follow from others)
    partition ──> draw         its slices of all those files are one table, synthesized by itself; each set in one
                               file, with a slice for each file of the release that will hold some of its rows
    file      ──> shuffle_set  its slice of every sibling's set, in random order: the position of a row shows nothing

Every task is a function of small arguments and of files; it writes files and returns a small record. None of them
holds more than its chunk, its partition, or its file. A task that is recorded as finished is not run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from replicant import fcs
from replicant.plan.model import Plan
from replicant.plan.seeds import Stage, stream
from replicant.plan.seen import Seen
from replicant.plan.seen import look as looked_at
from replicant.plan.task import Task
from replicant.release.schema import to_arrow
from replicant.run import identifiers
from replicant.run.partitioning import Key, Partitions, members, shuffled_name, strata_sizes
from replicant.run.release_writer import PartSink, Written
from replicant.run.slices import gathered, sliced
from replicant.table import Chunk, Dataset, Scan, Table, scan
from replicant.utility.summary import Outline, Tally, outline, tally

__all__ = ["Counted", "Head", "Scanning", "count", "draw", "head", "look", "note", "shuffle", "shuffle_set"]


class Scanning(NamedTuple):
    """What a scan needs: the file, how it is read, what the user said of columns, the strata, what is dropped."""

    dataset: Dataset
    chunks: tuple[Chunk, ...]
    columns: Mapping[str, Any]
    strata: Sequence[str]
    drop: Sequence[str]


@dataclass(frozen=True, repr=False)
class Counted:
    """What a chunk holds.

    Attributes
    ----------
    index
        Of the chunk.
    scan
        Kinds, levels and counts of its columns; None once it is merged with the others'.
    strata
        Rows by stratum; one key, the empty one, without strata.
    """

    index: int
    scan: Scan | None
    strata: Mapping[Key, int]


@dataclass(frozen=True, repr=False)
class Head:
    """What all partitions share.

    Attributes
    ----------
    plan
        Without a cell: what the manifest says.
    table
        Its columns without a cell.
    outline
        What is counted of every partition.
    """

    plan: Plan
    table: Table
    outline: Outline


def count(shared: Scanning, task: Task) -> Counted:
    """See what a chunk holds."""
    dataset, chunks, columns, strata, drop = shared
    frame = dataset.read(chunks[task.index])
    found = scan(frame, columns, drop=drop, chunk=task.index)
    return Counted(task.index, found, strata_sizes(frame, columns, strata))


def note(partitions: Partitions, task: Task) -> int:
    """Note what the identifiers of a run of chunks are like; gives back its rows."""
    return identifiers.note(partitions, task.index)


def shuffle(partitions: Partitions, task: Task) -> int:
    """The rows of a chunk to their partitions; gives back how many there were."""
    chunk = partitions.chunks[task.index]
    name = shuffled_name(chunk.index)
    if partitions.records.find(name) is not None:
        return chunk.rows
    # Columns that are dropped are not even written.
    wanted = list(dict.fromkeys(column.source for column in partitions.scan.columns))
    frame = partitions.scan.conform(partitions.dataset.read(chunk)[wanted]).reset_index(drop=True)
    member = members(partitions, chunk.index, frame)
    order = np.argsort(member, kind="stable")
    edges = np.searchsorted(member[order], np.arange(partitions.count + 1))
    content = sliced(to_arrow(frame.take(order)), edges)
    records = partitions.records
    records.keep(name, {"rows": len(frame)}, dict([records.write(f"{name}.arrow", content)]))
    return len(frame)


def look(shared: tuple[Partitions, Sequence[str]], task: Task) -> Seen:
    """Count what only the cells of a partition show, in the columns that it depends on."""
    partitions, names = shared
    return looked_at(partitions.synthesis, partitions.table(task.index, names), partitions.dataset.rows).seen()


def head(partitions: Partitions, task: Task) -> Head:
    """The plan of the whole, as it is made for the first partition."""
    table = partitions.table(0)
    plan = partitions.plan(0, table)
    # No cell leaves its machine, but that only some are replaced decides how the release is pooled.
    nothing = np.zeros(0, dtype=np.bool_)
    columns = tuple(replace(one, where=None if one.where is None else nothing) for one in plan.columns)
    return Head(replace(plan, columns=columns), table.without_cells(), outline(table))


def draw(shared: tuple[Partitions, Outline, PartSink], task: Task) -> tuple[Tally, list[Written]]:
    """Synthesize a partition; gives back what was counted in its real rows, and the files of the release, if any.

    A partition that has its stratum to itself is a file of the release. The others' sets wait to be shuffled.
    """
    partitions, shape, sink = shared
    records, index = partitions.records, task.index
    siblings = partitions.siblings(index)
    name = f"drawn-{index:06d}-{task.imputations[0]}-{task.imputations[-1]}"
    kept = records.find(name)
    if kept is not None:
        return kept["tally"], [Written.of(one) for one in kept["written"]]
    table = partitions.table(index)
    plan = partitions.plan(index, table)
    files: dict[str, str] = {}
    written: list[Written] = []
    drawn = fcs.impute(fcs.prepare(table, plan, index), plan, task.imputations)
    for imputation, one in zip(task.imputations, drawn, strict=True):
        frame = table.to_frame(one.codes, one.exact, plan.outputs)
        if len(siblings) == 1:
            written.append(sink(frame, imputation, index))
            continue
        # What is left over goes to another file from each partition, so that files are as long as partitions.
        edges = (np.arange(len(siblings) + 1) * len(frame) + (index - siblings.start)) // len(siblings)
        path, sha256 = records.write(_set_name(imputation, index), sliced(sink.schema.table(frame), edges))
        files[path] = sha256
    counted = tally(table, shape)
    for entry in written:
        files |= entry.hashes
    records.keep(name, {"tally": counted, "written": [entry.as_dict() for entry in written]}, files)
    return counted, written


def shuffle_set(shared: tuple[Partitions, PartSink], task: Task) -> Written:
    """Make one file of the release of its rows in every sibling's set, in random order."""
    partitions, sink = shared
    [imputation] = task.imputations
    kept = sink.find(imputation, task.index)
    if kept is not None:
        return kept
    siblings = partitions.siblings(task.index)
    names = [_set_name(imputation, other) for other in siblings]
    whole = gathered(partitions.records, names, task.index - siblings.start)
    address = {"imputation": imputation, "partition": task.index}
    order = stream(partitions.seed, Stage.MIX, **address).permutation(len(whole))
    return sink(whole.take(order).reset_index(drop=True), imputation, task.index)


def _set_name(imputation: int, partition: int) -> str:
    return f"set-{imputation + 1}-{partition:06d}.arrow"
