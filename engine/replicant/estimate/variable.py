"""What the terms of a formula are made of."""

from __future__ import annotations

from dataclasses import dataclass

from replicant.spec.nodes import Node, names_in

__all__ = ["Spline", "Variable"]


@dataclass(frozen=True, slots=True)
class Spline:
    """Arguments of `bs` and `ns`, as in R.

    Attributes
    ----------
    df
        Number of columns; None: as many as knots and degree make.
    knots
        Inner knots in ascending order; None: quantiles of the column, as many as `df` needs.
    boundary
        The outer knots; None: the range of the column.
    intercept
        Whether the basis spans the constant too.
    """

    df: int | None = None
    knots: tuple[float, ...] | None = None
    boundary: tuple[float, float] | None = None
    intercept: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """One ingredient of the terms.

    Attributes
    ----------
    label
        As R prints it: `age`, `I(age^2)`, `bs(age, df = 5)`.
    role
        `column` (number or factor, by its type), `number` (arithmetic), `logical` (a comparison), `factor`, `poly`,
        `scale`, `bs`, `ns`, or `group`: a column whose values only tell rows apart.
    node
        What is computed of the columns.
    degree
        Of `poly` and `bs`.
    contrast
        Of `factor`: `treatment`, `poly`, `sum`, `helmert`, or an empty text for what the column's type says.
    reference
        Of `factor`: the level that others are compared with, as written; None: the first.
    spline
        Of `bs` and `ns`.
    raw
        Of `poly`: whether its columns are plain powers.
    centred, scaled
        Of `scale`: whether the mean is taken off, and whether the rest is divided by its spread.
    """

    label: str
    role: str
    node: Node
    degree: int = 0
    contrast: str = ""
    reference: str | None = None
    spline: Spline | None = None
    raw: bool = False
    centred: bool = True
    scaled: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that it needs."""
        return names_in(self.node)
