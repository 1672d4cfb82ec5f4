"""The tables of an evaluation, in whatever form they are given: real rows, m sets of any make, and a holdout.

Nothing is read here but what says how the tables are laid out: rows are loaded partition by partition when a measure
asks for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from replicant.analysis.data import recoded
from replicant.analysis.data import typed as typed_by
from replicant.errors import DataError, SpecError
from replicant.estimate.partitions import partitioned
from replicant.evaluation.grouping import GROUPS, Grouped
from replicant.evaluation.rows import Coding, Rows
from replicant.evaluation.schema import Schema, compare_schemas
from replicant.events import Event
from replicant.plan.names import SET_COLUMN
from replicant.release import SyntheticSets, read_release
from replicant.storage.folder import MANIFEST
from replicant.storage.location import Location
from replicant.table import Codebook, Table, is_dask_frame, read_chunks, read_data
from replicant.table.codebook import as_specs

if TYPE_CHECKING:
    from replicant.analysis import Data
    from replicant.table import ColumnSpec
    from replicant.table.arrays import Floats

__all__ = ["Inputs", "aligned", "frame_in_memory", "in_memory", "inputs", "synthetic_sets"]

T = TypeVar("T")

MOST_ROWS = 200_000
"""Rows of a table that measures of whole rows look at."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """The tables, and what their columns are.

    Attributes
    ----------
    real, sets, holdout
        Each a frame, functions that load partitions, or partitions elsewhere.
    schema
        What all of them have.
    findings
        Differences, and what was found of the holdout.
    held
        Rows of the holdout.
    manifest
        What the sets say of themselves; of sets of other tools nothing.
    book
        What is declared of the columns.
    canaries
        What came back of planted canaries; None if there were none, or nobody knows.
    """

    real: Data
    sets: Sequence[Data]
    holdout: Data | None
    schema: Schema
    findings: tuple[Event, ...]
    held: int
    manifest: Mapping[str, Any]
    book: Mapping[str, ColumnSpec]
    canaries: Mapping[str, Any] | None = None

    @property
    def observed(self) -> bool:
        """Whether each row of a set was drawn for a real record, as the sets' manifest says."""
        return bool(self.manifest.get("config", {}).get("conditioning") == "observed")

    @property
    def aligned(self) -> bool:
        """Whether row i of every set is the real record i."""
        return aligned(self.manifest)

    @property
    def kept(self) -> frozenset[str]:
        """Columns of which the sets hold the real cells, as their manifest says."""
        columns = self.manifest.get("columns", ())
        return frozenset(str(one["name"]) for one in columns if one.get("synthesized") == "none")

    def declared(self, names: Sequence[str]) -> dict[str, ColumnSpec]:
        """What is declared of some columns, as the tables have them: those made from a raw column are made already."""
        made = {"source": None, "labels": None}
        known = {name: spec for name, spec in self.book.items() if name in names}
        return {name: spec.model_copy(update=made) if spec.source else spec for name, spec in known.items()}

    @property
    def coding(self) -> Coding:
        """How rows become arrays."""
        return self.schema.coding


def inputs(
    real: Any,
    syn: Any,
    holdout: Any = None,
    *,
    columns: Mapping[str, Any] | None = None,
    weights: str | None = None,
    reading: Mapping[str, Any] | None = None,
    groups: Grouped = GROUPS,
) -> Inputs:
    """Find out what is given.

    Parameters
    ----------
    real, holdout
        A frame of any make, an encoded `Table`, a `dask.dataframe`, or a path or URL.
    syn
        A `Synthesis` or a release (or where it is); or sets that any tool made: one of the forms above, a list of
        them, or one below the other with a column `imputation`.
    columns
        A codebook; a release brings its own.
    weights
        A column of weights.
    reading
        How text files are written.
    groups
        How many groups of numbers, or where they begin.

    Raises
    ------
    DataError, SpecError
        A table cannot be read, or the tables have nothing in common.
    """
    if isinstance(syn, (str, os.PathLike)) and _is_release(syn):
        syn = read_release(syn)
    book: dict[str, ColumnSpec] = as_specs(columns)
    manifest: Mapping[str, Any] = {}
    canaries = None
    if isinstance(syn, SyntheticSets):
        said = Codebook.from_manifest(syn.manifest)
        # Raw values become labels; coded missing values stay what they are, for they are told apart here.
        raw = {name for name, spec in said.items() if spec.labels or spec.source}
        sets: list[Data] = list(syn._all)
        here, kept = (
            None if one is None else typed_by(syn._observed(one, reading), syn.manifest, raw) for one in (real, holdout)
        )
        assert here is not None
        manifest, canaries = syn.manifest, syn.canaries
        book = {**said, **book}
    else:
        here = recoded(_data(real, reading, book), book)
        kept = None if holdout is None else recoded(_data(holdout, reading, book), book)
        sets = _sets(syn, here, reading, book)
    schema = compare_schemas(here, sets, book, holdout=kept, weights=weights, groups=groups)
    findings = [*schema.findings]
    held = 0
    if kept is not None:
        held, lacking = _held(kept, schema)
        if lacking:
            raise DataError(
                f"the holdout lacks {len(lacking)} columns: {', '.join(lacking[:5])}",
                need="the columns of the real table",
                fix="hold rows of the real table out, with all columns",
            )
    return Inputs(here, sets, kept, schema, tuple(findings), held, manifest, book, canaries)


