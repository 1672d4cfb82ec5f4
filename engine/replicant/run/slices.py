"""Rows on their way between stages: in Arrow files that any worker can read, or held by the workers that made them.

Rows that go to several partitions or files are a batch for each. A file has a record batch for each: to read one costs
the same however many there are; a Parquet footer grows with them, and with thousands of partitions would be longer than
the batch. What is held is addressed, and the executor exchanges it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from replicant.errors import RunError
from replicant.release.arrow import from_arrow
from replicant.run.partial_results import Records

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Addressed", "FileSlices", "HeldSlices", "Slices", "cut", "gathered"]

Addressed = list[tuple[int, bytes]]
"""Batches as bytes, each with the number of the one that it is for."""


class Slices(Protocol):
    """Where rows are between two stages; it travels to workers."""

    held: ClassVar[bool]
    """Whether tasks are given them."""

    def find(self, name: str) -> dict[str, Any] | None:
        """What was recorded of a task that an interrupted run has finished."""
        ...

    def put(self, name: str, batches: Mapping[int, pa.RecordBatch]) -> tuple[Addressed, dict[str, str]]:
        """Keep batches, by the number of the one that they are for; gives back what is held of them, or their files."""
        ...

    def record(self, name: str, said: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Record that a task is finished, with its files and their sha256."""
        ...

    def get(self, names: Sequence[str], at: int, held: Sequence[bytes]) -> list[pa.RecordBatch]:
        """The batches for one, which were kept under these names."""
        ...


@dataclass(frozen=True, repr=False)
class FileSlices:
    """Files beside the release in the making, which outlive their run.

    Attributes
    ----------
    records
        The folder.
    """

    held: ClassVar[bool] = False

    records: Records

    def find(self, name: str) -> dict[str, Any] | None:
        return self.records.find(name)

    def record(self, name: str, said: Mapping[str, Any], files: Mapping[str, str]) -> None:
        self.records.keep(name, said, files)

    def put(self, name: str, batches: Mapping[int, pa.RecordBatch]) -> tuple[Addressed, dict[str, str]]:
        content = _written("file", list(batches.values()))
        return [], dict([self.records.write(f"{name}.arrow", content)])

    def get(self, names: Sequence[str], at: int, held: Sequence[bytes]) -> list[pa.RecordBatch]:
        import pyarrow as pa

        batches = []
        with self.records.folder.guard("read"):
            for name in names:
                with self.records.folder.open(f"{name}.arrow") as file, _whole():
                    batches.append(pa.ipc.open_file(file).get_batch(at))
        return batches


@dataclass(frozen=True, repr=False)
class HeldSlices:
    """The memory of the workers that made them."""

    held: ClassVar[bool] = True

    def find(self, name: str) -> dict[str, Any] | None:
        return None

    def record(self, name: str, said: Mapping[str, Any], files: Mapping[str, str]) -> None:
        pass

    def put(self, name: str, batches: Mapping[int, pa.RecordBatch]) -> tuple[Addressed, dict[str, str]]:
        return [(target, bytes(_written("stream", [batch]))) for target, batch in batches.items()], {}

    def get(self, names: Sequence[str], at: int, held: Sequence[bytes]) -> list[pa.RecordBatch]:
        import pyarrow as pa

        return [pa.ipc.open_stream(one).read_next_batch() for one in held]


def cut(rows: pa.Table, edges: NDArray[np.int64]) -> list[pa.RecordBatch]:
    """A batch for each pair of edges, empty ones too."""
    import pyarrow as pa

    batches = rows.combine_chunks().to_batches()
    whole = batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [whole.slice(low, high - low) for low, high in pairs]


def gathered(batches: Sequence[pa.RecordBatch], columns: Collection[str] | None = None) -> pd.DataFrame:
    """Batches as one frame; some columns, or all."""
    import pandas as pd
    import pyarrow as pa

    batches = [batch for batch in batches if batch.num_rows] or batches[:1]
    # Batches whose columns are stored alike are put together before they become frames, which is far less work.
    alike = groupby(batches, key=lambda batch: (batch.schema, batch.schema.metadata))
    frames = [from_arrow(pa.Table.from_batches(list(some)).unify_dictionaries(), columns) for _, some in alike]
    return pd.concat(frames, ignore_index=True)


def _written(form: str, batches: Sequence[pa.RecordBatch]) -> Any:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))
    make = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with make(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


@contextmanager
def _whole() -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, IndexError) as error:
        # No fault of the data: what else is finished is kept, and this file is made again.
        raise RunError(f"An intermediate file is damaged ({type(error).__name__}).") from None
