"""Fully conditional specification: fit every column from others, then draw tables column by column."""

from .chain import Chain, Completed
from .chain_table import ChainTable
from .completed import completed_table
from .draw import Drawn, draw_imputation
from .encoding import Prepared, prepare
from .fit import ColumnModel, fit_columns
from .imputation import Models, impute, trace_of
from .join import join
from .orders import find_orders
from .trace import Trace, by_imputation, convergence_of, trace_events

__all__ = [
    "Chain",
    "ChainTable",
    "ColumnModel",
    "Completed",
    "Drawn",
    "Models",
    "Prepared",
    "Trace",
    "by_imputation",
    "completed_table",
    "convergence_of",
    "draw_imputation",
    "find_orders",
    "fit_columns",
    "impute",
    "join",
    "prepare",
    "trace_events",
    "trace_of",
]
