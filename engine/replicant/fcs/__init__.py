"""Fully conditional specification: fit every column from others, then draw tables column by column."""

from .account import (
    NOTHING,
    Account,
    DonorCounts,
    account_events,
    account_of,
    chains_of,
    combined,
    donors_of,
    facts_of,
    touched_of,
)
from .canaries import CanaryCounts, Planted, plant, take_out, total
from .chain import Chain, Completed
from .chain_table import ChainTable
from .completed import completed_table
from .draw import draw_imputation
from .drawing import Drawn
from .encoding import Prepared, prepare
from .fit import ColumnModel, fit_columns
from .imputation import Models, impute
from .join import join
from .orders import find_orders
from .trace import Trace, by_imputation, convergence_of, trace_events

__all__ = [
    "NOTHING",
    "Account",
    "CanaryCounts",
    "Chain",
    "ChainTable",
    "ColumnModel",
    "Completed",
    "DonorCounts",
    "Drawn",
    "Models",
    "Planted",
    "Prepared",
    "Trace",
    "account_events",
    "account_of",
    "by_imputation",
    "chains_of",
    "combined",
    "completed_table",
    "convergence_of",
    "donors_of",
    "draw_imputation",
    "facts_of",
    "find_orders",
    "fit_columns",
    "impute",
    "join",
    "plant",
    "prepare",
    "take_out",
    "total",
    "touched_of",
    "trace_events",
]
