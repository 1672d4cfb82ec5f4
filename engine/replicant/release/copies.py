"""Copies of the sets for programs that read no Parquet: which formats there are, and how each is made.

A copy lies beside the Parquet files, in a folder of its format, and has the rows of one of them. A format is two
functions: `prepare` derives the metadata of its files from the table, once; `write` makes a file of a partition's rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replicant.release.csv import csv_bytes, sheet_of
from replicant.release.statistical.dta import dta_bytes, prepare_dta
from replicant.release.statistical.sav import prepare_sav, sav_bytes
from replicant.release.workbook import prepare_xlsx, xlsx_bytes

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table import Table

__all__ = ["FORMATS", "CopyFormat"]


@dataclass(frozen=True, slots=True)
class CopyFormat:
    """How copies of one format are made. Its name is the ending of its files.

    Attributes
    ----------
    prepare
        Takes the encoded table (its cells may be gone: `Table.without_cells`) and the most rows that one file will
        hold. Gives what `write` needs; it travels to workers. What the format cannot hold is refused here, before
        anything is written; what it holds otherwise than the table does is said by the `events` of what is given, if
        it has any.
    write
        Takes the rows of a partition and the result of `prepare`, and returns the file as bytes or a buffer. Equal
        rows must give equal bytes.
    """

    prepare: Callable[[Table, int], Any]
    write: Callable[[pd.DataFrame, Any], Any]


FORMATS: dict[str, CopyFormat] = {
    "csv": CopyFormat(lambda table, rows: sheet_of(table), csv_bytes),
    "sav": CopyFormat(lambda table, rows: prepare_sav(table), sav_bytes),
    "dta": CopyFormat(lambda table, rows: prepare_dta(table), dta_bytes),
    "xlsx": CopyFormat(prepare_xlsx, xlsx_bytes),
}
