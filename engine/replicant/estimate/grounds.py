"""What decides whether a coefficient is the parameter that its name says.

`gb` is the mean of b less that of the reference, whatever rows there are. The rows X tell it if and only if no v with
X v = 0 involves it: it is estimable (Scheffe 1959, section 1.4). A solver finds some solution all the same: R's
`lm` sets the last of the columns that depend on one another to 0, and the others are then something else than their
names say. Where all sets have the same relations, the others are alike in all, and this is R's answer. Where one set
has a relation that the others have not, its coefficients are other parameters, and must not be averaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from replicant.table.arrays import Bools, Floats

__all__ = ["Coded", "Coding", "Grounds", "Relations", "listed", "reduced", "triangle_of"]

ALIASED = 1e-7  # R's tolerance in lm: what is left of a term beside those before it, relative to its length
NEGLIGIBLE = 1e-6
"""Relative to the largest coefficient of a relation: smaller ones are rounding errors."""

Coding: TypeAlias = Literal["reference", "together", "each", "outcomes", "thresholds"]
"""Levels against a reference; all together, as polynomials; each by itself; the response of a logit; that of `polr`."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of levels in a model, and which of its levels the rows have.

    Attributes
    ----------
    column, label
        The column, and how the formula writes it.
    coding
        What becomes of its levels.
    levels, seen
        Its levels, and those of them that some complete row has.
    reference
        The level that the others are compared with.
    columns
        Of the design: those that compare levels of it.
    typed
        Whether the levels are those of a codebook or a type, and not values that were found.
    """

    column: str
    label: str
    coding: Coding
    levels: tuple[str, ...]
    seen: tuple[str, ...]
    reference: str | None
    columns: tuple[int, ...]
    typed: bool

    @property
    def broken(self) -> tuple[str, ...]:
        """Levels without a row, on which what is said of the other levels rests."""
        seen = set(self.seen)
        if self.coding == "reference":
            return () if self.reference is None or self.reference in seen else (self.reference,)
        if self.coding in {"together", "outcomes"}:
            return tuple(level for level in self.levels if level not in seen)
        return ()


@dataclass(frozen=True, eq=False, slots=True)
class Relations:
    """How columns of a design depend on one another.

    Attributes
    ----------
    triangle
        (p, p) triangle of the design.
    dropped
        Positions of the columns that are combinations of those before them.
    members
        (d, p) for each of these, the columns in its relation, itself among them.
    """

    triangle: Floats
    dropped: tuple[int, ...]
    members: Bools

    def rows(self) -> Iterator[tuple[int, list[int]]]:
        """Each dropped column with the others of its relation."""
        for j, member in zip(self.dropped, self.members, strict=True):
            yield j, [i for i in np.flatnonzero(member).tolist() if i != j]


@dataclass(frozen=True, eq=False, slots=True)
class Grounds:
    """What the terms of a fit rest on.

    Attributes
    ----------
    names
        Names of the columns of the design.
    columns
        (q,) for each term the column that must differ from the others; -1 if there is none.
    factors
        The columns of levels; the response last, if it is one.
    relations
        Those between the columns; None if there is none.
    """

    names: tuple[str, ...]
    columns: np.ndarray[Any, np.dtype[np.intp]]
    factors: tuple[Coded, ...]
    relations: Relations | None

    @property
    def broken(self) -> tuple[Coded, ...]:
        """The factors among the terms of which a level lacks on which the others rest."""
        return tuple(one for one in self.factors if one.columns and one.broken)

    def touched(self, columns: Bools) -> Bools:
        """(q,) the terms that rest on one of these columns of the design."""
        return np.asarray((self.columns >= 0) & columns[self.columns])


def triangle_of(matrix: Floats) -> Floats:
    """The square triangle R of a matrix QR, with rows of zeros where it has fewer rows than columns."""
    r = np.asarray(np.linalg.qr(matrix, mode="r"))
    missing = matrix.shape[1] - r.shape[0]
    return r if missing <= 0 else np.vstack([r, np.zeros((missing, matrix.shape[1]))])


def reduced(triangle: Floats) -> tuple[np.ndarray[Any, np.dtype[np.intp]], Floats, Relations | None]:
    """Columns that are no combination of those before them, the triangle of these, and what the others are.

    Parameters
    ----------
    triangle
        (p, p) of a design.
    """
    p = len(triangle)
    norms = np.linalg.norm(triangle, axis=0)
    kept, r = np.arange(p), triangle
    dropped: list[int] = []
    members: list[Bools] = []
    while len(kept):
        left = np.abs(np.diag(r))
        aliased = np.flatnonzero(left <= ALIASED * norms[kept])
        if not aliased.size:
            break
        j = int(aliased[0])
        member = np.zeros(p, dtype=np.bool_)
        member[kept[j]] = True
        if j and norms[kept[j]] > 0:
            share = np.abs(np.linalg.solve(r[:j, :j], r[:j, j])) * np.linalg.norm(r[:, :j], axis=0)
            member[kept[:j]] = share > NEGLIGIBLE * share.max(initial=0.0)
        dropped.append(int(kept[j]))
        members.append(member)
        kept = np.delete(kept, j)
        r = triangle_of(triangle[:, kept])[: len(kept)] if len(kept) else np.empty((0, 0))
    return kept, r, Relations(triangle, tuple(dropped), np.array(members)) if dropped else None


def listed(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    """Names as a text, of many the first."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else ", ".join(names)
