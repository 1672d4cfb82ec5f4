"""Influx and outflux: how well a column's missing cells connect to what is observed, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from replicant.missing.cells import Mask, missing_and_observed, variables
from replicant.table import Table
from replicant.table.arrays import Floats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Flux", "flux"]

_FIGURES = ("pobs", "influx", "outflux", "ainb", "aout", "fico")


@dataclass(frozen=True, eq=False, repr=False)
class Flux:
    """Figures of each column's connection to the others (van Buuren 2018, section 4.1.3).

    Attributes
    ----------
    columns
        The columns of the table that measure something.
    figures
        (columns, 6) the figures of `frame`.
    """

    columns: tuple[str, ...]
    figures: Floats

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a column.

        - `column`
        - `pobs`: share of its cells that are observed.
        - `influx`: pairs of a missing cell of it and an observed cell of another column, relative to all observed
          cells: 0 for a column that is complete, 1 for one that is missing everywhere. High: it depends on
          imputation, and has much to be imputed from.
        - `outflux`: pairs of an observed cell of it and a missing cell of another column, relative to all missing
          cells: 1 for a column that is complete. Low: it helps little in imputing others.
        - `ainb`: where it is missing, the mean share of the other columns that are observed.
        - `aout`: where it is observed, the mean share of the other columns that are missing.
        - `fico`: share of incomplete rows among those in which it is observed.
        """
        import pandas as pd

        return pd.DataFrame({"column": list(self.columns), **dict(zip(_FIGURES, self.figures.T, strict=True))})

    def _facts(self) -> str:
        missing = int((self.figures[:, 0] < 1).sum())
        return f"{len(self.columns):,} columns, {missing:,} of them with missing cells"

    def __repr__(self) -> str:
        return f"<Flux: {self._facts()}>"

    def __str__(self) -> str:
        return f"{self._facts()}\n{self.frame.round(3).to_string(index=False)}"

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        body = [
            (name, *(f"{figure:.3f}" for figure in row))
            for name, row in zip(self.columns, self.figures.tolist(), strict=True)
        ]
        head = ("column", "observed", "influx", "outflux", "mean influx", "mean outflux", "incomplete rows")
        hints = [
            "a column of low outflux helps little in imputing the others",
            "one with many missing cells and low influx has little to be imputed from",
        ]
        return fragment("Influx and outflux", self._facts(), rows(head, body, right=range(1, len(head))), notes(hints))


def flux(table: Table, not_applicable: Mask | None = None) -> Flux:
    """Influx and outflux of every column.

    Parameters
    ----------
    table
        An encoded table; a coded missing value is missing.
    not_applicable
        (n, p) cells that are empty by design: neither missing nor observed.

    Returns
    -------
    Flux
        A figure whose denominator is nothing is 0 (1 for `outflux` and `pobs`, as of a complete column).

    References
    ----------
    van Buuren, S. (2018). *Flexible Imputation of Missing Data*, 2nd edition, section 4.1.3. Chapman & Hall/CRC.
    """
    missing, observed = missing_and_observed(table, not_applicable)
    m, r = missing.astype(np.float64), observed.astype(np.float64)
    both, in_, out = m.T @ m, m.T @ r, r.T @ m  # pairs of cells of one row: column j (missing, missing, observed) and k
    shared = r.T @ r
    others = ~np.eye(missing.shape[1], dtype=bool)
    n_missing, n_observed = m.sum(axis=0), r.sum(axis=0)
    incomplete = np.asarray(missing.any(axis=1))
    counted = max(1, missing.shape[1] - 1)
    figures = np.column_stack(
        [
            _ratio(n_observed, n_observed + n_missing, 1.0),
            _ratio((in_ * others).sum(axis=1), n_observed.sum() * np.ones(len(n_observed)), 0.0),
            _ratio((out * others).sum(axis=1), n_missing.sum() * np.ones(len(n_missing)), 1.0),
            (_ratio(in_, in_ + both, 0.0) * others).sum(axis=1) / counted,
            (_ratio(out, out + shared, 0.0) * others).sum(axis=1) / counted,
            _ratio((observed & incomplete[:, None]).sum(axis=0).astype(np.float64), n_observed, 0.0),
        ]
    )
    return Flux(variables(table), figures)


def _ratio(above: Floats, below: Floats, otherwise: float) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(np.shape(below), otherwise), where=below > 0)
    return ratio
