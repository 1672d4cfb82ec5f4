"""What `rp.impute` gives: the m completed tables of one run, and its chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError
from replicant.synthesis.result import Synthesis

if TYPE_CHECKING:
    from replicant.fcs import Completed
    from replicant.plan.model import Plan
    from replicant.run.tasks import DrawnSet
    from replicant.table import Table

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
        spec = self._spec.model_copy(update={"imputation": self._spec.imputation.model_copy(update={"maxit": total})})
        done = replace(self.plan, imputation=replace(self.plan.imputation, maxit=total))
        return Imputation(done, self.table, drawn, spec=spec, source=self._source, run=self._run)

    def __repr__(self) -> str:
        plan = self.plan
        cells = {column.name: int(self.imputed_cells(column.name).sum()) for column in self.table.columns}
        filled = sum(cells.values())
        columns = sum(count > 0 for count in cells.values())
        where = f"{filled:,} cells in {columns} column{'' if columns == 1 else 's'}"
        size = f"{plan.n} rows x {len(plan.columns)} columns"
        return f"<Imputation m={plan.m}, {size}, {where}, {self.iterations} iterations>"
