"""What `rp.impute` gives: the m completed tables of one run, and its chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from replicant import fcs
from replicant.errors import SpecError, nearest
from replicant.synthesis.result import Synthesis

if TYPE_CHECKING:
    import pandas as pd

    from replicant.fcs import Completed
    from replicant.plan.model import Plan
    from replicant.run.tasks import DrawnSet
    from replicant.table import Table
    from replicant.view.plot import Plot

__all__ = ["Imputation"]


class Imputation(Synthesis):
    """The m completed tables of one run: real records, whose missing cells are filled. As confidential as the data.

    Attributes
    ----------
    plan
        What was done.
    table
        The table as it was observed, encoded.
    """

    def __init__(
        self,
        plan: Plan,
        table: Table,
        drawn: Sequence[DrawnSet],
        *,
        spec: Any = None,
        source: Mapping[str, Any] | None = None,
        run: Callable[[Plan, Table, Mapping[tuple[int, int], Completed]], list[DrawnSet]] | None = None,
    ) -> None:
        super().__init__(plan, table, drawn, spec=spec, source=source)
        self._run = run

    @property
    def iterations(self) -> int:
        """How many iterations the chains have run."""
        return max((one.completed.iteration for one in self._drawn if one.completed is not None), default=0)

    def more(self, maxit: int = 5) -> Imputation:
        """Go on with the chains, from where they are.

        Parameters
        ----------
        maxit
            Further iterations.

        Returns
        -------
        Imputation
            The same, to the last byte, as if the chains had run as many iterations at once.

        Raises
        ------
        SpecError
            If `maxit` is not a positive whole number.
        """
        if type(maxit) is not int or maxit < 1:
            raise SpecError("maxit is not a positive whole number", need="how many iterations to add, such as 5")
        if self._run is None or self.plan.imputation is None:
            raise TypeError("only a result of rp.impute goes on")
        plan = replace(self.plan, imputation=replace(self.plan.imputation, maxit=maxit))
        starts = {(one.imputation, one.partition): one.completed for one in self._drawn if one.completed is not None}
        drawn = self._run(plan, self.table, starts)
        total = self.iterations + maxit
        spec = self.spec.model_copy(update={"imputation": self.spec.imputation.model_copy(update={"maxit": total})})
        done = replace(self.plan, imputation=replace(self.plan.imputation, maxit=total))
        return Imputation(done, self.table, drawn, spec=spec, source=self._source, run=self._run)

    def plot_imputed(self, *columns: str) -> Plot:
        """The imputed cells of each column beside the observed ones: smoothed densities of numbers, shares of levels.

        Parameters
        ----------
        columns
            Which; none for all that have imputed cells.

        Returns
        -------
        Plot
            Shown in a notebook, kept by `.save("imputed.svg")`.

        Raises
        ------
        SpecError
            If a column has no imputed cells.
        """
        from replicant.report.imputed import ImputedColumn, plot_imputed

        cells = {name: mask for name in self.table.names if (mask := self.imputed_cells(name)).any()}
        for name in columns:
            if name not in cells:
                raise SpecError(
                    f"the plot names {name!r}, of which no cell was imputed{nearest(name, cells)}",
                    need=f"one of the {len(cells)} columns with imputed cells",
                )
        sets = [self._rows_in_order(imputation) for imputation in range(self.m)]
        shown = []
        for name in columns or cells:
            at, mask = self.table.names.index(name), cells[name]
            drawn = [exact[name][mask] if name in exact else codes[at, mask] for codes, exact in sets]
            shown.append(ImputedColumn(self.table[name], mask, drawn))
        return plot_imputed(shown)

    def _make(self, imputation: int) -> pd.DataFrame:
        return self.table.to_frame(*self._rows_in_order(imputation), self.plan.outputs)

    def _rows_in_order(self, imputation: int) -> tuple[npt.NDArray[np.int32], dict[str, npt.NDArray[np.float64]]]:
        """Codes and computed numbers of a completed table, whose rows are those of the table, strata or not."""
        parts = [part for part in self._drawn if part.imputation == imputation]
        codes, exact = fcs.join(self.table, [part.codes for part in parts], [part.exact for part in parts])
        rows = [self.plan.partitions[part.partition].rows for part in parts]
        if any(own is None for own in rows):
            return codes, exact
        back = np.argsort(np.concatenate([own for own in rows if own is not None]))
        return np.ascontiguousarray(codes[:, back]), {name: numbers[back] for name, numbers in exact.items()}

    def __repr__(self) -> str:
        plan = self.plan
        cells = {column.name: int(self.imputed_cells(column.name).sum()) for column in self.table.columns}
        filled = sum(cells.values())
        columns = sum(count > 0 for count in cells.values())
        where = f"{filled:,} cells in {columns} column{'' if columns == 1 else 's'}"
        size = f"{plan.n} rows x {len(plan.columns)} columns"
        return f"<Imputation m={plan.m}, {size}, {where}, {self.iterations} iterations>"
