"""One synthetic partition in the making, column by column along the visit sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from replicant.fcs.account import DonorCounts
from replicant.fcs.checked import as_cells, checked_draw
from replicant.fcs.encoding import Mask, Prepared, block_response
from replicant.fcs.fit import ColumnModel
from replicant.methods import Cells, Donations, DonorModel, Predictors, Touched
from replicant.plan.column import ColumnPlan
from replicant.plan.model import Plan
from replicant.plan.seeds import Stage, stream
from replicant.plan.sequence import sequence_of
from replicant.table import Column

if TYPE_CHECKING:
    from replicant.fcs.chain import Completed
    from replicant.spec.expression import Expression

__all__ = ["Drawing", "Drawn", "Positions", "merged"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
T = TypeVar("T")


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """One synthetic partition.

    Attributes
    ----------
    codes
        (p, k) int32 codes of the columns, in table order.
    exact
        (k,) computed numbers of columns that are not donors' values.
    rows
        (k,) the observed rows that these stand in for, where there are such.
    completed
        Where the chain ended that filled the missing cells of the table; None if they were kept.
    donors
        How often a record donated to a row again, where that is avoided; None where it is not.
    redrawn
        Draws of rows that were needed once more to keep the rules.
    notes
        Column and word of what methods did by themselves.
    touched
        By column, what protecting the donors of its trees changed, where that was counted.
    """

    codes: Int32
    exact: dict[str, Float]
    rows: Int32 | None
    completed: Completed | None = None
    donors: DonorCounts | None = None
    redrawn: int = 0
    notes: tuple[tuple[str, str], ...] = ()
    touched: Mapping[str, Touched] = field(default_factory=dict)


class Drawing:
    """The rows of one synthetic set that are drawn so far."""

    def __init__(
        self,
        prepared: Prepared,
        plan: Plan,
        models: Mapping[str, ColumnModel],
        imputation: int,
        replicate: int,
        weights: Int32 | None,
    ) -> None:
        self.prepared = prepared
        self.plan = plan
        self.models = models
        self.imputation = imputation
        self.replicate = replicate
        n = prepared.table.n - prepared.canaries
        # A bootstrap sample is as large as its weights say; a plan's own k counts only without one.
        self.k = prepared.k if weights is None else int(weights.sum())
        self.rows = self._base_rows(n, weights) if plan.aligned else None
        self.codes = np.empty((len(plan.columns), self.k), dtype=np.int32)
        self.exact: dict[str, Float] = {}
        self.block: dict[str, tuple[Int32, Float | None]] = {}
        self.notes: list[tuple[str, str]] = []
        self.touched: dict[str, Touched] = {}
        self.x: Int32 | None = None
        if plan.conditioning == "synthetic":
            self.x = np.empty((self.k, len(prepared.features)), dtype=np.int32)
        self.donations = None if plan.donors is None else self._donations(plan.donors)
        self.sequence = sequence_of(plan, imputation, replicate)

    def run(self) -> Drawn:
        """Draw all columns.

        Returns
        -------
        Drawn
            Shuffled, if the plan says so.
        """
        for name in self.sequence:
            self.visit(self.plan.column(name))
        return self.result()

    def stream(self, stage: Stage, column: int = 0) -> np.random.Generator:
        return stream(
            self.plan.seed,
            stage,
            replicate=self.replicate,
            imputation=self.imputation,
            partition=self.prepared.partition,
            column=column,
        )

    def _base_rows(self, n: int, weights: Int32 | None) -> Int32:
        """The observed row that each synthetic row stands in for."""
        rows = np.arange(n, dtype=np.int32)
        if weights is not None:
            return np.repeat(rows, weights)
        if self.k == n:
            return rows
        # Every row as often as k // n says, and a simple random sample of them for the rest.
        rest = self.stream(Stage.ROWS).permutation(n)[: self.k % n]
        return np.sort(np.concatenate([np.tile(rows, self.k // n), rows[rest]]))

    def _donations(self, most: int) -> Donations:
        """No donor yet, but for cells that are left as observed: their donor is the row's own record.

        A record that must not donate to its own row has donated to it as often as it may.
        """
        own: list[Int32] = []
        if self.rows is not None:
            kept = np.full(self.k, most if self.plan.exclude_self else 0)
            for column in self.plan.columns:
                if column.is_kept:
                    kept += 1
                elif column.where is not None:
                    kept += ~self.prepared.where[column.name][self.rows]
            counts = range(min(most, int(kept.max(initial=0))))
            own = [np.where(kept > count, self.rows, np.int32(-1)) for count in counts]
        return Donations.of(most, self.k, len(self.plan.fitted), own)

    def visit(self, planned: ColumnPlan) -> None:
        """Draw one column, or compute it, or leave it as observed."""
        at = self.plan.positions[planned.name]
        column = self.prepared.table.columns[at]
        exact: Float | None = None
        if planned.expression is not None:
            codes, exact = self._compute(planned, planned.expression, column)
        elif planned.is_computed:
            codes, exact = self._follow(self.plan.positions[planned.inputs[0]], column)
        elif not planned.is_fitted:
            codes, exact = planned.declaration.method.draw(self._cells(column, at))
        elif planned.block:
            if planned.name == planned.block[0]:
                self.block = self.draw_block(planned, self.stream(Stage.DRAW, at))
            codes, exact = self.block[planned.name]
        elif planned.where is not None:
            codes, exact = self._replace_some(planned, column)
        else:
            codes, exact = self.draw_cells(planned, column, None)
        if self.donations is not None and planned.is_fitted:
            self.donations.close()
        self.enter(planned.name, codes, exact)

    def enter(self, name: str, codes: Int32, exact: Float | None) -> None:
        """Put all cells of a column among those that are drawn."""
        self.codes[self.plan.positions[name]] = codes
        if exact is not None:
            self.exact[name] = exact
        if self.x is not None:
            features = self.prepared.columns[name]
            for position, encoded in zip(features.positions, features.encode(codes), strict=True):
                self.x[:, position] = encoded

    def _follow(self, at: int, column: Column) -> tuple[Int32, Float | None]:
        """The value that stands beside each drawn one of another column in the observed rows."""
        source, drawn = self.prepared.table.columns[at], self.codes[at]
        exact = self.exact.get(source.name)
        if np.array_equal(source.codes, column.codes):
            return drawn, exact if np.array_equal(source.values, column.values) else None
        # A level that does not occur is none of the other column's.
        lowest = 1 + len(source.missing_codes)
        beside = np.minimum(np.arange(-lowest, source.size, dtype=np.int32), column.size - 1)
        beside[source.codes + lowest] = column.codes
        return beside.take(drawn + lowest), None

    def _cells(self, column: Column, at: int) -> Cells:
        """The cells of a column of which no model is fitted."""
        sizes, index = [partition.k for partition in self.plan.partitions], self.prepared.partition
        address = {"replicate": self.replicate, "imputation": self.imputation, "column": at}
        return Cells(
            column,
            self.k,
            self.rows,
            (sum(sizes[:index]), sum(sizes[: index + 1]), sum(sizes)),
            lambda: self.stream(Stage.SURROGATE, at),
            lambda: stream(self.plan.seed, Stage.SURROGATE_ORDER, **address),
        )

    def _compute(self, planned: ColumnPlan, expression: Expression, column: Column) -> tuple[Int32, Float]:
        exact = column.rounded(expression.evaluate({name: self._numbers(name) for name in planned.inputs}))
        return column.nearest_codes(exact), exact

    def _numbers(self, name: str) -> Float:
        if name in self.exact:
            return self.exact[name]
        at = self.plan.positions[name]
        return self.prepared.table.columns[at].numbers(self.codes[at])

    def _replace_some(self, planned: ColumnPlan, column: Column) -> tuple[Int32, Float | None]:
        """Only the cells selected are drawn; the others stay as observed."""
        codes = column.codes[self.rows]
        chosen = np.flatnonzero(self.prepared.where[planned.name][self.rows])
        if not chosen.size:
            return codes, None
        return merged(column, codes, chosen, *self.draw_cells(planned, column, chosen))

    def draw_block(self, planned: ColumnPlan, rng: np.random.Generator) -> dict[str, tuple[Int32, Float | None]]:
        """All columns of a block: which cells are ordinary, column by column, and then these together."""
        model = self.models[planned.name]
        cells: dict[str, tuple[Int32, Mask]] = {}
        known = []
        for name in planned.block:
            member, column = self.plan.column(name), self.prepared.table[name]
            codes, drawn = self._cells_of_block(member)
            cells[name] = codes, drawn
            known.append(block_response(column).codes[self.rows] if member.where is not None else codes)
            known[-1] = np.where(drawn, np.int32(-1), known[-1])
        some = any(self.plan.column(name).where is not None for name in planned.block)
        if model.value is None:
            return {name: (codes, None) for name, (codes, _) in cells.items()}
        values = model.value.draw(self.given(model, planned, None), rng, tuple(known) if some else None)
        self._note(planned.name, model.value)
        made = {}
        for name, of_column in zip(planned.block, values, strict=True):
            column = self.prepared.table[name]
            codes, drawn = cells[name]
            at = np.flatnonzero(drawn)
            new = self.cells_of(checked_draw(of_column, self.k, planned.method, column)[at], column)
            made[name] = merged(column, codes, at, *new)
        return made

    def _cells_of_block(self, member: ColumnPlan) -> tuple[Int32, Mask]:
        """Codes of a column of a block before it is drawn, and which cells are still to be drawn."""
        chosen: Positions | None = None
        codes = np.zeros(self.k, dtype=np.int32)
        drawn = np.ones(self.k, dtype=np.bool_)
        if member.where is not None:
            codes = self.prepared.table[member.name].codes[self.rows]
            drawn = self.prepared.where[member.name][self.rows]
            chosen = np.flatnonzero(drawn)
        model = self.models[member.name]
        if model.state is None or (chosen is not None and not chosen.size):
            return codes, drawn
        rng = self.stream(Stage.STATE, self.plan.positions[member.name])
        states = model.state.draw(self.predictors(model, member, chosen), rng)
        special = np.array((0, *self.prepared.response(member.name, missing_class=False).special), dtype=np.int32)
        at = np.arange(self.k) if chosen is None else chosen
        codes[at] = np.where(states > 0, special[states], codes[at])
        drawn[at] = states == 0
        return codes, drawn

    def draw_cells(self, planned: ColumnPlan, column: Column, chosen: Positions | None) -> tuple[Int32, Float | None]:
        """Values of a column for the chosen rows, all if None."""
        return self.draw(planned, column, chosen, self.stream(Stage.DRAW, self.plan.positions[planned.name]))

    def draw(
        self, planned: ColumnPlan, column: Column, chosen: Positions | None, rng: np.random.Generator
    ) -> tuple[Int32, Float | None]:
        """As its model draws them: the state first where there is one, then ordinary values."""
        model = self.models[planned.name]
        if (touched := model.touched) is not None:
            self.touched[planned.name] = touched
        if model.state is None:
            return self._ask(model.value, model, planned, column, chosen, rng)
        response = self.prepared.response(planned.name, planned.declaration.missing_class)
        states = model.state.draw(self.predictors(model, planned, chosen), rng)
        self._note(planned.name, model.state)
        codes = np.array((0, *response.special), dtype=np.int32)[states]
        ordinary = np.flatnonzero(states == 0)
        if not ordinary.size:
            return codes, None
        of_these = ordinary if chosen is None else chosen[ordinary]
        if self.donations is not None:
            self.donations.withdraw(of_these)
        return merged(column, codes, ordinary, *self._ask(model.value, model, planned, column, of_these, rng))

    def _ask(
        self,
        value: Any,
        model: ColumnModel,
        planned: ColumnPlan,
        column: Column,
        chosen: Positions | None,
        rng: np.random.Generator,
    ) -> tuple[Int32, Float | None]:
        if value is None:
            raise TypeError("no row to fit on, yet a value to draw")
        drawn = value.draw(self.given(model, planned, chosen), rng)
        self._note(planned.name, value)
        if not isinstance(value, DonorModel):
            drawn = checked_draw(drawn, self.k if chosen is None else len(chosen), planned.method, column)
        return self.cells_of(drawn, column)

    def _note(self, name: str, model: Any) -> None:
        self.notes += [(name, word) for word in getattr(model, "notes", ())]

    def cells_of(self, drawn: npt.NDArray[Any], column: Column) -> tuple[Int32, Float | None]:
        """Codes, and numbers where they are not donors' values."""
        if drawn.dtype.kind != "f":
            return drawn.astype(np.int32, copy=False), None
        codes, exact, beyond = as_cells(drawn, column)
        self.notes += [(column.name, "limited")] * beyond
        return codes, exact

    def given(self, model: ColumnModel, planned: ColumnPlan, chosen: Positions | None) -> Any:
        """What a method is given of the rows to be drawn (all if None)."""
        declared = planned.declaration
        if declared.works_on == "codes":
            return self.predictors(model, planned, chosen)
        x = self._beside(self.prepared.design, planned, chosen)
        if declared.works_on == "design":
            return x
        usable = self._usable(planned)
        if self.x is None:
            rows = self.rows if chosen is None or self.rows is None else self.rows[chosen]
            return self.prepared.clustered(x, self.plan, planned, usable, rows)
        return self.prepared.clustered(x, self.plan, planned, usable, chosen, self.codes)

    def _usable(self, planned: ColumnPlan) -> tuple[str, ...]:
        return self.plan.predictors_along(sequence_of(self.plan, self.imputation, self.replicate))[planned.name]

    def predictors(self, model: ColumnModel, planned: ColumnPlan, chosen: Positions | None) -> Predictors:
        rows, x = self.rows, self.x
        # The donors of a block give it several cells at once: it draws as it would without a limit.
        donations = None if planned.block else self.donations
        if chosen is not None:
            donations = None if donations is None else donations.take(chosen)
            rows = None if rows is None else rows[chosen]
            x = None if x is None else x[chosen]
        return Predictors(
            self.prepared.features,
            model.subset,
            self.k if chosen is None else len(chosen),
            codes=x,
            rows=rows,
            exclude_self=self.plan.exclude_self,
            donations=donations,
            _frame=lambda: self._beside(self.prepared.frame, planned, chosen),
        )

    def _beside(self, form: Callable[..., T], planned: ColumnPlan, chosen: Positions | None) -> T:
        """The predictors of the chosen rows, as a frame or as a design matrix."""
        usable = self._usable(planned)
        if self.x is not None:
            return form(usable, chosen, self.codes, self.exact)
        rows = self.rows if chosen is None or self.rows is None else self.rows[chosen]
        return form(usable, rows)

    def result(self) -> Drawn:
        codes, exact, rows = self.codes, self.exact, self.rows
        # Rows that stand in for no observed row are drawn independently: they have no order to hide.
        if self.plan.shuffle and rows is not None:
            order = self.stream(Stage.SHUFFLE).permutation(self.k)
            codes = codes[:, order]
            exact = {name: values[order] for name, values in exact.items()}
            rows = rows[order]
        donors = None if self.donations is None else DonorCounts(*self.donations.counts)
        return Drawn(codes, exact, rows, donors=donors, notes=tuple(self.notes), touched=self.touched)


def merged(
    column: Column,
    codes: Int32,
    at: Positions,
    drawn: Int32,
    exact: Float | None,
    known: Float | None = None,
) -> tuple[Int32, Float | None]:
    """`codes` with drawn ones at some rows, and the numbers of all rows if drawn ones, or others, are computed."""
    codes[at] = drawn
    if exact is None and known is None:
        return codes, None
    everywhere = column.numbers(codes) if known is None else known
    everywhere[at] = column.numbers(drawn) if exact is None else exact
    return codes, everywhere
