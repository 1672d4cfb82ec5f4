"""Fully conditional specification: fit every column from others, then draw tables column by column."""

from .draw import Drawn, draw_imputation
from .encoding import Prepared, prepare
from .fit import ColumnModel, fit_columns
from .join import join

__all__ = ["ColumnModel", "Drawn", "Prepared", "draw_imputation", "fit_columns", "join", "prepare"]
