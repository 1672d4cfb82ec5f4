"""A table in parts, none of which needs the others: what is done to a chunk, to a part, to a file of the release.

    chunk ──> scan      what it holds (kinds, levels, counts): small, and merged to the codebook of the whole
    chunk ──> deal      its rows dealt to the parts, one slice for each part of one file for each chunk
    part  ──> look      what only its cells tell (which a rule selects, which columns follow from others): counts
    part  ──> draw      its slices of all those files are one table, synthesized by itself; each set in one file,
                        with a slice for each file of the release that will hold some of its rows
    file  ──> mix       its slice of every sibling's set, shuffled: where a row stands tells nothing of its part

Rows are dealt at random, so each part is a random sample of its stratum; the sizes of parts differ by one at most.
Every piece is a function of small arguments and of files; it writes files and returns a small record. None of them
holds more than its chunk, its part, or its file. A piece that is recorded as finished is not made again.

Intermediate files are Arrow's, a record batch for each slice: to read one costs the same however many there are (a
Parquet footer grows with them, and with thousands of parts is longer than the slice).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.errors import RunError, SpecError, nearest
from replicant.plan import build_plan
from replicant.plan.column import Partition
from replicant.plan.model import Plan, Task
from replicant.plan.seeds import Stage, stream
from replicant.plan.seen import Seen
from replicant.plan.seen import look as looked_at
from replicant.plan.whole import Whole
from replicant.release.arrow import from_arrow
from replicant.release.schema import to_arrow
from replicant.run import work
from replicant.run.identifiers import with_spaces
from replicant.run.partial_results import Records
from replicant.run.release_writer import PartSink, Written
from replicant.spec.models import SynthesisSpec
from replicant.table import Chunk, Codebook, Dataset, Scan, Table, encode_table, scan
from replicant.table.codebook import as_spec
from replicant.utility.summary import Outline, Tally, outline, tally

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Counted", "Head", "Parts", "count", "deal", "draw", "head", "look", "mix"]

Key: TypeAlias = tuple[Any, ...]
"""A stratum: the levels of its columns, None for missing."""

SIBLINGS = 256
"""Parts whose rows are mixed at most: work grows with the rows then, not with the square of the parts."""


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
class Parts:
    """How a table is cut, for every piece of it; small, and it pickles.

    Attributes
    ----------
    dataset, chunks
        The file, and how it is read.
    scan, codebook
        What the whole table holds, and so its kinds and levels: every part has the same.
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
        For each chunk and group, its rows in earlier chunks: where dealing goes on.
    first
        (groups + 1,) first part of each group.
    sizes, k
        Rows, and synthetic rows, of each part.
    records
        Where pieces are kept.
    """

    dataset: Dataset
    chunks: tuple[Chunk, ...]
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
    records: Records

    @property
    def count(self) -> int:
        """How many parts there are."""
        return len(self.sizes)

    @property
    def seed(self) -> int:
        """Of all streams."""
        seed = self.synthesis.seed
        if seed is None:
            raise TypeError("the seed is settled before")
        return seed

    def siblings(self, part: int) -> range:
        """Parts of the same group, neighbours among them where they are many: among these rows are mixed."""
        group = int(np.searchsorted(self.first, part, side="right")) - 1
        start, stop = int(self.first[group]), int(self.first[group + 1])
        runs = -(-(stop - start) // SIBLINGS)
        edges = start + np.arange(runs + 1) * (stop - start) // runs
        at = int(np.searchsorted(edges, part, side="right")) - 1
        return range(int(edges[at]), int(edges[at + 1]))

    def table(self, part: int, columns: Sequence[str] | None = None) -> Table:
        """The rows of a part, encoded by the codebook of the whole; some columns, or all."""
        names = [f"{_dealt_name(chunk.index)}.arrow" for chunk in self.chunks]
        if columns is None:
            table = encode_table(_gathered(self.records, names, part), self.codebook, judged=True)
        else:
            codebook = {name: self.codebook[name] for name in columns}
            sources = {self.scan[name].source for name in columns}
            table = encode_table(_gathered(self.records, names, part, sources), codebook, judged=True)
        types = self.whole.types
        # Nor do the digits of a part say how many the whole has.
        typed = tuple(
            replace(one, dtype=types.get(one.name, one.dtype), decimals=self.codebook[one.name].decimals)
            for one in table.columns
        )
        # What is unusual about the whole is known; what is about a part is chance.
        table = replace(table, columns=typed, events=())
        return with_spaces(self, table) if columns is None else table

    def plan(self, part: int, table: Table) -> Plan:
        """The plan of a part: what the whole table says is done to every column, whatever occurs in the part."""
        plan = build_plan(self.synthesis, table, self.methods, self.whole)
        partitions = tuple(Partition(i, None, int(k)) for i, k in enumerate(self.k))
        return replace(plan, partitions=partitions, n=table.n, k=int(self.k[part]))


@dataclass(frozen=True, repr=False)
class Head:
    """What all parts share.

    Attributes
    ----------
    plan
        Without a cell: what the manifest says.
    table
        Its columns without a cell.
    outline
        What is counted of every part.
    """

    plan: Plan
    table: Table
    outline: Outline


def count(
    dataset: Dataset, chunk: Chunk, columns: Mapping[str, Any], strata: Sequence[str], drop: Sequence[str] = ()
) -> Counted:
    """See what a chunk holds."""
    frame = dataset.read(chunk)
    found = scan(frame, columns, drop=drop, chunk=chunk.index)
    return Counted(chunk.index, found, _sizes(frame, columns, strata))


def deal(parts: Parts, chunk: Chunk) -> int:
    """Deal the rows of a chunk to the parts; gives back how many there were."""
    name = _dealt_name(chunk.index)
    if parts.records.find(name) is not None:
        return chunk.rows
    # What was dropped is not even dealt.
    wanted = list(dict.fromkeys(column.source for column in parts.scan.columns))
    frame = parts.scan.conform(parts.dataset.read(chunk)[wanted]).reset_index(drop=True)
    member = _members(parts, chunk.index, frame)
    order = np.argsort(member, kind="stable")
    edges = np.searchsorted(member[order], np.arange(parts.count + 1))
    content = _sliced(to_arrow(frame.take(order)), edges)
    parts.records.keep(name, {"rows": len(frame)}, dict([parts.records.write(f"{name}.arrow", content)]))
    return len(frame)


def look(parts: Parts, names: Sequence[str], part: int) -> Seen:
    """Count what only the cells of a part tell, in the columns that it depends on."""
    return looked_at(parts.synthesis, parts.table(part, names), parts.dataset.rows).seen()


def head(parts: Parts) -> Head:
    """The plan of the whole, as it is made for the first part."""
    table = parts.table(0)
    made = parts.plan(0, table)
    # No cell leaves its machine, but that only some are replaced decides how the release is pooled.
    nothing = np.zeros(0, dtype=np.bool_)
    columns = tuple(replace(one, where=None if one.where is None else nothing) for one in made.columns)
    return Head(replace(made, columns=columns), table.without_cells(), outline(table))


def draw(
    parts: Parts, part: int, imputations: Sequence[int], shape: Outline, sink: PartSink
) -> tuple[Tally, list[Written]]:
    """Synthesize a part; gives back what was counted in its real rows, and the files of the release, if it made any.

    A part that has its stratum to itself is a file of the release. The others' sets wait to be mixed.
    """
    alone = len(parts.siblings(part)) == 1
    name = f"drawn-{part:06d}-{imputations[0]}-{imputations[-1]}"
    kept = parts.records.find(name)
    if kept is not None:
        return kept["tally"], [Written.of(one) for one in kept["written"]]
    table = parts.table(part)
    plan = parts.plan(part, table)
    room = work.prepare(table, plan, part)
    files: dict[str, str] = {}
    written: list[Written] = []

    def keep(frame: pd.DataFrame, imputation: int, partition: int) -> None:
        if alone:
            written.append(sink(frame, imputation, partition))
            return
        siblings = parts.siblings(part)
        # What is left over goes to another file from each part, so that files are as long as parts.
        edges = (np.arange(len(siblings) + 1) * len(frame) + (part - siblings.start)) // len(siblings)
        path, sha256 = parts.records.write(_set_name(imputation, part), _sliced(sink.schema.table(frame), edges))
        files[path] = sha256

    work.draw(room, plan, Task(name, "draw", tuple(imputations), part), [], keep)
    counted = tally(table, shape)
    for one in written:
        files |= one.hashes
    said = {"tally": counted, "written": [one.as_dict() for one in written]}
    parts.records.keep(name, said, files)
    return counted, written


def mix(parts: Parts, part: int, imputation: int, sink: PartSink) -> Written:
    """Make one file of the release of its rows in every part's set, in random order."""
    kept = sink.find(imputation, part)
    if kept is not None:
        return kept
    siblings = parts.siblings(part)
    names = [_set_name(imputation, other) for other in siblings]
    whole = _gathered(parts.records, names, part - siblings.start)
    order = stream(parts.seed, Stage.MIX, imputation=imputation, partition=part).permutation(len(whole))
    return sink(whole.take(order).reset_index(drop=True), imputation, part)


