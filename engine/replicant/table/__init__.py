"""Tables: dataframes to typed, encoded columns, and back.

A column becomes codes into its distinct values once per table; trees, replicates and draws all work on these codes, and
cells of the original types are written from them at the very end.
"""

from __future__ import annotations

from replicant.table.arrays import Codes, Floats
from replicant.table.codebook import Codebook, ColumnSpec
from replicant.table.column import Column
from replicant.table.dataset import Chunk, Dataset, read_chunks
from replicant.table.dtypes import ColumnType
from replicant.table.encode import encode_table
from replicant.table.kinds import Kind
from replicant.table.loaded import Loaded
from replicant.table.read import is_dask_frame, read_data, read_dataset, read_table
from replicant.table.reading import Reading
from replicant.table.scan import scan
from replicant.table.scans import Scan, merge_scans
from replicant.table.table import Table

__all__ = [
    "Chunk",
    "Codebook",
    "Codes",
    "Column",
    "ColumnSpec",
    "ColumnType",
    "Dataset",
    "Floats",
    "Kind",
    "Loaded",
    "Reading",
    "Scan",
    "Table",
    "encode_table",
    "is_dask_frame",
    "merge_scans",
    "read_chunks",
    "read_data",
    "read_dataset",
    "read_table",
    "scan",
]
