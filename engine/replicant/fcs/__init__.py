"""Fully conditional specification: fit every column from others, then draw tables column by column."""

from .draw import Drawn, draw_imputation
from .encoding import Prepared, prepare
from .fit import ColumnModel, fit_columns
from .imputation import Models, impute
from .join import join

__all__ = ["ColumnModel", "Drawn", "Models", "Prepared", "draw_imputation", "fit_columns", "impute", "join", "prepare"]
