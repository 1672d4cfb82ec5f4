"""What is done to a chunk of a table, to a partition, and to a set's share of one, none of which needs the others.

    chunk     ──> see          what recodings must know of it, if there are some
    chunk     ──> scan         what it holds (kinds, levels, counts): small, and merged to the codebook of the whole
    chunk     ──> shuffle      its rows, a slice for each partition
    partition ──> count        what only its cells show (which a rule selects, which columns follow from others)
    partition ──> draw         its slices of all chunks are one table, synthesized by itself; each set in slices, one
                               for each file of the release that will hold some of its rows
    file      ──> shuffle_set  its slice of every sibling's set, in random order: the position of a row shows nothing

Every task is a function of small arguments and of slices, which lie in files or are given to it; what it gives back is
small, but for slices that are held. None of them holds more than its chunk, its partition, or its file. A task that is
recorded as finished is not run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from replicant import fcs
from replicant.fcs import NOTHING, Account
from replicant.plan.model import Plan
from replicant.plan.recoding import Survey, survey
from replicant.plan.seeds import Stage, stream
from replicant.plan.seen import Seen
from replicant.plan.seen import look as looked_at
from replicant.plan.task import Task
from replicant.release import OutputSchema, to_arrow
from replicant.run import identifiers
from replicant.run.chunks import Chunks
from replicant.run.part_sink import Written
from replicant.run.partitioning import Key, Partitions, members, shuffled_name, strata_sizes
from replicant.run.slices import Addressed, cut, gathered
from replicant.summaries.summary import Outline, Tally, outline, tally
from replicant.table import Scan, Table, scan

if TYPE_CHECKING:
    import pandas as pd

    from replicant.spec.models import SynthesisSpec

__all__ = [
    "Counted",
    "Drawing",
    "Head",
    "Scanning",
    "SetSink",
    "count",
    "draw",
    "head",
    "look",
    "note",
    "see",
    "shuffle",
]


class Scanning(NamedTuple):
    """What a scan needs: how the table is read, what the user said of columns, the strata, what is dropped."""

    chunks: Chunks
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


class SetSink(Protocol):
    """Takes the rows that a file of the release will hold, and gives back what is kept of them."""

    def find(self, imputation: int, partition: int) -> Any:
        """What is kept of rows that an interrupted run has finished; None if it has not."""
        ...

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int, account: Account = NOTHING) -> Any: ...


class Drawing(NamedTuple):
    """What a draw needs.

    Attributes
    ----------
    partitions
        The partitions.
    outline
        What is counted.
    schema
        How a release stores the columns.
    sink
        Takes the sets of a partition that has its stratum to itself; None if all of them are addressed.
    """

    partitions: Partitions
    outline: Outline
    schema: OutputSchema
    sink: SetSink | None


def count(shared: Scanning, task: Task, *held: pd.DataFrame) -> Counted:
    """See what a chunk holds."""
    chunks, columns, strata, drop = shared
    frame = chunks.read(task.index, held)
    found = scan(frame, columns, drop=drop, chunk=task.index)
    return Counted(task.index, found, strata_sizes(frame, columns, strata))


def see(shared: tuple[Chunks, Mapping[str, Any], SynthesisSpec], task: Task, *held: pd.DataFrame) -> Survey:
    """See what recodings must know of a chunk."""
    chunks, columns, spec = shared
    return survey(chunks.read(task.index, held), columns, spec, task.index)


def note(partitions: Partitions, task: Task, *held: pd.DataFrame) -> tuple[Addressed, None]:
    """Note what the identifiers of a run of chunks are like."""
    return identifiers.note(partitions, task.index, held), None


def shuffle(partitions: Partitions, task: Task, *held: pd.DataFrame) -> tuple[Addressed, int]:
    """The rows of a chunk to their partitions; gives back slices that are held, and how many rows there were."""
    name, rows = shuffled_name(task.index), partitions.chunks.sizes[task.index]
    if partitions.slices.find(name) is not None:
        return [], rows
    # Columns that are dropped are not even kept.
    wanted = list(dict.fromkeys(column.source for column in partitions.scan.columns))
    frame = partitions.scan.conform(partitions.chunks.read(task.index, held)[wanted]).reset_index(drop=True)
    member = members(partitions, task.index, frame)
    order = np.argsort(member, kind="stable")
    edges = np.searchsorted(member[order], np.arange(partitions.count + 1))
    addressed, files = partitions.slices.put(name, dict(enumerate(cut(to_arrow(frame.take(order)), edges))))
    partitions.slices.record(name, {"rows": rows}, files)
    return addressed, rows


def look(shared: tuple[Partitions, Sequence[str]], task: Task, *held: Any) -> Seen:
    """Count what only the cells of a partition show, in the columns that it depends on."""
    partitions, names = shared
    return looked_at(partitions.synthesis, partitions.table(task.index, held, names), partitions.rows).seen()


def head(partitions: Partitions, task: Task, *held: Any) -> Head:
    """The plan of the whole, as it is made for one partition."""
    table = partitions.table(task.index, held)
    plan = partitions.plan(task.index, table)
    # No cell leaves its machine, but that only some are replaced decides how the release is pooled.
    nothing = np.zeros(0, dtype=np.bool_)
    columns = tuple(replace(one, where=None if one.where is None else nothing) for one in plan.columns)
    return Head(replace(plan, columns=columns), table.without_cells(), outline(table))


def draw(shared: Drawing, task: Task, *held: Any) -> tuple[Addressed, tuple[Tally, list[Written], list[Account]]]:
    """Synthesize a partition.

    Returns
    -------
    tuple
        Slices that are held; and what was counted in the real rows, with the files of the release, if any, and the
        accounts of sets that are not in these.
    """
    partitions, shape, schema, sink = shared
    slices, index = partitions.slices, task.index
    siblings = partitions.siblings(index)
    name = f"drawn-{index:06d}-{task.imputations[0]}-{task.imputations[-1]}"
    kept = slices.find(name)
    if kept is not None:
        accounts = [Account.of(one) for one in kept["accounts"]]
        return [], (kept["tally"], [Written.of(one) for one in kept["written"]], accounts)
    table = partitions.table(index, held)
    plan = partitions.plan(index, table)
    addressed: Addressed = []
    files: dict[str, str] = {}
    written: list[Written] = []
    accounts = []
    planted = fcs.plant(table, plan, index)
    seen, canaries = (table, 0) if planted is None else (planted.table, len(planted.canaries))
    drawn = fcs.impute(fcs.prepare(seen, plan, index, canaries), plan, task.imputations)
    for imputation, one in zip(task.imputations, drawn, strict=True):
        account = fcs.account_of(one, imputation, plan)
        if planted is not None:
            one, counts = fcs.take_out(one, planted, plan, index, imputation)  # noqa: PLW2901
            account = replace(account, canaries=counts)
        frame = table.to_frame(one.codes, one.exact, plan.outputs)
        if sink is not None and len(siblings) == 1:
            written.append(sink(frame, imputation, index, account))
            continue
        accounts.append(account)
        # What is left over goes to another file from each partition, so that files are as long as partitions.
        edges = (np.arange(len(siblings) + 1) * len(frame) + (index - siblings.start)) // len(siblings)
        targets = (partitions.address(imputation, sibling) for sibling in siblings)
        batches = dict(zip(targets, cut(schema.table(frame), edges), strict=True))
        some, some_files = slices.put(_set_name(imputation, index), batches)
        addressed += some
        files |= some_files
    counted = tally(table, shape)
    for entry in written:
        files |= entry.hashes
    facts = {"written": [entry.as_dict() for entry in written], "accounts": [account.as_dict() for account in accounts]}
    slices.record(name, {"tally": counted, **facts}, files)
    return addressed, (counted, written, accounts)


def shuffle_set(shared: tuple[Partitions, SetSink], task: Task, *held: Any) -> Any:
    """Make one file of the release of its rows in every sibling's set, in random order."""
    partitions, sink = shared
    [imputation] = task.imputations
    kept = sink.find(imputation, task.index)
    if kept is not None:
        return kept
    siblings = partitions.siblings(task.index)
    names = [_set_name(imputation, other) for other in siblings]
    whole = gathered(partitions.slices.get(names, task.index - siblings.start, held[0] if held else ()))
    if len(siblings) > 1:
        address = {"imputation": imputation, "partition": task.index}
        order = stream(partitions.seed, Stage.RESHUFFLE, **address).permutation(len(whole))
        whole = whole.take(order).reset_index(drop=True)
    return sink(whole, imputation, task.index)


def _set_name(imputation: int, partition: int) -> str:
    return f"set-{imputation + 1}-{partition:06d}"
