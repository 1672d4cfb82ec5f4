"""Synthetic sets that are held by the workers that made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from replicant.release import OutputSchema, from_arrow
from replicant.summaries.summary import Outline, Tally, tally

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from replicant.fcs import Account

__all__ = ["HeldFacts", "HeldSet", "HeldSink"]


@dataclass(frozen=True, repr=False)
class HeldSet:
    """Some rows of a set; to call it gives them as a frame.

    Attributes
    ----------
    table
        As a release stores them.
    """

    table: pa.Table

    def __call__(self) -> pd.DataFrame:
        return from_arrow(self.table)


class HeldFacts(NamedTuple):
    """What is known here of rows that are held elsewhere."""

    imputation: int
    partition: int
    rows: int
    bytes: int
    tally: Tally


@dataclass(frozen=True, repr=False)
class HeldSink:
    """Holds the rows that a file of the release would hold, and counts them.

    Attributes
    ----------
    schema
        How a release stores the columns.
    outline
        What is counted.
    """

    schema: OutputSchema
    outline: Outline

    def find(self, imputation: int, partition: int) -> None:
        """Nothing that is held outlives its run."""

    def __call__(
        self, frame: pd.DataFrame, imputation: int, partition: int, account: Account | None = None
    ) -> tuple[HeldSet, Any]:
        table = self.schema.table(frame)
        facts = HeldFacts(imputation, partition, len(frame), table.nbytes, tally(frame, self.outline))
        return HeldSet(table), facts
