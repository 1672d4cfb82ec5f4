"""Intermediate files: Arrow's, with a record batch for each slice of rows that goes to another place.

To read a slice costs the same however many there are. A Parquet footer grows with them, and with thousands of
partitions would be longer than the slice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import RunError
from replicant.release.arrow import from_arrow
from replicant.run.partial_results import Records

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["gathered", "sliced"]


def sliced(rows: Any, edges: NDArray[np.int64]) -> Any:
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


def gathered(
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