def aligned(manifest: Mapping[str, Any]) -> bool:
    """Whether the rows of a release are the real records, in their order."""
    config = manifest.get("config", {})
    return config.get("conditioning") == "observed" and not config.get("shuffle", True)


def synthetic_sets(syn: Any, given: Inputs) -> tuple[list[Data], Mapping[str, Any]]:
    """The sets of another release or of another tool, and what their manifest says; nothing of sets of other tools."""
    if isinstance(syn, (str, os.PathLike)) and _is_release(syn):
        syn = read_release(syn)
    if isinstance(syn, SyntheticSets):
        return list(syn._all), syn.manifest
    return _sets(syn, given.real, None, given.book), {}


def in_memory(data: Data, coding: Coding, most: int = MOST_ROWS) -> Rows:
    """The rows of a table, or, of more than `most`, evenly chosen ones."""
    return _some_of(data, most, coding.rows, Rows.combine)


def frame_in_memory(data: Data, most: int = MOST_ROWS) -> pd.DataFrame:
    """The same rows as they are."""
    return _some_of(data, most, _as_it_is, _below)


def _some_of(data: Data, most: int, made: Callable[[pd.DataFrame], T], combine: Callable[[T, T], T]) -> T:
    source = partitioned(data)
    step = max(source.reduce(_count, _sum) / most, 1.0)
    return source.reduce(partial(_some, made=made, step=step), combine)


def _count(frame: pd.DataFrame, weights: Floats | None) -> int:
    return len(frame)


def _sum(one: int, other: int) -> int:
    return one + other


def _some(frame: pd.DataFrame, weights: Floats | None, *, made: Callable[[pd.DataFrame], T], step: float) -> T:
    if step > 1:
        frame = frame.iloc[np.arange(0, len(frame), step).astype(np.intp)]
    return made(frame)


def _as_it_is(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def _below(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([one, other], ignore_index=True)


def _held(holdout: Data, schema: Schema) -> tuple[int, list[str]]:
    names, rows = partitioned(holdout).reduce(_named, _first_named)
    return rows, [name for name in schema.coding.names if name not in names]


def _named(frame: pd.DataFrame, weights: Floats | None) -> tuple[frozenset[str], int]:
    return frozenset(map(str, frame.columns)), len(frame)


def _first_named(one: tuple[frozenset[str], int], other: tuple[frozenset[str], int]) -> tuple[frozenset[str], int]:
    return one[0], one[1] + other[1]


def _is_release(path: str | os.PathLike[str]) -> bool:
    from replicant.storage.open import open_folder

    location = Location.of(path)
    return location.is_folder and MANIFEST in open_folder(os.fspath(path)).files()


def _data(given: Any, reading: Mapping[str, Any] | None, book: Mapping[str, ColumnSpec]) -> Data:
    if is_dask_frame(given):
        from replicant.execution.dask_frames import partitions_of

        return [partial(one.compute, scheduler="sync") for one in partitions_of(given)]
    if isinstance(given, (str, os.PathLike)):
        return read_chunks(given, reading=reading, codebook=book)
    frame = read_data(given.observed() if isinstance(given, Table) else given)
    return frame.rename(columns=str)


def _sets(syn: Any, real: Data, reading: Mapping[str, Any] | None, book: Mapping[str, ColumnSpec]) -> list[Data]:
    if isinstance(syn, (list, tuple)):
        if not syn:
            raise DataError("there is no synthetic set", need="at least one set beside the real table")
        return [_data(one, reading, book) for one in syn]
    if isinstance(syn, Mapping):
        raise SpecError("the sets are a mapping", need="a Synthesis, a release, a frame, a path, or a list of frames")
    one = _data(syn, reading, book)
    known = real.columns if isinstance(real, pd.DataFrame) else ()
    if isinstance(one, pd.DataFrame) and SET_COLUMN in one and SET_COLUMN not in known:
        parts = [part.drop(columns=SET_COLUMN) for _, part in one.groupby(SET_COLUMN, sort=True)]
        return [part.reset_index(drop=True) for part in parts]
    return [one]
