"""A table in chunks: of Parquet that any worker reads for itself, or of frames that are held where the tasks run.

A chunk has half a million rows, or what its first sections have if that is more; so the same rows in the same sections,
row groups or held frames, are the same chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from replicant.run.holdout import Holdout
from replicant.table import Chunk, Dataset
from replicant.table.dataset import joined

if TYPE_CHECKING:
    import pandas as pd

    from replicant.plan.recoding import Recoder

__all__ = ["CHUNK_ROWS", "Chunks", "FileChunks", "HeldChunks", "MovedChunks", "measured"]

CHUNK_ROWS = 500_000
"""Rows that are read at a time when the table is shuffled into its partitions."""


class Chunks(Protocol):
    """A table that is read a chunk at a time; small, and it travels to whoever reads."""

    @property
    def signature(self) -> str:
        """A digest that another table does not have."""
        ...

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of each chunk."""
        ...

    def needs(self, index: int) -> tuple[str, ...]:
        """Keys of what a task must be given to read a chunk."""
        ...

    def read(self, index: int, held: Sequence[pd.DataFrame] = (), columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of a chunk, with the columns in order; some columns, or all."""
        ...


@dataclass(frozen=True, repr=False)
class FileChunks:
    """Chunks of Parquet.

    Attributes
    ----------
    dataset
        The files.
    chunks
        What is read at a time.
    holdout
        Rows that are left out of each chunk.
    held
        Whether the chunks are of these rows, and not of the others.
    """

    dataset: Dataset
    chunks: tuple[Chunk, ...]
    holdout: Holdout | None = None
    held: bool = False

    @classmethod
    def of(cls, dataset: Dataset, holdout: Holdout | None = None) -> FileChunks:
        """The chunks of a dataset."""
        return cls(dataset, dataset.chunks(CHUNK_ROWS), holdout)

    @property
    def signature(self) -> str:
        return self.dataset.signature if self.holdout is None else f"{self.dataset.signature} {self.holdout.share}"

    @property
    def sizes(self) -> tuple[int, ...]:
        if self.holdout is None:
            return tuple(chunk.rows for chunk in self.chunks)
        return tuple(self.holdout.rows(one.rows) if self.held else self._rest(one.rows) for one in self.chunks)

    def _rest(self, rows: int) -> int:
        return rows if self.holdout is None else rows - self.holdout.rows(rows)

    def needs(self, index: int) -> tuple[str, ...]:
        return ()

    def read(self, index: int, held: Sequence[pd.DataFrame] = (), columns: Sequence[str] | None = None) -> pd.DataFrame:
        dataset = self.dataset if columns is None else replace(self.dataset, columns=tuple(columns))
        frame = dataset.read(self.chunks[index])
        if self.holdout is None:
            return frame
        chosen = np.flatnonzero(self.holdout.mask(len(frame), index) == self.held)
        return frame.iloc[chosen].reset_index(drop=True)


@dataclass(frozen=True, repr=False)
class HeldChunks:
    """Chunks of frames that are held where tasks run.

    Attributes
    ----------
    sections
        Of each chunk, the numbers of its frames.
    sizes
        Rows of each chunk.
    signature
        A digest of all cells.
    """

    sections: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    signature: str

    @classmethod
    def of(cls, facts: Sequence[tuple[int, str]]) -> HeldChunks:
        """The chunks of frames of which `measured` says this."""
        groups = joined([rows for rows, _ in facts], CHUNK_ROWS)
        sizes = tuple(sum(facts[i][0] for i in group) for group in groups)
        return cls(tuple(groups), sizes, hashlib.sha256(repr(facts).encode()).hexdigest())

    def needs(self, index: int) -> tuple[str, ...]:
        return tuple(f"frame-{i}" for i in self.sections[index])

    def read(self, index: int, held: Sequence[pd.DataFrame] = (), columns: Sequence[str] | None = None) -> pd.DataFrame:
        return _below([frame if columns is None else frame[list(columns)] for frame in held])


@dataclass(frozen=True, repr=False)
class MovedChunks:
    """Chunks of which cells are recoded record by record when they are read.

    Attributes
    ----------
    chunks
        As they are.
    recoder
        What is done to them.
    """

    chunks: Chunks
    recoder: Recoder

    @property
    def signature(self) -> str:
        return self.chunks.signature

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.chunks.sizes

    def needs(self, index: int) -> tuple[str, ...]:
        return self.chunks.needs(index)

    def read(self, index: int, held: Sequence[pd.DataFrame] = (), columns: Sequence[str] | None = None) -> pd.DataFrame:
        if columns is not None and self.recoder.moved.isdisjoint(columns):
            return self.chunks.read(index, held, columns)
        frame = self.recoder.move(self.chunks.read(index, held), index)
        return frame.loc[:, list(columns)] if columns is not None else frame


def _below(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames below one another; categories of a column are those of all."""
    import pandas as pd

    whole = pd.concat(frames, ignore_index=True)
    for name in whole:
        if whole[name].dtype == object and all(isinstance(frame[name].dtype, pd.CategoricalDtype) for frame in frames):
            cells = [frame[name].array for frame in frames]
            whole[name] = pd.api.types.union_categoricals(cells, ignore_order=True, sort_categories=True)
    return whole


def measured(shared: Any, task: Any, frame: pd.DataFrame) -> tuple[int, str]:
    """Rows of a held frame, and a digest of its cells."""
    import pandas as pd

    digest = hashlib.sha256(repr([(str(name), str(dtype)) for name, dtype in frame.dtypes.items()]).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return len(frame), digest.hexdigest()
