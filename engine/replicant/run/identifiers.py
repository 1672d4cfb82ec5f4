"""What a table in chunks has of identifiers, for new ones to be made up that are none of them.

No process sees all of them. A stage notes their patterns, in a few runs of chunks, and, in bits that cannot be turned
back, which hashes are taken; whoever makes up new ones puts the notes of all runs together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.plan.surrogates import named
from replicant.run.slices import Addressed
from replicant.table import ColumnType, Kind, Table, encode_table
from replicant.table.shapes import Pattern
from replicant.table.surrogates import Space, limit_of, taken_bits, union_of_bits

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from replicant.run.partitioning import Partitions

__all__ = ["made_up", "note", "runs", "with_spaces"]

RUNS = 16
"""Notes, of whatever table: each is as long as the bits of the whole."""


def made_up(partitions: Partitions) -> tuple[str, ...]:
    """Identifiers of which new values are made up."""
    wanted = named(partitions.synthesis)
    return tuple(name for name, spec in partitions.codebook.items() if spec.kind is Kind.IDENTIFIER and name in wanted)


def runs(partitions: Partitions) -> list[range]:
    """The chunks in a few runs."""
    count = len(partitions.chunks.sizes)
    edges = np.linspace(0, count, min(count, RUNS) + 1).astype(int)
    return [range(a, b) for a, b in pairwise(edges.tolist())]


def note(partitions: Partitions, at: int, held: Sequence[pd.DataFrame]) -> Addressed:
    """Note what the identifiers of a run of chunks are like; gives back what is held of it."""
    import pyarrow as pa

    if partitions.slices.find(_name(at)) is not None:
        return []
    wanted = made_up(partitions)
    sources = {one: partitions.scan[one].source for one in wanted}
    patterns: dict[str, Pattern | None] = {}
    bits: dict[str, Any] = {}
    frames = iter(held)
    for chunk in runs(partitions)[at]:
        own = list(islice(frames, len(partitions.chunks.needs(chunk))))
        frame = partitions.chunks.read(chunk, own, list(dict.fromkeys(sources.values())))
        for one in wanted:
            said = {one: partitions.codebook[one].model_copy(update={"source": None})}
            values = encode_table(frame[[sources[one]]].set_axis([one], axis=1), said, judged=True)[one].originals
            limit = limit_of(values, ColumnType(partitions.scan[one].dtype()).number)
            found = None if limit == 0 else Pattern.of(values, limit)
            known = patterns.get(one, Pattern({}, limit))
            patterns[one] = None if found is None or known is None else known.merge(found)
            taken = taken_bits(values, partitions.rows)
            bits[one] = union_of_bits([bits[one], taken]) if one in bits else taken
    said_of = [json.dumps(one.as_dict()) if one else None for one in map(patterns.get, wanted)]
    columns = {
        "pattern": pa.array(said_of, pa.string()),
        "bits": pa.array([bits[one].tobytes() for one in wanted], pa.large_binary()),
    }
    addressed, files = partitions.slices.put(_name(at), {0: pa.RecordBatch.from_pydict(columns)})
    partitions.slices.record(_name(at), {}, files)
    return addressed


def with_spaces(partitions: Partitions, table: Table, held: Sequence[Addressed]) -> Table:
    """A partition whose identifiers can be made up: of the pattern of all real ones, and none of them."""
    wanted = made_up(partitions)
    if not wanted:
        return table
    names = [_name(at) for at in range(len(runs(partitions)))]
    notes = partitions.slices.get(names, 0, [content for note in held for _, content in note])
    spaces = {one: _space(partitions, notes, j) for j, one in enumerate(wanted)}
    return replace(table, columns=tuple(replace(c, space=spaces.get(c.name, c.space)) for c in table.columns))


def _space(partitions: Partitions, notes: Sequence[pa.RecordBatch], j: int) -> Space | None:
    said = [note["pattern"][j].as_py() for note in notes]
    patterns = [Pattern.from_dict(json.loads(one)) for one in said if one is not None]
    if len(patterns) < len(notes):
        return None
    bits = [np.frombuffer(note["bits"][j].as_py(), np.uint8) for note in notes]
    return Space.of(reduce(Pattern.merge, patterns), partitions.rows, union_of_bits(bits))


def _name(at: int) -> str:
    return f"identifiers-{at:02d}"
