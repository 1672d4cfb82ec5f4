"""What a column is to a program that reads text, and to a codebook."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from replicant.table.typed import is_indicator

if TYPE_CHECKING:
    from replicant.table import Column

__all__ = ["MANY_LEVELS", "Form", "form_of"]

MANY_LEVELS = 1000  # beyond this the manifest gives their number; the labels stand in the files' schema


class Form(StrEnum):
    """What a column is to a program that reads text."""

    NUMBER = "number"
    DAYS = "days"
    TIME = "time"
    LOGICAL = "logical"
    DATE = "date"
    DATETIME = "datetime"
    FACTOR = "factor"
    ORDERED = "ordered"
    TEXT = "text"


def form_of(column: Column) -> Form:
    """What a column is written as."""
    if column.is_categorical:
        if _is_truth(column):
            return Form.LOGICAL
        if column.size > MANY_LEVELS or not column.size:
            return Form.TEXT
        if is_indicator(column.kind, column.levels()):
            return Form.NUMBER
        return Form.ORDERED if column.kind == "ordered" else Form.FACTOR
    if column.kind == "identifier":
        return Form.NUMBER if column.dtype.number is not None or column.dtype.python == "integer" else Form.TEXT
    if column.kind == "date":
        return Form.DATE if column.extent.whole else Form.DATETIME
    if column.dtype.is_time:
        return Form.TIME
    return Form.DAYS if column.dtype.is_duration else Form.NUMBER


def _is_truth(column: Column) -> bool:
    """Whether all levels are true/false; where there are none, whether the type is."""
    import pandas as pd

    levels = column.levels()
    if not levels:
        return pd.api.types.is_bool_dtype(column.dtype.dtype)
    return all(isinstance(level, bool) for level in levels)