def _sizes(frame: pd.DataFrame, columns: Mapping[str, Any], names: Sequence[str]) -> dict[Key, int]:
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


def _members(parts: Parts, chunk: int, frame: pd.DataFrame) -> NDArray[np.int64]:
    """The part of each row: within its group, rows are dealt round after round in random order."""
    n = len(frame)
    stratum, keys = _strata(frame, parts.codebook, parts.strata)
    group = np.array([parts.group[key] for key in keys], dtype=np.int64)[stratum]
    rng = stream(parts.seed, Stage.SPLIT, partition=chunk)
    order = np.lexsort((rng.random(n), group))
    edges = np.searchsorted(group[order], np.arange(len(parts.first)))
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - edges[group[order]]
    hands = np.diff(parts.first)[group]
    return np.asarray(parts.first[group] + (parts.before[chunk][group] + rank) % hands)


def _sliced(rows: Any, edges: NDArray[np.int64]) -> Any:
    """An Arrow file with a record batch for each pair of edges, empty ones too."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))
    batch = rows.combine_chunks().to_batches()
    whole = batch[0] if batch else pa.RecordBatch.from_pylist([], schema=rows.schema)
    with pa.ipc.new_file(sink, rows.schema, options=options) as writer:
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            writer.write_batch(whole.slice(low, high - low))
    return sink.getvalue()


def _gathered(
    records: Records, names: Sequence[str], index: int, columns: Collection[str] | None = None
) -> pd.DataFrame:
    """One slice of each of several files, as one frame; some columns, or all."""
    import pandas as pd
    import pyarrow as pa

    batches = []
    with records.folder.guard("read"):
        for name in names:
            with records.folder.open(name) as stream_:
                try:
                    batch = pa.ipc.open_file(stream_).get_batch(index)
                except (pa.ArrowException, IndexError) as error:
                    # No fault of the data: what else is finished is kept, and this file is made again.
                    raise RunError(f"An intermediate file is damaged ({type(error).__name__}).") from None
            batches.append(batch)
    batches = [batch for batch in batches if batch.num_rows] or batches[:1]
    # Files whose columns are stored alike are put together before they become frames, which is far less work.
    alike = groupby(batches, key=lambda batch: (batch.schema, batch.schema.metadata))
    frames = [from_arrow(pa.Table.from_batches(list(some)).unify_dictionaries(), columns) for _, some in alike]
    return pd.concat(frames, ignore_index=True)


def _dealt_name(chunk: int) -> str:
    return f"dealt-{chunk:06d}"


def _set_name(imputation: int, part: int) -> str:
    return f"set-{imputation + 1}-{part:06d}.arrow"
