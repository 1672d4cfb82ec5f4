"""What a table in chunks has of identifiers, for new ones to be made up that are none of them.

No process sees all of them. A stage notes their patterns, in a few runs of chunks, and, in bits that cannot be turned
back, which hashes are taken; whoever makes up new ones puts the notes of all runs together.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.plan.surrogates import named
from replicant.table import Chunk, ColumnType, Kind, Table, encode_table
from replicant.table.shapes import Pattern
from replicant.table.surrogates import Space, limit_of, taken_bits, union_of_bits

if TYPE_CHECKING:
    from replicant.run.partitioning import Partitions

__all__ = ["made_up", "note", "runs", "with_spaces"]

RUNS = 16
"""Files of notes, of whatever table: each is as long as the bits of the whole."""


def made_up(partitions: Partitions) -> tuple[str, ...]:
    """Identifiers of which new values are made up."""
    wanted = named(partitions.synthesis)
    return tuple(name for name, spec in partitions.codebook.items() if spec.kind is Kind.IDENTIFIER and name in wanted)


def runs(partitions: Partitions) -> list[tuple[Chunk, ...]]:
    """The chunks in a few runs."""
    edges = np.linspace(0, len(partitions.chunks), min(len(partitions.chunks), RUNS) + 1).astype(int)
    return [partitions.chunks[a:b] for a, b in pairwise(edges.tolist())]


def note(partitions: Partitions, at: int) -> int:
    """Note what the identifiers of a run of chunks are like; gives back its rows."""
    run = runs(partitions)[at]
    rows = sum(chunk.rows for chunk in run)
    name = _name(at)
    if partitions.records.find(name) is not None:
        return rows
    wanted = made_up(partitions)
    sources = {one: partitions.scan[one].source for one in wanted}
    dataset = replace(partitions.dataset, columns=tuple(dict.fromkeys(sources.values())))
    patterns: dict[str, Pattern | None] = {}
    bits: dict[str, Any] = {}
    for chunk in run:
        frame = dataset.read(chunk)
        for one in wanted:
            said = {one: partitions.codebook[one].model_copy(update={"source": None})}
            values = encode_table(frame[[sources[one]]].set_axis([one], axis=1), said, judged=True)[one].originals
            limit = limit_of(values, ColumnType(partitions.scan[one].dtype()).number)
            found = None if limit == 0 else Pattern.of(values, limit)
            known = patterns.get(one, Pattern({}, limit))
            patterns[one] = None if found is None or known is None else known.merge(found)
            taken = taken_bits(values, partitions.dataset.rows)
            bits[one] = union_of_bits([bits[one], taken]) if one in bits else taken
    files = [partitions.records.write(_file(at, j), bits[one].tobytes()) for j, one in enumerate(wanted)]
    told = {one: None if pattern is None else pattern.as_dict() for one, pattern in patterns.items()}
    partitions.records.keep(name, {"patterns": told}, dict(files))
    return rows


def with_spaces(partitions: Partitions, table: Table) -> Table:
    """A partition whose identifiers can be made up: of the pattern of all real ones, and none of them."""
    spaces = {one: _space(partitions, j, one) for j, one in enumerate(made_up(partitions))}
    columns = (replace(c, space=spaces[c.name]) if c.name in spaces else c for c in table.columns)
    return replace(table, columns=tuple(columns)) if spaces else table


def _space(partitions: Partitions, j: int, name: str) -> Space | None:
    count = len(runs(partitions))
    found = [partitions.records.find(_name(at)) for at in range(count)]
    said = [None if one is None else one["patterns"][name] for one in found]
    patterns = [Pattern.from_dict(one) for one in said if one is not None]
    if len(patterns) < count:
        return None
    bits = [np.frombuffer(partitions.records.folder.read(_file(at, j)), np.uint8) for at in range(count)]
    return Space.of(reduce(Pattern.merge, patterns), partitions.dataset.rows, union_of_bits(bits))


def _name(at: int) -> str:
    return f"identifiers-{at:02d}"


def _file(at: int, column: int) -> str:
    return f"identifiers-{at:02d}-{column}.bits"
