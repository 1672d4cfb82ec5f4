"""How trees grow, and what they draw: the values that settings for all columns, and options of one, may have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replicant.spec.document import Number, Whole

__all__ = [
    "MOST_ROWS",
    "ClassRisk",
    "Complexity",
    "Depth",
    "Dominance",
    "LeafRows",
    "LeafRowsOrAuto",
    "LeafWeighting",
    "Smoothing",
    "SplitRows",
    "Splits",
]

MOST_ROWS = 10**12
"""More than any table has: what is larger is a mistake, and no number of rows for the kernel."""

LeafRows = Annotated[Whole, Field(ge=1, le=MOST_ROWS)]
LeafRowsOrAuto = LeafRows | Literal["auto"]
Complexity = Annotated[Number, Field(ge=0, le=1)]
SplitRows = Annotated[Whole, Field(ge=2, le=MOST_ROWS)]
Depth = Annotated[Whole, Field(ge=1, le=100)]
Dominance = Annotated[Number, Field(ge=0, le=1)]
ClassRisk = Literal["gini", "misclassified"]
Splits = Literal["corrected", "rpart"]
LeafWeighting = Literal["equal", "regression"]
Smoothing = Literal["none", "kernel"]
