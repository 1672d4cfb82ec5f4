"""Fully conditional specification: fit every column from others, then draw tables column by column."""

from .chain import Chain, Completed
from .chain_table import ChainTable
from .completed import completed_table, note_events
from .draw import Drawn, draw_imputation
from .encoding import Prepared, prepare
from .fit import ColumnModel, fit_columns
from .imputation import Models, impute
from .join import join

__all__ = [
    "Chain",
    "ChainTable",
    "ColumnModel",
    "Completed",
    "Drawn",
    "Models",
    "Prepared",
    "completed_table",
    "draw_imputation",
    "fit_columns",
    "impute",
    "join",
    "note_events",
    "prepare",
]
