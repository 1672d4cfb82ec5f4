"""What a table in parts has of identifiers, for new ones to be made up that are none of them.

No process sees all of them. A pass over the table, in a few runs of chunks, notes their patterns and, in bits that tell
nothing back, which hashes are taken; whoever makes up new ones puts the notes of all runs together.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.table import Chunk, ColumnType, Kind, Table, encode_table
from replicant.table.shapes import Pattern
from replicant.table.surrogates import Space, limit_of, taken_bits, union_of_bits

if TYPE_CHECKING:
    from replicant.run.pieces import Parts

__all__ = ["made_up", "note", "runs", "with_spaces"]

RUNS = 16
"""Files of notes, of whatever table: each is as long as the bits of the whole."""


def made_up(parts: Parts) -> tuple[str, ...]:
    """Identifiers of which new values are made up."""
    method = parts.synthesis.method
    wanted = {} if isinstance(method, str) else method
    known = [name for name, spec in parts.codebook.items() if spec.kind is Kind.IDENTIFIER]
    return tuple(name for name in known if wanted.get(name) == "surrogate")


def runs(parts: Parts) -> list[tuple[Chunk, ...]]:
    """The chunks in a few runs."""
    edges = np.linspace(0, len(parts.chunks), min(len(parts.chunks), RUNS) + 1).astype(int)
    return [parts.chunks[a:b] for a, b in pairwise(edges.tolist())]


def note(parts: Parts, at: int) -> int:
    """Note what the identifiers of a run of chunks are like; gives back its rows."""
    run = runs(parts)[at]
    rows = sum(chunk.rows for chunk in run)
    name = _name(at)
    if parts.records.find(name) is not None:
        return rows
    wanted = made_up(parts)
    sources = {one: parts.scan[one].source for one in wanted}
    dataset = replace(parts.dataset, columns=tuple(dict.fromkeys(sources.values())))
    patterns: dict[str, Pattern | None] = {}
    bits: dict[str, Any] = {}
    for chunk in run:
        frame = dataset.read(chunk)
        for one in wanted:
            said = {one: parts.codebook[one].model_copy(update={"source": None})}
            values = encode_table(frame[[sources[one]]].set_axis([one], axis=1), said, judged=True)[one].originals
            limit = limit_of(values, ColumnType(parts.scan[one].dtype()).number)
            found = None if limit == 0 else Pattern.of(values, limit)
            known = patterns.get(one, Pattern({}, limit))
            patterns[one] = None if found is None or known is None else known.merge(found)
            taken = taken_bits(values, parts.dataset.rows)
            bits[one] = union_of_bits([bits[one], taken]) if one in bits else taken
    files = [parts.records.write(_file(at, j), bits[one].tobytes()) for j, one in enumerate(wanted)]
    told = {one: None if pattern is None else pattern.as_dict() for one, pattern in patterns.items()}
    parts.records.keep(name, {"patterns": told}, dict(files))
    return rows


def with_spaces(parts: Parts, table: Table) -> Table:
    """A part of the table whose identifiers can be made up: of the pattern of all real ones, and none of them."""
    spaces = {one: _space(parts, j, one) for j, one in enumerate(made_up(parts))}
    columns = (replace(c, space=spaces[c.name]) if c.name in spaces else c for c in table.columns)
    return replace(table, columns=tuple(columns)) if spaces else table


def _space(parts: Parts, j: int, name: str) -> Space | None:
    count = len(runs(parts))
    found = [parts.records.find(_name(at)) for at in range(count)]
    said = [None if one is None else one["patterns"][name] for one in found]
    patterns = [Pattern.from_dict(one) for one in said if one is not None]
    if len(patterns) < count:
        return None
    bits = [np.frombuffer(parts.records.folder.read(_file(at, j)), np.uint8) for at in range(count)]
    return Space.of(reduce(Pattern.merge, patterns), parts.dataset.rows, union_of_bits(bits))


def _name(at: int) -> str:
    return f"identifiers-{at:02d}"


def _file(at: int, column: int) -> str:
    return f"identifiers-{at:02d}-{column}.bits"
