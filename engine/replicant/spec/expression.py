"""Arithmetic on columns: what a passive column is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from replicant.errors import ExpressionError
from replicant.spec.grammar import parse
from replicant.spec.nodes import Name, Node, apply, names_in

__all__ = ["Expression", "parse_expression"]


@dataclass(frozen=True, slots=True)
class Expression:
    """Arithmetic on columns, such as `wgt / (hgt / 100)**2`.

    Attributes
    ----------
    text
        As the user wrote it.
    names
        The columns in it, in the order of their first mention.
    """

    text: str
    names: tuple[str, ...]
    tree: Node = field(repr=False, compare=False)

    def evaluate(self, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Compute it on whole columns.

        Parameters
        ----------
        values
            (n,) numbers by column name; NaN is missing. Columns that are not in the expression are ignored.

        Returns
        -------
        numpy.ndarray
            (n,) float64, a new array. NaN where an input is NaN, and where the result is undefined or infinite
            (a division by zero, the logarithm of a negative number).

        Raises
        ------
        ExpressionError
            If a column of the expression is not among `values`.
        """
        absent = [name for name in self.names if name not in values]
        if absent:
            raise ExpressionError(
                f"no values for column {absent[0]!r} of the expression {self.text!r}",
                need="numbers for every column in it",
            )
        inputs = {name: np.asarray(values[name], dtype=np.float64) for name in self.names}
        with np.errstate(all="ignore"):
            computed = np.asarray(apply(self.tree, inputs), dtype=np.float64)
        result = computed.copy() if isinstance(self.tree, Name) else computed
        result[~np.isfinite(result)] = np.nan
        for column in inputs.values():
            # x**0 and 1**x are 1 for NaN in IEEE arithmetic; a missing input makes a missing result here.
            result[np.isnan(column)] = np.nan
        return result

    def __str__(self) -> str:
        return self.text


def parse_expression(text: object) -> Expression:
    """Read arithmetic on columns.

    Allowed: column names (in backticks if they are not plain words), numbers, `+ - * / **`, parentheses, and `abs ceil
    exp floor log log10 log1p log2 max min round sqrt`. Nothing is run as Python.

    Raises
    ------
    ExpressionError
        With the position of the first thing that is not allowed.
    """
    tree = parse(text, "expression")
    names = names_in(tree)
    if not names:
        raise ExpressionError(
            f"the expression {text!r} names no column",
            need="arithmetic on at least one column",
            fix="a column that is constant needs no expression; leave it out",
        )
    return Expression(str(text), names, tree)
